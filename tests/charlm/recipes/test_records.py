"""Records of any length and in any number, from the command line and from Python."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, NGramCounts, RecordDataset, TextDataset, TrainerConfig
from charlm.cli.app import main
from charlm.models.bigram import table as bigram_module
from charlm.models.bigram.table import BigramTable
from charlm.models.counting import texts as texts_module
from charlm.recipes import events
from charlm.recipes.corpus import Corpus
from charlm.recipes.description import excerpt
from charlm.recipes.presets import Recipe
from charlm.recipes.train import train
from chartok import TokenFile, encode_texts
from strategies import costly

NAMES = [first + last for first in ("ada", "bob", "cleo", "dora") for last in ("", "a", "lin", "na", "s")]
ONE_STEP = TrainerConfig(max_steps=1)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("\n".join(NAMES), encoding="utf-8")


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return shown


def test_a_token_file_of_records_is_trained_on_and_evaluated_as_its_text_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepared = ran(capsys, "prepare", "names.txt", "--records", "--out", "names.tokens")
    assert (prepared["records"], prepared["characters"]) == (len(NAMES), len("".join(NAMES)))
    of_text = ran(capsys, "train", "names.txt", "--records", "--order", "3", "--out", "a")
    of_tokens = ran(capsys, "train", "names.tokens", "--order", "3", "--out", "b")
    assert of_text["validation_nats"] == pytest.approx(of_tokens["validation_nats"])
    runs = [("a", "names.txt"), ("b", "names.tokens")]
    found = [ran(capsys, "evaluate", run, text)["nats_per_character"] for run, text in runs]
    assert found[0] == pytest.approx(found[1])
    trained = [
        ran(capsys, "train", text, "--records", "--model", "trained-bigram", "--max-steps", "3", "--out", text + "-run")
        for text in ("names.txt", "names.tokens")
    ]
    assert trained[0]["validation_nats"] == pytest.approx(trained[1]["validation_nats"])


def test_a_record_that_is_too_long_is_named_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "names.txt", "--records", "--max-length", "3", "--too-long", "error"]) == 1
    said = "has 4 symbols, more than --max-length 3: give a larger one, or --too-long truncate or skip"
    assert said in capsys.readouterr().err


def test_a_token_file_of_one_text_has_no_records_to_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    ran(capsys, "prepare", "names.txt", "--out", "names.tokens")
    ran(capsys, "train", "names.tokens", "--out", "run")
    for arguments in (["train", "names.tokens", "--out", "other"], ["evaluate", "run", "names.tokens"]):
        assert main([*arguments, "--records"]) == 1
        assert "'names.tokens' holds one text: write its lines as records with" in capsys.readouterr().err


def began(records: list[str], recipe: Recipe) -> events.TrainingBegan:
    told: list[events.Event] = []
    train(Corpus.of_records(records), recipe, hook=told.append)
    (event,) = (event for event in told if isinstance(event, events.TrainingBegan))
    return event


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 64),
        ({"block_size": 16}, 16),
        ({"max_length": 9}, 10),
        ({"max_length": 9, "too_long": "truncate"}, 9),  # a record that is cut has no end to predict
        ({"max_length": 9, "too_long": "skip"}, 8),
        ({"block_size": 5, "max_length": 9, "too_long": "truncate"}, 5),
        ({"block_size": 30, "max_length": 9, "too_long": "skip"}, 30),
    ],
)
@pytest.mark.parametrize("family", ["trained-bigram", "gpt", "classic-gpt"])
def test_a_long_record_among_names_widens_no_context_beyond_what_was_asked_for(
    family: Any, settings: dict[str, Any], expected: int
) -> None:
    size: dict[str, Any] = {} if family == "trained-bigram" else {"size": "nano"}
    recipe = Recipe(family=family, config=ONE_STEP, device="cpu", **size, **settings)
    if family == "gpt" and not settings:
        expected = 128  # that of its size
    assert began([*NAMES, "x" * 20_000], recipe).block_size == expected


def test_packing_trains_on_windows_of_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    drawn = TextDataset.batch

    def noting(self: TextDataset, indices: torch.Tensor, device: torch.device) -> Any:
        batch = drawn(self, indices, device)
        shapes.append(batch[0].shape)
        return batch

    monkeypatch.setattr(TextDataset, "batch", noting)
    lm = CharLM.fit(NAMES, "gpt", packing=True, block_size=12, batch_size=4, config=ONE_STEP, device="cpu", size="nano")
    assert shapes == [(4, 12)]
    assert lm.is_of_records
    assert lm.model.block_size == 12


def test_what_counts_counts_records_cut_short_or_leaves_them_out() -> None:
    long = [*NAMES, "x" * 500]
    short = CharLM.fit(long, order=3, max_length=5, too_long="truncate")
    skipped = CharLM.fit(long, order=3, max_length=5, too_long="skip")
    assert skipped.bits_per_character("adalin") > CharLM.fit(NAMES, order=3).bits_per_character("adalin")
    assert short.bits_per_character("xxxxx") < skipped.bits_per_character("xxxxx")
    with pytest.raises(ValueError, match="record 21 has 500 symbols, more than max_length 9"):
        CharLM.fit(long, order=3, max_length=9, too_long="error")
    with pytest.raises(
        ValueError, match=r"give a larger one, or too_long='truncate' or 'skip'$"
    ):  # no windows to split
        CharLM.fit(long, order=3, max_length=9, too_long="error")


@costly()
@given(st.lists(st.text("ab\u4e2d", min_size=1, max_size=9), min_size=1, max_size=9), st.integers(1, 20))
def test_records_are_counted_a_few_at_a_time_as_all_at_once(texts: list[str], at_once: int) -> None:
    dataset = RecordDataset(texts)
    size = dataset.vocabulary.size
    weighted = Corpus.of_records({text: 1 + index for index, text in enumerate(dict.fromkeys(texts))})
    sources: list[Any] = [dataset, weighted, [dataset, dataset]]
    for source in sources:
        vocab_size = size if source is not weighted else weighted.vocabulary.size
        whole = NGramCounts.from_tokens(source, vocab_size=vocab_size, order=3)
        table = BigramTable.fit(source, vocab_size=vocab_size)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(texts_module, "IDS_AT_ONCE", at_once)
            patch.setattr(bigram_module, "IDS_AT_ONCE", at_once)
            found = NGramCounts.from_tokens(source, vocab_size=vocab_size, order=3)
            assert np.array_equal(table.table, BigramTable.fit(source, vocab_size=vocab_size).table)
        assert found.keys.tolist() == whole.keys.tolist()
        assert found.counts.tolist() == whole.counts.tolist()


@costly()
@given(st.lists(st.text("ab", min_size=1, max_size=5), min_size=2, max_size=9).filter(lambda t: len({*t}) > 1))
def test_parts_of_records_on_disk_are_those_in_memory(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    with encode_texts(texts, tmp_path_factory.getbasetemp() / "a.tokens", records=True) as tokens:
        on_disk, in_memory = Corpus.of_tokens(tokens), Corpus.of_records(texts)
        assert (len(on_disk), on_disk.characters, on_disk.longest, excerpt(on_disk), on_disk.unit) == (
            len(in_memory),
            in_memory.characters,
            in_memory.longest,
            excerpt(in_memory),
            "records",
        )
        for one, other in zip(on_disk.split(0.5, seed=1), in_memory.split(0.5, seed=1), strict=True):
            assert [array.tolist() for array in one.joined()] == [array.tolist() for array in other.joined()]
            assert one.characters == other.characters


def test_long_records_are_dealt_with_before_the_split(capsys: pytest.CaptureFixture[str]) -> None:
    Path("few.txt").write_text("ab\n" * 4 + "cd\n" * 4 + "longlong\n" * 4, encoding="utf-8")
    assert main(["train", "few.txt", "--records", "--max-length", "3", "--too-long", "skip", "--out", "run"]) == 0
    assert "8 records, 8 symbols: 4 to train on, 4 for validation" in capsys.readouterr().out


def test_a_model_of_records_is_validated_and_evaluated_on_records_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ran(capsys, "prepare", "names.txt", "--records", "--out", "names.tokens")
    Path("more.txt").write_text("adala\nbobna\n", encoding="utf-8")
    by_text = ran(capsys, "train", "names.tokens", "--validation", "more.txt", "--order", "3", "--out", "a")
    as_text = ran(capsys, "train", "names.txt", "--records", "--validation", "more.txt", "--order", "3", "--out", "b")
    assert by_text["validation_nats"] == as_text["validation_nats"]
    assert main(["prepare", "more.txt", "--vocabulary", "a", "--errors", "replace", "--out", "more.tokens"]) == 1
    assert "eos" in capsys.readouterr().err
    Path("one.txt").write_text("adabob", encoding="utf-8")
    ran(capsys, "prepare", "one.txt", "--out", "one.tokens")
    ran(capsys, "train", "more.txt", "--order", "3", "--out", "text")
    for model, tokens in (("a", "one.tokens"), ("text", "names.tokens")):
        assert main(["evaluate", model, tokens]) == 1
        assert tokens in capsys.readouterr().err
    for source, held_out in ((NAMES, "ada"), ("adabob" * 9, NAMES)):
        with pytest.raises(ValueError, match="records"):
            CharLM.fit(source, validation=held_out)
    with pytest.raises(ValueError, match="must be records like the training data, or a text like them"):
        train(Corpus.of_records(NAMES), Recipe(family="ngram"), validation=Corpus.of_text("ada"))


def test_records_are_prepared_with_symbols_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    told = ran(capsys, "prepare", "names.txt", "--records", "--symbols", "lin", "na", "--out", "names.tokens")
    assert told["records"] == len(NAMES)
    with TokenFile("names.tokens") as tokens:
        assert {"lin", "na"} <= set(tokens.vocabulary.symbols)
        assert told["symbols"] == len(tokens.vocabulary.symbols)
        assert told["characters"] == len("".join(NAMES)) > len(tokens) - 2 * len(NAMES)


@pytest.mark.parametrize("too_long", ["error", "skip", "nonsense"])
def test_what_to_do_with_long_records_needs_a_limit(too_long: Any) -> None:
    with pytest.raises(ValueError, match="too_long says what to do with a record above max_length"):
        RecordDataset(NAMES, too_long=too_long)


def test_a_record_that_is_too_long_is_named_in_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("long.txt").write_bytes(b"anna\n\nhanna\njohannaaaaaaa\n")
    for first in (b"anna\nhanna", b"anna\n\nhanna\n\n"):
        Path("short.txt").write_bytes(first)
        arguments = ["short.txt", "long.txt", "--records", "--max-length", "9", "--too-long", "error"]
        assert main(["train", *arguments, "--validation", "short.txt"]) == 1
        assert "record 3 of 'long.txt' has 13 symbols, more than --max-length 9" in capsys.readouterr().err
