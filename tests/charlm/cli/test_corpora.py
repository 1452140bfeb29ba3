"""Which data a run is trained and evaluated on, from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from charlm.cli.app import main
from charlm.files.run_folder import RunFolder

TEXT = "".join(f"{number:03} the quick brown fox\n" for number in range(100))
STEPS = ["--model", "trained-bigram", "--device", "cpu", "--max-steps", "4", "--checkpoint-interval", "2"]
RUN = ["train", "input.txt", "--out", "run", *STEPS]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8", newline="")
    (tmp_path / "held-out.txt").write_text("999 the brown quick fox!\n" * 9, encoding="utf-8", newline="")
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main([*arguments]) == code
        written = capsys.readouterr()
        return written.err if code else written.out

    return run


def test_a_text_of_its_own_is_for_validation(said: Any) -> None:
    told = said("train", "input.txt", "--validation", "held-out.txt", "--out", "run", "--order", "3", "--json")
    alone = said("train", "input.txt", "--train-fraction", "0.5", "--out", "half", "--order", "3")
    assert "1,200 to train on" in alone
    nats = json.loads(told)["validation_nats"]
    evaluated = json.loads(said("evaluate", "run", "held-out.txt", "--json"))
    assert nats == pytest.approx(evaluated["nats_per_character"], rel=0.02)  # the first has nothing before it
    described = RunFolder("run").read_description()
    assert described is not None
    assert (described.characters, described.settings["validation"]) == (len(TEXT) + 225, "held-out.txt")
    assert described.excerpt.startswith("999 the brown")


def test_it_is_said_how_many_characters_are_unknown(said: Any) -> None:
    told = said("train", "input.txt", "--validation", "held-out.txt", "--out", "run")
    assert f"{len(TEXT):,} to train on, 225 for validation" in told
    assert "9 of 225 characters for validation are not in the vocabulary and count as unk" in told
    told = said("train", "input.txt", "--min-count", "60", "--out", "rare")
    assert "characters to train on are not in the vocabulary and count as unk" in told


@pytest.mark.parametrize("flags", [["--train-fraction", "0.5"], ["--split", "head"]])
def test_what_to_hold_out_is_not_said_of_a_text_beside_another(said: Any, flags: list[str]) -> None:
    message = said("train", "input.txt", "--validation", "held-out.txt", *flags, code=1)
    assert "says what to hold out of the text, and validation is a text of its own" in message
    assert not Path("runs").exists()


@pytest.mark.parametrize(("flags", "begins"), [([], "090"), (["--split", "tail"], "090"), (["--split", "head"], "000")])
def test_a_split_is_what_is_held_out(said: Any, flags: list[str], begins: str) -> None:
    said("train", "input.txt", "--out", "run", *flags)
    described = RunFolder("run").read_description()
    assert described is not None
    assert described.excerpt.startswith(begins)


def test_blocks_are_the_same_for_a_seed(said: Any) -> None:
    losses = [
        json.loads(said(*RUN[:-4], "--split", "random-blocks", "--seed", seed, "--out", f"run{number}", "--json"))
        for number, seed in enumerate(["1", "1", "2"])
    ]
    first, again, other = [loss["validation_nats"] for loss in losses]
    assert first == again != other


def test_a_run_of_a_text_that_has_changed_says_so(folder: Path, said: Any) -> None:
    said(*RUN)
    longer = TEXT + "one more\n"
    for text, sizes in ((longer, "it had 2,400 characters and has 2,409"), (TEXT[::-1], "it is as long as before")):
        (folder / "input.txt").write_text(text, encoding="utf-8", newline="")
        message = said(*RUN, "--resume", code=1)
        assert f"the text 'input.txt' has changed since the run in 'run' was started ({sizes}" in message
        assert "resume it with the text as it was, or start a new run in another folder" in message
    (folder / "input.txt").write_text(TEXT, encoding="utf-8", newline="")
    said(*RUN, "--resume")
    message = said(*RUN, "--resume", "--train-fraction", "0.5", "--split", "head", code=1)
    assert "(saved -> current): train_fraction: by default -> 0.5; split: by default -> 'head'" in message


def test_a_run_whose_validation_text_has_changed_says_so(folder: Path, said: Any) -> None:
    of_its_own = [*RUN, "--validation", "held-out.txt"]
    said(*of_its_own)
    (folder / "held-out.txt").write_text("the quick brown fox " * 9, encoding="utf-8", newline="")
    message = said(*of_its_own, "--resume", code=1)
    assert "the validation text 'held-out.txt' has changed since" in message
    assert "validation: 'held-out.txt' -> by default" in said(*RUN, "--resume", code=1)


@pytest.mark.parametrize("model", ["ngram", "bigram", "trained-bigram"])
def test_a_model_of_a_token_file_knows_unknown_characters_as_that_of_the_text(said: Any, model: str) -> None:
    steps = STEPS[2:] if model == "trained-bigram" else []
    said("prepare", "input.txt", "--out", "input.tokens")
    said("train", "input.tokens", "--model", model, "--out", "of-tokens", *steps)
    said("train", "input.txt", "--model", model, "--out", "of-text", *steps)
    losses = [said("evaluate", run, "held-out.txt") for run in ("of-tokens", "of-text")]
    assert losses[0] == losses[1]
    assert said("evaluate", "of-text", "input.tokens") == said("evaluate", "of-tokens", "input.tokens")


def test_a_vocabulary_of_as_many_symbols_as_a_byte_has_gets_unk_too(folder: Path, said: Any) -> None:
    letters = "".join(map(chr, range(0x4E00, 0x4F00)))
    (folder / "wide.txt").write_text(letters * 9, encoding="utf-8", newline="")
    said("prepare", "wide.txt", "--out", "wide.tokens")
    for model in ("ngram", "trained-bigram"):
        steps = STEPS[2:] if model == "trained-bigram" else []
        for source in ("wide.tokens", "wide.txt"):
            said("train", source, "--model", model, "--out", f"{model}-{source}", *steps)
        evaluated = [said("evaluate", f"{model}-{source}", "held-out.txt") for source in ("wide.tokens", "wide.txt")]
        assert evaluated[0] == evaluated[1]
