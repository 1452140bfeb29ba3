"""Prompts are masked from the command line and from ``CharLM.fit`` as they are in a dataset."""

import json
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM, RecordDataset, TrainerConfig, evaluate
from charlm.cli.app import main
from charlm.recipes.corpus import Corpus
from charlm.recipes.dataset import dataset_of
from charlm.recipes.presets import Recipe
from charlm.recipes.shaping import shaped

SUMS = [f"{one}+{other}={one + other}" for one in range(5) for other in range(10)]
STEPS = TrainerConfig(max_steps=3, learning_rate=0.05)
TRAIN = ("train", "sums.txt", "--records", "--model", "trained-bigram", "--max-steps", "3")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sums.txt").write_text("\n".join(SUMS), encoding="utf-8")


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("model", ["trained-bigram", "gpt", "mixture"])
def test_the_validation_loss_counts_the_answers_alone(model: Any, packing: bool) -> None:
    size: dict[str, Any] = {} if model == "trained-bigram" else {"size": "nano"}
    lm = CharLM.fit(
        SUMS, model, config=STEPS, prompt_end="=", block_size=9, packing=packing, validation=SUMS[::3], **size
    )
    answers = RecordDataset(SUMS[::3], lm.vocabulary, prompt_end="=")
    found = evaluate(lm.model, answers, vocabulary=lm.vocabulary)
    assert lm.validation_nats == pytest.approx(found.nats_per_character, rel=1e-5)
    assert found.characters == sum(len(text.partition("=")[2]) + 1 for text in SUMS[::3])


def test_what_counts_several_times_and_what_is_too_long_keeps_its_mask() -> None:
    corpus = Corpus.of_records(dict.fromkeys(SUMS, 3))
    recipe = Recipe(family="trained-bigram", prompt_end="=", max_length=5, too_long="skip")
    done = shaped(corpus, recipe)
    expected = [text for text in SUMS if len(text) <= 5]
    dataset = dataset_of(done, 64)
    assert len(dataset) == 3 * len(expected)
    assert sum(int(piece.counts.sum()) for piece in dataset.pieces(None, 0)) == 3 * sum(
        len(text.partition("=")[2]) + 1 for text in expected
    )
    assert shaped(done, recipe).fingerprint() == done.fingerprint() != corpus.fingerprint()


def test_the_command_line_masks_prompts_of_files_and_of_token_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "sums.txt", "--records", "--out", "sums.tokens"]) == 0
    found = []
    for source in ("sums.txt", "sums.tokens"):
        capsys.readouterr()
        arguments = [*TRAIN, "--out", f"{source}-run", "--prompt-end", "=", "--json"]
        arguments[1] = source
        assert main(arguments) == 0
        found.append(json.loads(capsys.readouterr().out)["validation_nats"])
    assert found[0] == pytest.approx(found[1])
    assert main([*TRAIN, "--out", "whole", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["validation_nats"] != pytest.approx(found[0])


def test_any_model_of_records_is_measured_by_the_answers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "sums.txt", "--records", "--out", "sums.tokens"]) == 0
    CharLM.fit(SUMS, order=3).save("ngram")
    CharLM.fit(SUMS, "trained-bigram", config=STEPS, prompt_end="=").save("bigram")
    for model in ("ngram", "bigram"):
        lm = CharLM.load(model)
        expected = evaluate(lm.stored, RecordDataset(SUMS, lm.vocabulary, prompt_end="="), vocabulary=lm.vocabulary)
        for source in ("sums.txt", "sums.tokens"):
            capsys.readouterr()
            assert main(["evaluate", model, source, "--prompt-end", "=", "--json"]) == 0
            found = json.loads(capsys.readouterr().out)
            assert found["nats_per_character"] == pytest.approx(expected.nats_per_character)
            assert found["characters"] == sum(len(text.partition("=")[2]) + 1 for text in SUMS)
    assert main(["evaluate", "ngram", "sums.txt", "--prompt-end", "9="]) == 1
    assert "'sums.txt': record 1 does not contain '9='" in capsys.readouterr().err
    assert main(["evaluate", "ngram", "sums.txt", "--prompt-end", "%"]) == 1
    error = capsys.readouterr().err
    assert "'sums.txt': --prompt-end cannot be '%': the vocabulary of the model does not have U+0025 '%'" in error
    assert "errors" not in error
    assert main(["evaluate", "ngram", "sums.txt", "--prompt-end", "=", "--errors", "ignore"]) == 1
    assert "unknown characters count as they did in training: leave --errors out" in capsys.readouterr().err
    CharLM.fit("\n".join(SUMS), order=3).save("text")
    assert main(["evaluate", "text", "sums.txt", "--records", "--prompt-end", "="]) == 2
    assert "--prompt-end is for a model of records: this one is of text" in capsys.readouterr().err


def test_a_resume_with_another_mask_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "--out", "run", "--prompt-end", "="]) == 0
    for flags, change in (
        (["--prompt-end", "+"], "--prompt-end: '=' -> '+'"),
        ([], "--prompt-end: '=' -> by default"),
        (["--prompt-end", "=", "--max-length", "9"], "--max-length: by default -> 9"),
        (["--prompt-end", "=", "--packing", "--block-size", "9"], "packing: False -> True"),
    ):
        capsys.readouterr()
        assert main([*TRAIN, "--out", "run", "--resume", *flags]) == 1
        assert (
            f"was started with other data (saved -> current): {change}; to go on from its model"
            in capsys.readouterr().err
        )
    assert main([*TRAIN, "--out", "run", "--resume", "--prompt-end", "=", "--max-steps", "5"]) == 0


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--prompt-end", "+"], 0, ""),
        (["--prompt-end", ""], 1, "sums.txt': --prompt-end is empty: give what ends the prompt"),
        (
            ["--prompt-end", "==>"],
            1,
            "sums.txt': --prompt-end cannot be '==>': the vocabulary of the model does not have U+003E '>'; give",
        ),
        (["--prompt-end", "9="], 1, "sums.txt': record 1 does not contain '9=', which is to end its prompt"),
        (["--prompt-end", "0"], 1, "sums.txt': record 12 does not contain '0'"),
        (
            ["--prompt-end", "=", "--max-length", "4", "--too-long", "truncate"],
            1,
            "sums.txt': nothing follows the prompt of record 1, in its 4 symbols: leave it out, or give",
        ),
        (
            ["--prompt-end", "=", "--packing", "--block-size", "5"],
            1,
            "sums.txt': to pack records with prompts of up to 4 symbols, --block-size must be at least 6",
        ),
    ],
)
def test_masks_that_hide_everything_or_are_nowhere_are_refused(
    capsys: pytest.CaptureFixture[str], flags: list[str], code: int, message: str
) -> None:
    assert main([*TRAIN, "--out", "run", *flags]) == code
    assert message in capsys.readouterr().err


def test_a_text_has_no_prompts_and_counts_leave_nothing_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "sums.txt", "--model", "trained-bigram", "--prompt-end", "=", "--out", "run"]) == 1
    assert "--prompt-end applies only to records: a text has no prompts" in capsys.readouterr().err
    assert main(["train", "sums.txt", "--records", "--prompt-end", "=", "--out", "run"]) == 2
    message = capsys.readouterr().err
    assert "--prompt-end is not a setting of ngram, which takes --order, --smoothing, " in message
    assert "counts whole records, and cannot leave their prompts out; --model trained-bigram or " in message
    with pytest.raises(ValueError, match=r"prompt_end is not a setting of bigram, .*cannot leave their prompts out"):
        CharLM.fit(SUMS, "bigram", prompt_end="=")
