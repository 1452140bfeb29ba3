"""From which counts the Transformer of a recipe starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from charlm import GPT, CharLM, LanguageModel, MixtureLanguageModel, NGramLanguageModel, NGramTable, TrainerConfig
from charlm.cli.app import main
from charlm.recipes import prior as priors
from charlm.recipes.corpus import Corpus
from charlm.recipes.dataset import dataset_of
from charlm.recipes.events import Counted, CountedAnew, PriorLeftOut
from charlm.recipes.presets import Recipe
from charlm.recipes.prior import FEWEST_CHARACTERS
from charlm.recipes.starting import Start
from charlm.recipes.train import train

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "".join(np.random.default_rng(3).choice(list("etaoin shr\n"), 1500).tolist())
OTHER = "".join(np.random.default_rng(4).choice(list("etaoin shr\n"), 1500).tolist())
NAMES = sorted({"".join(np.random.default_rng(seed).choice(list("aeiou"), 6).tolist()) for seed in range(300)})
ONE_STEP = TrainerConfig(max_steps=1)
SMALL: dict[str, Any] = {"n_layers": 1, "n_heads": 2, "width": 8, "block_size": 16, "device": "cpu", "config": ONE_STEP}


def gpt_of(lm: CharLM | Any) -> GPT:
    """The Transformer of a model, alone or in a mixture."""
    model = lm.model if isinstance(lm, CharLM) else lm
    found = model.models[0] if isinstance(model, MixtureLanguageModel) else model
    assert isinstance(found, GPT)
    return found


def table_of(lm: CharLM) -> NGramTable:
    """The counts from which it starts."""
    prior = gpt_of(lm).prior
    assert prior is not None
    return prior.table


def assert_counts(table: NGramTable, texts: Any) -> None:
    expected = NGramTable.fit(texts, vocab_size=table.vocab_size, order=table.order, context_only=table.context_only)
    assert np.array_equal(table.keys, expected.keys)
    assert np.array_equal(table.counts, expected.counts)


def happened(text: str, **settings: Any) -> tuple[LanguageModel, list[Any]]:
    told: list[Any] = []
    trained = train(Corpus.of_text(text, ["unk"]), Recipe(**{"family": "gpt"} | SMALL | settings), hook=told.append)
    return cast("LanguageModel", trained.model), told


def test_a_gpt_starts_from_the_counts_of_its_text_and_has_no_hashed_tables() -> None:
    lm = CharLM.fit(TEXT, "gpt", **SMALL)
    assert table_of(lm).order == priors.ORDER
    assert_counts(table_of(lm), lm.vocabulary.encode(TEXT))
    assert gpt_of(lm).config.hash_rows == 0


def test_without_a_prior_it_has_hashed_tables() -> None:
    lm = CharLM.fit(TEXT, "gpt", prior=False, **SMALL)
    assert gpt_of(lm).prior is None
    assert gpt_of(lm).config.hash_rows > 0


@pytest.mark.parametrize("family", ["gpt", "mixture"])
def test_the_order_is_the_one_that_is_asked_for(family: Any) -> None:
    lm = CharLM.fit(TEXT, family, order=5, **SMALL)
    assert table_of(lm).order == 5
    if family == "mixture":
        ngram = cast("MixtureLanguageModel", lm.model).models[1]
        assert isinstance(ngram, NGramLanguageModel)
        assert ngram.order == 5


@pytest.mark.parametrize("family", ["gpt", "mixture"])
def test_a_long_text_has_a_lower_order_unless_one_is_asked_for(monkeypatch: pytest.MonkeyPatch, family: Any) -> None:
    most = len(table_of(CharLM.fit(TEXT, family, order=4, **SMALL)))
    monkeypatch.setattr(priors, "SAMPLE", len(TEXT) // 2)
    monkeypatch.setattr(priors, "MOST_NGRAMS", most)
    chosen = table_of(CharLM.fit(TEXT, family, **SMALL))
    assert priors.LOWEST <= chosen.order <= 4
    assert len(chosen) <= most
    monkeypatch.setattr(priors, "MOST_NGRAMS", 0)
    assert table_of(CharLM.fit(TEXT, family, **SMALL)).order == priors.LOWEST
    assert table_of(CharLM.fit(TEXT, family, order=6, **SMALL)).order == 6


@pytest.mark.parametrize(("block_size", "order"), [(1, 2), (2, 3), (5, 4), (13, 8)])
def test_a_short_block_lowers_the_order(block_size: int, order: int) -> None:
    assert table_of(CharLM.fit(TEXT, "gpt", **SMALL | {"block_size": block_size})).order == order


@pytest.mark.parametrize("family", ["gpt", "mixture"])
def test_a_text_too_short_for_a_prior_is_told_and_trained_on_without(family: Any) -> None:
    short = TEXT[: FEWEST_CHARACTERS - 1]
    model, told = happened(short, family=family)
    assert gpt_of(model).prior is None
    assert gpt_of(model).config.hash_rows > 0
    left_out = [event for event in told if isinstance(event, PriorLeftOut)]
    assert left_out == [PriorLeftOut(characters=FEWEST_CHARACTERS - 1, least=FEWEST_CHARACTERS)]
    model, told = happened(TEXT[:FEWEST_CHARACTERS], family=family)
    assert gpt_of(model).prior is not None
    assert not [event for event in told if isinstance(event, PriorLeftOut)]
    (counted,) = [event for event in told if isinstance(event, Counted)]
    assert counted.order == 8


def test_an_order_of_a_prior_for_which_a_text_is_too_short_is_refused() -> None:
    short = TEXT[: FEWEST_CHARACTERS - 1]
    with pytest.raises(ValueError, match=r"order 3 is that of the counts .* 999 characters are too few .* or no order"):
        CharLM.fit(short, "gpt", order=3, **SMALL)
    assert CharLM.fit(short, "mixture", order=3, **SMALL).family == "mixture"


def test_records_are_counted_from_their_start_to_their_end() -> None:
    lm = CharLM.fit(NAMES, "gpt", **SMALL)
    corpus = Corpus.of_records(NAMES)
    assert lm.vocabulary == corpus.vocabulary
    assert_counts(table_of(lm), dataset_of(corpus, 16))
    assert table_of(lm).context_only == (lm.vocabulary.special_tokens["bos"],)
    assert len(lm.sample(3, unique=False, seed=1)) == 3


def test_packed_records_have_a_prior_too() -> None:
    lm = CharLM.fit(NAMES, "gpt", packing=True, **SMALL)
    assert table_of(lm).counts[: lm.vocabulary.size].sum() >= sum(map(len, NAMES))


@pytest.mark.parametrize("source", [TEXT, NAMES], ids=["text", "records"])
def test_the_prior_in_a_mixture_has_counted_everything_at_the_end(source: Any) -> None:
    lm = CharLM.fit(source, "mixture", **SMALL)
    ngram = cast("MixtureLanguageModel", lm.model).models[1]
    assert isinstance(ngram, NGramLanguageModel)
    levels = ngram.table.levels
    whole = ngram.table.counts[: levels[1]]
    assert np.array_equal(table_of(lm).counts[: levels[1]], whole)
    assert whole.sum() >= len("".join(source))


# ------------------------------------------------------------------------------------------- from a model that is there


def test_training_on_goes_from_the_counts_of_both_texts() -> None:
    before = CharLM.fit(TEXT, "gpt", **SMALL)
    counted = table_of(before).counts.copy()
    lm = CharLM.fit(OTHER + "xyz", init_from=before, device="cpu", config=ONE_STEP)
    assert_counts(table_of(lm), [lm.vocabulary.encode(text) for text in (TEXT, OTHER + "xyz")])
    assert np.array_equal(table_of(before).counts, counted)


def test_training_on_with_the_same_text_does_not_count_it_twice() -> None:
    before = CharLM.fit(TEXT, "gpt", **SMALL)
    lm = CharLM.fit(TEXT, init_from=before, device="cpu", config=ONE_STEP)
    assert_counts(table_of(lm), lm.vocabulary.encode(TEXT))


def test_training_on_without_a_prior_goes_on_without() -> None:
    before = CharLM.fit(TEXT, "gpt", prior=False, **SMALL)
    lm = CharLM.fit(OTHER, init_from=before, device="cpu", config=ONE_STEP)
    assert gpt_of(lm).prior is None
    with pytest.raises(
        ValueError, match="init_from has no prior, and one of order 5 is asked for: leave the order out"
    ):
        CharLM.fit(OTHER, init_from=before, order=5, device="cpu")


def test_a_prior_is_neither_left_out_nor_changed_where_training_goes_on() -> None:
    before = CharLM.fit(TEXT, "gpt", order=4, **SMALL)
    assert table_of(CharLM.fit(OTHER, init_from=before, order=4, device="cpu", config=ONE_STEP)).order == 4
    with pytest.raises(ValueError, match="init_from has a prior of order 4, and one of order 6 is asked for"):
        CharLM.fit(OTHER, init_from=before, order=6, device="cpu")
    for family in ("gpt", "mixture"):
        with pytest.raises(ValueError, match="init_from starts from counts, without which its weights are of no use"):
            CharLM.fit(OTHER, family, init_from=before, prior=False, device="cpu")


def test_a_mixture_goes_on_from_its_counts() -> None:
    before = CharLM.fit(TEXT, "mixture", order=4, **SMALL)
    lm = CharLM.fit(OTHER, init_from=before, device="cpu", config=ONE_STEP)
    table = table_of(lm)
    assert table.counts[: table.levels[1]].sum() == len(TEXT) + len(OTHER)
    assert torch.isfinite(gpt_of(lm).logits(torch.tensor([[0, 1, 2]]))[..., : len(lm.vocabulary.symbols)]).all()


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"prior": False, "order": 5}, ValueError, "order is that of the prior, and there is to be none"),
        ({"prior": 1}, TypeError, "prior must be True or False, got"),
        ({"prior": "yes"}, TypeError, "prior must be True or False, got"),
        ({"order": 1}, ValueError, "order 1 has none: give a higher order|order"),
        ({"order": 0}, ValueError, "order must be at least 1"),
        ({"order": 2.5}, TypeError, "order must be an integer"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CharLM.fit(TEXT, "gpt", **SMALL | settings)


# ---------------------------------------------------------------------------------------------------- command line

FLAGS = ["--model", "gpt", "--n-layers", "1", "--n-heads", "2", "--width", "8", "--block-size", "16"]
FLAGS += ["--device", "cpu", "--max-steps", "1"]


def test_an_order_without_a_prior_is_refused_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    assert main(["train", str(path), "--out", str(tmp_path / "run"), *FLAGS, "--no-prior", "--order", "8"]) == 2
    assert "there is to be none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "order"), [([], 8), (["--order", "5"], 5), (["--no-prior"], None)], ids=["default", "order", "none"]
)
def test_the_command_line_has_the_same_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], order: int | None
) -> None:
    path, folder = tmp_path / "text.txt", tmp_path / "run"
    path.write_text(TEXT)
    assert main(["train", str(path), "--out", str(folder), *FLAGS, *flags]) == 0
    printed = capsys.readouterr().out
    lm = CharLM.load(folder)
    prior = gpt_of(lm).prior
    assert (None if prior is None else prior.order) == order
    assert (f"n-gram model of order {order}" in printed) is (order is not None)
    assert main(["info", str(folder), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert (described["settings"]["prior"] is None) is (order is None)


def test_the_command_line_says_that_a_text_is_too_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "text.txt"
    path.write_text(TEXT[:900])
    assert main(["train", str(path), "--out", str(tmp_path / "run"), *FLAGS]) == 0
    printed = capsys.readouterr()
    assert "810 characters are too few to count a prior on: it takes 1,000" in printed.out + printed.err


def started(text: str, before: CharLM, validation: str | None = None) -> tuple[NGramTable, list[Any]]:
    told: list[Any] = []
    corpus = Corpus.of_text(text, vocabulary=before.vocabulary)
    held_out = None if validation is None else Corpus.of_text(validation, vocabulary=before.vocabulary)
    start = Start(model=before.stored, vocabulary=before.vocabulary)
    recipe = Recipe(family="gpt", config=ONE_STEP, device="cpu")
    trained = train(corpus, recipe, validation=held_out, start=start, hook=told.append)
    prior = gpt_of(trained.model).prior
    assert prior is not None
    return prior.table, told


@pytest.mark.parametrize(
    ("text", "validation", "is_anew"),
    [
        pytest.param(OTHER, None, False, id="another text"),
        pytest.param(TEXT, None, False, id="the same text, which is not counted again"),
        pytest.param(TEXT + OTHER[:99], None, True, id="the text with a little more"),
        pytest.param(OTHER + TEXT[:700], None, True, id="a part of the text"),
        pytest.param(OTHER, TEXT[700:], True, id="the text as validation data"),
        pytest.param(TEXT[:1200], TEXT[1200:], True, id="another split"),
    ],
)
def test_counts_of_the_same_text_start_anew(text: str, validation: str | None, is_anew: bool) -> None:
    before = CharLM.fit(TEXT, "gpt", order=7, **SMALL)
    found, told = started(text, before, validation)
    assert any(isinstance(event, CountedAnew) for event in told) == is_anew
    ids = before.vocabulary.encode(text)
    if is_anew or text == TEXT:
        assert_counts(found, ids)
    else:
        assert found.counts[: found.levels[1]].sum() == len(TEXT) + len(text)


def test_an_order_that_cannot_be_is_refused_and_not_lowered() -> None:
    with pytest.raises(ValueError, match="order 9 looks at 8 characters, and a block of 8 keeps 5 when it is full"):
        CharLM.fit(TEXT, "gpt", **SMALL | {"order": 9, "block_size": 8})


def test_a_mixture_is_trained_on_any_device(device: torch.device) -> None:
    lm = CharLM.fit(TEXT, "mixture", **SMALL | {"device": str(device)})
    assert lm.model.device == device
    assert {tensor.device for tensor in (*lm.model.parameters(), *lm.model.buffers())} == {device}
