"""Which data a run is trained and evaluated on, from the command line."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charlm import CharLM
from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from chartok import TokenFile, Vocabulary

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
    assert (described.characters, described.validation_characters) == (len(TEXT), 225)
    assert described.settings["validation"] == "held-out.txt"
    assert str(described.excerpt).startswith("999 the brown")


def test_it_is_said_how_many_characters_are_unknown(said: Any) -> None:
    told = said("train", "input.txt", "--validation", "held-out.txt", "--out", "run")
    assert f"{len(TEXT):,} to train on, 225 for validation" in told
    assert "not in the vocabulary, and counted as unk: 9 of 225 characters for validation" in told
    told = said("train", "input.txt", "--min-count", "60", "--out", "rare")
    assert re.search("not in the vocabulary, and counted as unk: .* characters to train on", told)


@pytest.mark.parametrize("flags", [["--train-fraction", "0.5"], ["--split", "head"]])
def test_what_to_hold_out_is_not_said_of_a_text_beside_another(said: Any, flags: list[str]) -> None:
    message = said("train", "input.txt", "--validation", "held-out.txt", *flags, code=2)
    assert "says what to hold out of the text, and --validation is a separate text" in message
    assert not Path("runs").exists()


@pytest.mark.parametrize(("flags", "begins"), [([], "090"), (["--split", "tail"], "090"), (["--split", "head"], "000")])
def test_a_split_is_what_is_held_out(said: Any, flags: list[str], begins: str) -> None:
    said("train", "input.txt", "--out", "run", *flags)
    described = RunFolder("run").read_description()
    assert described is not None
    assert str(described.excerpt).startswith(begins)


def test_blocks_are_the_same_for_a_seed(said: Any) -> None:
    losses = [
        json.loads(said(*RUN, "--split", "random-blocks", "--split-seed", seed, "--out", f"run{number}", "--json"))
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
    assert "(saved -> current): --train-fraction: by default -> 0.5; --split: by default -> 'head'" in message


def test_a_run_whose_validation_text_has_changed_says_so(folder: Path, said: Any) -> None:
    of_its_own = [*RUN, "--validation", "held-out.txt"]
    said(*of_its_own)
    (folder / "held-out.txt").write_text("the quick brown fox " * 9, encoding="utf-8", newline="")
    message = said(*of_its_own, "--resume", code=1)
    assert "the validation text 'held-out.txt' has changed since" in message
    assert "it had 225 characters and has 180" in message
    (folder / "input.txt").write_text(f"{TEXT}one more\n", encoding="utf-8", newline="")
    assert "it had 2,400 characters and has 2,409" in said(*of_its_own, "--resume", code=1)
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


def test_what_to_do_with_unknown_characters_can_be_said_of_every_command(folder: Path, said: Any) -> None:
    (folder / "odd.txt").write_text("the fox!\n", encoding="utf-8", newline="")
    (folder / "even.txt").write_text("the fox\n", encoding="utf-8", newline="")
    said("train", "input.txt", "--out", "run", "--order", "3")
    for command in ("evaluate", "score"):
        of_odd = {
            errors: said(command, "run", "odd.txt", "--errors", errors, "--json") for errors in ("replace", "ignore")
        }
        assert of_odd["replace"] == said(command, "run", "odd.txt", "--json")
        left, known = json.loads(of_odd["ignore"]), json.loads(said(command, "run", "even.txt", "--json"))
        assert left | {"text": ""} == known | {"text": ""}
        assert "is U+0021 '!', which is not in" in said(command, "run", "odd.txt", "--errors", "strict", code=1)
    assert "is U+0021 '!', which is not in" in said("generate", "run", "--prompt", "the!", code=1)
    known = said("generate", "run", "--prompt", "the", "--max-new-tokens", "5")
    ignored = said("generate", "run", "--prompt", "the!", "--errors", "ignore", "--max-new-tokens", "5")
    assert ignored == "the!" + known.removeprefix("the")
    assert said("generate", "run", "--prompt", "the!", "--errors", "replace").startswith("the!")
    assert "U+0021" in said("report", "run", "--text", "odd.txt", "--errors", "strict", code=1)
    assert "give --text too" in said("report", "run", "--errors", "strict", code=2)
    said("report", "run", "--text", "odd.txt", "--errors", "ignore")


@pytest.mark.parametrize("kind", ["run", "model", "tokens", "json", "tokenizer.json"])
def test_a_vocabulary_is_taken_from_whatever_has_one(folder: Path, said: Any, kind: str) -> None:
    said("train", "input.txt", "--model", "trained-bigram", "--out", "run", *STEPS[2:])
    said("prepare", "input.txt", "--out", "first.tokens", "--special-tokens", "bos", "unk")
    said("export", "run", "--format", "vocabulary", "--out", "vocabulary.json")
    said("export", "run", "--format", "tokenizer-json", "--out", "tokenizer.json")
    assert Vocabulary.load("vocabulary.json") == CharLM.load("run").vocabulary
    path = {
        "run": "run",
        "model": "run/model.safetensors",
        "tokens": "first.tokens",
        "json": "vocabulary.json",
        "tokenizer.json": "tokenizer.json",
    }[kind]
    said("prepare", "held-out.txt", "--vocabulary", path, "--out", "new.tokens")
    with TokenFile("new.tokens") as tokens:
        assert tokens.vocabulary == CharLM.load("run").vocabulary
        assert np.count_nonzero(tokens.read(0, len(tokens)) == tokens.vocabulary.special_tokens["unk"]) == 9
    of_tokens, of_text = (
        json.loads(said("evaluate", "run", name, "--json")) for name in ("new.tokens", "held-out.txt")
    )
    assert of_tokens["nats_per_character"] == pytest.approx(of_text["nats_per_character"], rel=0.02)
    said("prepare", "held-out.txt", "--vocabulary", path, "--out", "short.tokens", "--errors", "ignore")
    assert "U+0021" in said(
        "prepare", "held-out.txt", "--vocabulary", path, "--out", "a.tokens", "--errors", "strict", code=1
    )


def test_what_has_no_vocabulary_is_named(folder: Path, said: Any) -> None:
    (folder / "other.json").write_text('{"a": 1}')
    for name in ("input.txt", "other.json", "missing"):
        assert name in said("prepare", "input.txt", "--vocabulary", name, "--out", "a.tokens", code=1)


def test_lines_before_one_that_is_refused_are_scored_and_it_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lines.txt").write_text("the\n\nfox\nt!\nbrown\n", encoding="utf-8")
    assert main(["train", "input.txt", "--out", "run"]) == 0
    capsys.readouterr()
    assert main(["score", "run", "lines.txt", "--errors", "strict"]) == 1
    told = capsys.readouterr()
    assert [line.split("\t")[-1] for line in told.out.splitlines()] == ["the", "", "fox"]
    assert "character 2 of line 4 of 'lines.txt' is U+0021 '!'" in told.err


def test_rare_characters_are_left_out_of_a_vocabulary(said: Any) -> None:
    told = json.loads(said("prepare", "input.txt", "--min-count", "150", "--out", "a.tokens", "--json"))
    assert told["characters"] == len(TEXT)
    with TokenFile("a.tokens") as tokens:
        counts = Counter(TEXT)
        assert tokens.vocabulary == Vocabulary.from_text(TEXT, min_count=150, special_tokens=["unk"])
        unknown = np.count_nonzero(tokens.read(0, len(tokens)) == tokens.vocabulary.special_tokens["unk"])
        assert unknown == sum(count for count in counts.values() if count < 150)
    json.loads(said("prepare", "input.txt", "--max-size", "9", "--out", "b.tokens", "--json"))
    with TokenFile("b.tokens") as tokens:
        assert tokens.vocabulary.size == 9
    assert "give --min-count to prepare" in said("train", "b.tokens", "--min-count", "2", code=1)


def test_an_empty_text_is_named(folder: Path, said: Any) -> None:
    (folder / "empty.txt").touch()
    said("train", "input.txt", "--out", "run")
    assert said("evaluate", "run", "empty.txt", code=1) == (
        "charlm: 'empty.txt': text is empty: there is nothing to score\n"
    )


def test_line_ends_of_dos_are_noted_on_standard_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dos.txt").write_bytes(TEXT.replace("\n", "\r\n").encode("utf-8-sig"))
    assert main(["train", "dos.txt", "--out", "run", "--json"]) == 0
    for command in (
        ["evaluate", "run", "dos.txt", "--json"],
        ["prepare", "dos.txt", "--out", "a.tokens", "--json"],
        [],
    ):
        told = capsys.readouterr()
        assert "every line ends in CR LF" in told.err
        assert "begins with a byte order mark" in told.err
        json.loads(told.out)
        assert not command or main(command) == 0
    flags = ["--encoding", "utf-8-sig", "--newlines", "lf"]
    for name, more in (("dos.txt", flags), ("input.txt", [])):
        assert main(["train", name, *more, "--out", name.removesuffix(".txt")]) == 0
    assert "CR LF" not in capsys.readouterr().err
    assert CharLM.load("dos").score_samples([TEXT]) == CharLM.load("input").score_samples([TEXT])


def test_half_of_a_character_counts_three_bytes_in_records_and_in_text(folder: Path, said: Any) -> None:
    (folder / "bad.txt").write_bytes(b"999 the br\xffown\n")
    (folder / "bad.jsonl").write_text('{"name": "999 the br\\ud800own"}\n', encoding="utf-8")
    said("train", "input.txt", "--out", "text", "--order", "3")
    said("train", "input.txt", "--records", "--out", "lines", "--order", "3")
    kept = ["bad.txt", "--decode-errors", "surrogateescape"]
    for arguments in (["text", *kept], ["lines", *kept], ["lines", "bad.jsonl", "--column", "name"]):
        found = json.loads(said("evaluate", *arguments, "--json"))
        bits = found["bits_per_character"] * found["characters"]
        assert bits / found["bits_per_byte"] == pytest.approx(len("999 the brown\n") + 3)
