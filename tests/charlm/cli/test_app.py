import dataclasses
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from charlm import load_model, read_log
from charlm.cli.app import main
from charlm.cli.config_file import flag_names
from charlm.cli.families import train_flags
from charlm.cli.flags import COMMANDS
from charlm.cli.output import print_json
from charlm.files.run_folder import RunFolder
from charlm.recipes.presets import TAKES
from charlm.training.checkpoint import newest_checkpoint
from charlm.training.config import TrainerConfig
from charlm.training.signals import ENDING
from chartok import ReadingSettings, __version__

TEXT = "the quick brown fox jumps over the lazy dog\n" * 50
TRAINED = ["--model", "trained-bigram"]
NO_MODEL = r"bare: there is neither model\.safetensors nor a checkpoint in this folder"
OF_A_MODEL: dict[tuple[str, ...], tuple[str, ...]] = {
    ("generate", "bare"): (),
    ("evaluate", "bare", "input.txt"): (),
    ("score", "bare", "input.txt"): (),
    ("info", "bare"): (),
    ("report", "bare"): (),
    ("export", "bare"): ("--format", "arpa", "--out", "a"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8", newline="")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Path:
    assert main(["train", "input.txt", "--model", "trained-bigram", "--out", "run", "--max-steps", "50"]) == 0
    return folder / "run"


NOT_JSON = re.compile(r"NaN|Infinity")


def test_a_number_that_json_does_not_have_is_null(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "some.txt").write_text("abababba\n" * 9, encoding="utf-8")
    (folder / "other.txt").write_text("aa\nab\nb\n", encoding="utf-8")
    strict = ["--model", "bigram", "--smoothing", "0", "--train-fraction", "0.9", "--out", "run"]
    assert main(["train", "some.txt", *strict, "--json"]) == 0
    assert main(["score", "run", "other.txt", "--json"]) == 0
    assert main(["evaluate", "run", "other.txt", "--json"]) == 0
    assert main(["info", "run", "--json"]) == 0
    assert main(["generate", "run", "--json", "--max-new-tokens", "3"]) == 0
    out = capsys.readouterr().out
    assert not NOT_JSON.search(out)
    trained, *scores, evaluated, _, _ = [json.loads(line) for line in out.splitlines()]
    assert trained["validation_nats"] is not None
    (folder / "names.txt").write_text("anna\nhanna\njoanna\nzoe\n" * 20, encoding="utf-8")
    assert main(["train", "names.txt", "--records", *strict[:-1], "names", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["validation_nats"] is None
    assert main(["report", "names"]) == 0
    assert [score["log_likelihood"] is None for score in scores] == [True, False, False]
    assert evaluated["nats_per_character"] is evaluated["perplexity"] is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_command_prints_a_number_that_json_does_not_have(number: float, capsys: pytest.CaptureFixture[str]) -> None:
    print_json(number=number, other=1.5, deep=[{"number": number}], text="x")
    assert capsys.readouterr().out == '{"number": null, "other": 1.5, "deep": [{"number": null}], "text": "x"}\n'


def test_a_run_is_trained_generated_from_and_evaluated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "input.txt", "--model", "trained-bigram", "--out", "run", "--max-steps", "50"]) == 0
    trained = capsys.readouterr().out
    assert "2,200 characters, 28 symbols: 1,980 to train on, 220 for validation" in trained
    assert re.search(r"train loss +\d\.\d{4} nats, \d\.\d{4} bits per character\n", trained)
    assert re.search(
        r"validation loss +\d\.\d{4} nats, \d\.\d{4} bits per character\n +at step 50, which is kept\n", trained
    )

    assert main(["generate", "run", "--prompt", "the ", "--max-new-tokens", "20", "--seed", "1"]) == 0
    generated = capsys.readouterr().out
    assert generated.startswith("the ")
    assert len(generated) == len("the ") + 20 + len("\n")

    flags = ["--top-k", "3", "--top-p", "0.9", "--min-p", "0.1", "--repetition-penalty", "1.1", "--stop", "zz", "qq"]
    assert main(["generate", "run", "--prompt", "the ", "--max-new-tokens", "20", *flags]) == 0
    assert capsys.readouterr().out.startswith("the ")
    assert main(["generate", "run", "--top-k", "0"]) == 2
    assert capsys.readouterr().err == "charlm: --top-k must be at least 1, got 0; see charlm generate --help\n"

    assert main(["report", "run"]) == 0
    assert capsys.readouterr().out == "saved to run/report.html\n"
    report = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "trained on input.txt" in report
    assert "max_steps" in report
    assert main(["report", "run/model.safetensors", "--text", "input.txt", "--out", "other.html"]) == 0
    assert capsys.readouterr().out == "saved to other.html\n"

    assert main(["evaluate", "run/model.safetensors", "input.txt"]) == 0
    evaluated = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert evaluated["characters"] == "2,200"
    assert float(evaluated["nats per character"]) < 2.5


def test_a_counted_model_is_trained_scored_with_and_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["train", "input.txt", "--model", "ngram", "--order", "4", "--out", "run"]) == 0
    assert re.search(
        r"n-gram model of order 4, \d+ n-grams counted in .*: learned, since .* too short .*\nvalidation loss +0\.",
        capsys.readouterr().out,
    )

    (folder / "lines.txt").write_bytes("the lazy dog\nxqzj \u4e00\n\nthe".encode())
    assert main(["score", "run", "lines.txt"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [text for _, _, text in rows] == ["the lazy dog", "xqzj \u4e00", "", "the"]
    assert float(rows[0][0]) > float(rows[1][0])
    assert rows[2][:2] == ["0.0000", "0.0000"]

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((folder / "lines.txt").read_bytes())))
    assert main(["score", "run", "--json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [f"{entry['log_likelihood']:.4f}" for entry in objects] == [row[0] for row in rows]
    assert objects[1]["text"] == "xqzj \u4e00"

    assert main(["info", "run"]) == 0
    shown = capsys.readouterr().out
    for line in (
        "family           n-gram model",
        "learned from     text",
        "order            4: counts of up to 3 characters before the next",
        "symbols          28",
        "special tokens   bos, unk",
    ):
        assert f"  {line}\n" in shown
    assert re.search(r"  n-grams +\d+\n  in memory +[\d.]+ kB\n", shown)


@pytest.fixture
def ngram(folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The run of an n-gram model of text."""
    assert main(["train", "input.txt", "--model", "ngram", "--order", "4", "--out", "ngram"]) == 0
    capsys.readouterr()
    return folder / "ngram"


@pytest.mark.usefixtures("ngram")
def test_a_line_ends_where_its_file_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_bytes(b"the fox\nthe cat")
    (folder / "b.txt").write_bytes(b"sat on\n")
    assert main(["score", "ngram", "a.txt", "b.txt"]) == 0
    assert [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()] == ["the fox", "the cat", "sat on"]


@pytest.mark.usefixtures("ngram")
def test_a_line_is_scored_before_the_next_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    lines_shown = []

    class Log(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            lines_shown.append(written.getvalue().count(b"\n"))
            line = b"the fox\n" if len(lines_shown) < 4 else b""
            buffer[: len(line)] = line
            return len(line)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Log())))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written))
    assert main(["score", "ngram"]) == 0
    assert lines_shown == [0, 1, 2, 3]


@pytest.mark.parametrize("family", ["gpt", "mixture"])
def test_a_transformer_is_trained_and_goes_on(folder: Path, capsys: pytest.CaptureFixture[str], family: str) -> None:
    order = ["--order", "4"] if family == "mixture" else []
    train = ["train", "input.txt", "--model", family, *order, "--out", "run", "--device", "cpu"]
    assert main([*train, "--block-size", "16", "--max-steps", "2"]) == 0
    trained = capsys.readouterr().out
    assert "gpt model, " in trained
    assert "steps of 128 x 16 characters" in trained
    assert ("mixed with an n-gram model of order 4" in trained) == (family == "mixture")
    assert main([*train, "--block-size", "16", "--max-steps", "4", "--resume"]) == 0
    assert "resuming after step 2\n" in capsys.readouterr().out
    assert read_log(folder / "run")[0].learning_rate <= 0.01  # as the recipe says
    assert main(["evaluate", "run", "input.txt", "--device", "cpu"]) == 0
    assert main(["generate", "run", "--prompt", "the ", "--max-new-tokens", "80", "--device", "cpu"]) == 0
    assert main(["info", "run"]) == 0
    assert {"gpt": "Transformer (gpt)", "mixture": "mixture of a Transformer"}[family] in capsys.readouterr().out


def shown_by_help(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["train", "--help-all", *arguments]) == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "rate"),
    [
        (["--model", "trained-bigram"], "0.05"),
        (["--model", "gpt"], "0.01"),
        (["--model=mixture"], "0.01"),
        (["--model", "trained-bigram", "--model", "gpt"], "0.01"),
        (["--model", "gpt", "--model=trained-bigram"], "0.05"),
    ],
)
def test_the_defaults_are_those_of_the_model(
    capsys: pytest.CaptureFixture[str], arguments: list[str], rate: str
) -> None:
    assert re.search(rf"--learning-rate X [^(]*\(default: {rate}\)", shown_by_help(capsys, *arguments))


@pytest.mark.parametrize(
    ("arguments", "family"),
    [
        ([], "ngram"),
        (["--mode"], "ngram"),
        (["--model", "gpt", "--model=ngram"], "ngram"),
        (["--model", "bigram"], "bigram"),
    ],
)
def test_help_shows_no_flag_of_another_family(
    capsys: pytest.CaptureFixture[str], arguments: list[str], family: Any
) -> None:
    shown = set(re.findall(r"(?<= )--(?:no-)?([a-z0-9-]+)", shown_by_help(capsys, *arguments)))
    assert shown >= {"order" if family == "ngram" else "smoothing"}
    assert shown <= {name.replace("_", "-") for name in flag_names(train_flags(family))} | {"help", "model"}


@pytest.mark.parametrize("family", ["ngram", "bigram", "trained-bigram"])
def test_records_are_learned_line_by_line(folder: Path, capsys: pytest.CaptureFixture[str], family: str) -> None:
    (folder / "names.txt").write_bytes(b"anna\nhanna\njoanna\nsusanna\n" * 5)
    steps = ["--max-steps", "300"] if family == "trained-bigram" else []
    assert main(["train", "names.txt", "--records", "--model", family, "--out", "run", *steps]) == 0
    assert "20 records, 7 symbols: 15 to train on, 5 for validation" in capsys.readouterr().out
    for flags in (["--records"], []):  # to a model of records every line is one
        assert main(["evaluate", "run", "names.txt", *flags]) == 0
        assert "characters          130\n" in capsys.readouterr().out
    assert main(["generate", "run", "--prompt", "jo", "--seed", "1"]) == 0
    assert capsys.readouterr().out.startswith("jo")


@pytest.mark.parametrize("records", [True, False], ids=["of records", "of text"])
def test_the_bytes_of_records_are_those_that_are_scored(
    folder: Path, capsys: pytest.CaptureFixture[str], records: Any
) -> None:
    (folder / "names.txt").write_text("anna\nhanna\nann\u00e4\n" * 50, encoding="utf-8", newline="")
    flags = ["--records"] if records else []
    assert main(["train", "names.txt", *flags, "--model", "ngram", "--out", "run", "--train-fraction", "0.5"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "run", "names.txt", "--records", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    characters, utf8_bytes = (800, 850) if records else (650, 700)
    assert shown["characters"] == characters
    assert shown["bits_per_byte"] == pytest.approx(shown["bits_per_character"] * characters / utf8_bytes)
    (folder / "empty.txt").touch()
    assert main(["evaluate", "run", "empty.txt", "--records"]) == 1
    assert capsys.readouterr().err == "charlm: 'empty.txt': text is empty: there is nothing to score\n"


def test_a_prepared_corpus_is_trained_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "input.txt", "input.txt", "--out", "corpus.tokens"]) == 0
    assert capsys.readouterr().out == "4,400 characters, 28 symbols: saved to corpus.tokens\n"
    assert main(["train", "corpus.tokens", "--model", "trained-bigram", "--out", "run", "--max-steps", "5"]) == 0
    assert "4,400 characters, 28 symbols: 3,960 to train on, 440 for validation" in capsys.readouterr().out
    (folder / "more.txt").write_bytes(b"the end!")
    more = ["prepare", "more.txt", "--out", "more.tokens", "--vocabulary", "corpus.tokens"]
    assert main(more) == 1
    assert "character 7 of 'more.txt' is U+0021 '!'" in capsys.readouterr().err
    assert not (folder / "more.tokens").exists()
    assert main([*more, "--errors", "ignore"]) == 0
    assert capsys.readouterr().out == "7 characters, 28 symbols: saved to more.tokens\n"


@pytest.mark.parametrize("command", ["train a.tokens --model ngram --out other", "evaluate run a.tokens"])
def test_a_token_file_with_another_id_in_it_is_neither_trained_on_nor_evaluated(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main(["prepare", "input.txt", "--out", "a.tokens"]) == 0
    assert main(["train", "a.tokens", "--model", "ngram", "--out", "run"]) == 0
    content = bytearray((folder / "a.tokens").read_bytes())
    content[-1] ^= 1
    (folder / "a.tokens").write_bytes(content)
    capsys.readouterr()
    assert main(command.split()) == 1
    assert capsys.readouterr().err == "charlm: 'a.tokens' is damaged: its ids do not match its SHA-256\n"


def test_a_run_is_named_after_text_and_model_by_default(folder: Path) -> None:
    assert main(["train", "input.txt"]) == 0
    assert (folder / "runs" / "input-ngram" / "model.safetensors").exists()
    assert main(["train", "input.txt", "--model", "bigram"]) == 0
    assert (folder / "runs" / "input-bigram" / "model.safetensors").exists()


def test_a_run_is_never_overwritten(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    before = (run / "model.safetensors").read_bytes()
    assert main(["train", "input.txt", "--model", "trained-bigram", "--out", "run", "--max-steps", "1"]) == 1
    assert (
        capsys.readouterr().err
        == "charlm: run: the folder already contains a run; resume it with --resume, or choose another --out\n"
    )
    assert main(["train", "input.txt", "--out", "run"]) == 1
    assert capsys.readouterr().err == "charlm: run: the folder already contains a run; choose another --out\n"
    assert (run / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    "flags",
    [
        ("gpt", "--no-prior", "--seed", "0", "--warmup-steps", "0"),
        ("classic-gpt", "--max-gradient-norm", "none", "--min-learning-rate-fraction", "0.5"),
        ("bigram", "--smoothing", "0"),
    ],
)
def test_a_run_is_repeated_from_the_settings_in_its_folder(folder: Path, flags: tuple[str, ...]) -> None:
    of_transformer = ["--max-steps", "3", "--n-layers", "1", "--n-heads", "1", "--width", "4", "--block-size", "8"]
    own = [] if flags[0] == "bigram" else of_transformer
    assert main(["train", "input.txt", "--model", *flags, *own, "--out", "run"]) == 0
    settings = json.loads((folder / "run" / "run.json").read_text())["settings"]
    lines = [f"{name} = {json.dumps('none' if value is None else value)}" for name, value in settings.items()]
    (folder / "run.toml").write_text("\n".join(["[train]", *lines]))
    assert main(["train", "input.txt", "--config", "run.toml", "--out", "again"]) == 0
    run, again = (load_model(folder / name)[0].state_dict() for name in ("run", "again"))
    assert all(torch.equal(run[name], again[name]) for name in run)


def test_a_run_that_goes_on_says_what_it_was_asked_for_last_and_stays_of_its_family(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = RunFolder(run).read_description()
    resume = ["train", "input.txt", "--out", "run", "--resume", "--max-steps", "57"]
    assert main([*resume, "--model", "trained-bigram"]) == 0
    second = RunFolder(run).read_description()
    assert first is not None
    assert second is not None
    assert (second.began, second.settings) == (first.began, first.settings | {"max_steps": 57})
    before = (run / "model.safetensors").read_bytes()
    capsys.readouterr()
    assert main([*resume, "--model", "gpt"]) == 1
    shown = capsys.readouterr().err
    assert "the run in 'run' is of the family trained-bigram and cannot be resumed as a gpt" in shown
    assert (run / "model.safetensors").read_bytes() == before


def test_the_demo_needs_nothing_and_shows_losses_and_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\n") <= 25
    of_bigram, of_ngram = shown.split("1. A bigram model")[1].split("2. An n-gram model")
    costs = [float(re.search(r"costs it (\d\.\d\d) bits", part)[1]) for part in (of_bigram, of_ngram)]  # type: ignore[index]  # it says so
    assert costs[0] > costs[1]
    assert all("\n\n    The " in part for part in (of_bigram, of_ngram))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "missing.txt", "--out", "a.tokens"], "missing.txt: No such file or directory"),
        (["prepare", "*.missing", "--out", "a.tokens"], r"\*.missing: no file matches this pattern"),
        (["prepare", "input.txt", "--out", "nowhere/a.tokens"], "nowhere/a.tokens: No such file or directory"),
        (["prepare", "input.txt", "--out", "."], r"\.: expected a file, got a folder"),
        (
            ["prepare", "input.txt", "--out", "a.tokens", "--compression", "gzip"],
            "'input.txt' is not gzip data, or is damaged: .*",
        ),
        (["train", "missing.txt"], "missing.txt: No such file or directory"),
        (["train", "bare"], r"bare: no file of the folder matches \*"),
        (["train", "empty.txt"], "'empty.txt': text is empty: give at least one character"),
        (["train", "empty.txt", "--records"], "'empty.txt': records is empty: give at least one record"),
        (
            ["train", "one.txt"],
            "'one.txt': a fraction of 0.9 of a text of length 1 leaves a part with fewer than two characters: .*",
        ),
        (
            ["train", "one.txt", "--records"],
            "'one.txt': a fraction of 0.9 of one record leaves a part empty: .*",
        ),
        (["train", "blank.txt", "--records", "--blank-lines", "error"], r"line 2 of 'blank\.txt' is blank: .*"),
        (
            ["train", "short.txt", *TRAINED],
            "'short.txt': a fraction of 0.9 of a text of length 5 leaves a part with fewer than two characters: .*",
        ),
        (["train", "latin1.txt"], "'latin1.txt' is not UTF-8: 0xE9 at byte offset 3 .*"),
        (["train", "input.txt", *TRAINED, "--block-size", "0"], "--block-size must be at least 1, got 0"),
        (["train", "input.txt", "--model", "gpt", "--block-size", "0"], "--block-size must be at least 1, got 0"),
        (
            ["train", "input.txt", "--model", "gpt", "--device", "cpu", "--block-size", "3000"],
            "'input.txt': a gpt with a context of 3000 characters needs a text of at least 3001 to .*, got 1980: .*",
        ),
        (["train", "input.txt", *TRAINED, "--batch-size", "0"], "--batch-size must be at least 1, got 0"),
        (["train", "input.txt", *TRAINED, "--batch-size", "-3"], "--batch-size must be at least 1, got -3"),
        (["train", "input.txt", "--order", "0"], "--order must be at least 1, got 0"),
        (["train", "input.txt", *TRAINED, "--records", "--block-size", "0"], "--block-size must be at least 1, got 0"),
        (["train", "input.txt", "--train-fraction", "1"], "--train-fraction must be above 0 and below 1, got 1.0"),
        (["train", "input.txt", "--train-fraction", "nan"], "--train-fraction must be finite, got nan"),
        (["train", "input.txt", *TRAINED, "--device", "nonsense"], "device 'nonsense' cannot be used here: .*"),
        (["train", "input.txt", *TRAINED, "--device", "cuda:99"], "device 'cuda:99' cannot be used here: .*"),
        (
            ["train", "input.txt", *TRAINED, "--optimizer", "muon"],
            "optimizer 'muon' .* a model of the family bigram has none: use 'adamw'",
        ),
        (["train", "input.txt", "--out", "short.txt"], "short.txt: is a file, and a run needs a folder"),
        (["score", "missing"], "missing: No such file or directory"),
        (["info", "input.txt"], "'input.txt' is a text, not a model file of charlm: charlm train makes a model of it"),
        (["train", "input.txt", "--model", "bigram", "--smoothing", "nan"], "--smoothing must be finite, got nan"),
        (["generate", "missing"], "missing: No such file or directory"),
        *(([*command, *rest], NO_MODEL) for command, rest in OF_A_MODEL.items()),
        (
            ["generate", "input.txt"],
            "'input.txt' is a text, not a model file of charlm: charlm train makes a model of it",
        ),
        (["evaluate", "run", "latin1.txt"], "run: No such file or directory"),
        (["export", "missing", "--format", "arpa", "--out", "a"], "missing: No such file or directory"),
        (["report", "missing"], "missing: No such file or directory"),
        (
            ["report", "input.txt"],
            "'input.txt' is a text, not a model file of charlm: charlm train makes a model of it",
        ),
        (
            ["report", "input.txt", "--text", "latin1.txt"],
            "'input.txt' is a text, not a model file of charlm: charlm train makes a model of it",
        ),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "empty.txt").touch()
    (folder / "short.txt").write_bytes(b"short")
    (folder / "one.txt").write_bytes(b"x")
    (folder / "blank.txt").write_bytes(b"a\n\nb\n")
    (folder / "few.txt").write_bytes(b"a\nb\n" * 20)
    (folder / "bare").mkdir()
    (folder / "latin1.txt").write_bytes("caf\u00e9".encode("latin-1"))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(arguments) == (2 if message.startswith("--") else 1)
    assert re.fullmatch(f"charlm: (?:{message})\n", capsys.readouterr().err)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_prompt_with_an_unknown_character_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "run", "--prompt", "na\u00efve"]) == 1
    assert capsys.readouterr().err.startswith(
        "charlm: character 3 of the prompt is U+00EF '\\xef', which is not in this vocabulary: leave it out"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "gpt"], "a command comes first, got '--model'; see charlm --help"),
        (["nonsense"], "there is no command 'nonsense'; see charlm --help"),
        (["trian"], r"there is no command 'trian': did you mean train\?"),
        (["train", "input.txt", "--ordr", "3"], r"train has no flag --ordr: did you mean --order\?"),
        (
            ["train", "input.txt", "--model=gpt", "--max-step=3"],
            r"train has no flag --max-step: did you mean --max-steps\?",
        ),
        (["generate", "run", "--temprature", "1"], r"generate has no flag --temprature: did you mean --temperature\?"),
        (
            ["train", "input.txt", "--no-resume"],
            "--resume is not a setting of ngram, which takes --order, --smoothing, .*; see .*",
        ),
        (
            ["train", "input.txt", "--model", "bigram", "--smoothing", "tuned"],
            "--smoothing must be a number, got 'tuned'; see .*",
        ),
        (
            ["train", "input.txt", "--max-steps", "5"],
            "--max-steps is not a setting of ngram, .*; --model trained-bigram or gpt or .* takes it; see .*",
        ),
        (["train", "input.txt", "--tensorboard"], "--tensorboard is not a setting of ngram, which takes --order, .*"),
        *(
            ([command, "--xyzzy"], f"{command} has no flag --xyzzy; see charlm {command} --help")
            for command in COMMANDS
        ),
        (["train"], "train needs TEXT: .*; see charlm train --help"),
        (
            ["train", "input.txt", *TRAINED, "--max-steps", "0"],
            "--max-steps must be at least 1, got 0; see charlm train .*",
        ),
        (
            ["train", "input.txt", *TRAINED, "--seed", "x"],
            "--seed must be a whole number, got 'x'; see charlm train --help",
        ),
        (["train", "input.txt", "--model", "x"], f"--model must be one of {', '.join(TAKES)}, got 'x'"),
        (["train", "input.txt", "--model=gtp"], r"--model must be one of .*, got 'gtp': did you mean gpt\?"),
        (
            ["train", "input.txt", "--config", "model.toml"],
            r"'model.toml': \[train\] model must be one of .*, got 'gtp': did you mean gpt\?",
        ),
        (
            ["train", "input.txt", "--config", "other.toml"],
            "'other.toml': --memory is not a setting of gpt, which takes --order, .*; see charlm train --model gpt .*",
        ),
        (
            ["train", "input.txt", "--config", "other.toml", "--model", "bigram"],
            "'other.toml': --memory is not a setting of bigram, which takes --smoothing, .*",
        ),
        (
            ["train", "input.txt", "--config", "config.toml"],
            r"'config.toml': \[train\] 'oder' is not a setting of train: .* order.*",
        ),
        (
            ["generate", "run", "--config", "config.toml"],
            r"'config.toml': \[generate\] top-k must be a whole number, got \"1979-05-27\"",
        ),
        (["score", "run", "--config", "input.txt"], "'input.txt' is not TOML: .*"),
        (["score", "run", "--config", "deep.toml"], "'deep.toml' is nested too deeply"),
        (["train", "a", "--config", "value.toml"], r"'value.toml': train must be a table of flags, \[train\], got 5"),
        (["score", "a", "--config", "value.toml"], r"'value.toml': train must be a table of flags, \[train\], got 5"),
        (["info", "a", "--config", "top.toml"], "'top.toml': 'oder' is not a setting of any command: .* order.*"),
        (
            ["export", "run", "--format", "arp", "--out", "a"],
            r"--format must be one of .*, got 'arp': did you mean arpa\?",
        ),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "deep.toml").write_text("device = " + "[" * 9999)
    (folder / "value.toml").write_text("train = 5")
    (folder / "other.toml").write_text('[train]\nmodel = "gpt"\nmemory = "2GB"')
    (folder / "model.toml").write_text('[train]\nmodel = "gtp"')
    (folder / "top.toml").write_text("oder = 5")
    (folder / "config.toml").write_text("[train]\noder = 3\n[generate]\ntop-k = 1979-05-27")
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert re.fullmatch(f"charlm: (?:{message})\n", written.err)
    assert written.out == ""
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "input.txt", "--out", ""], "--out is empty: give the name of a file or a folder"),
        (["train", "input.txt", "--out="], "--out is empty: "),
        (["train", ""], "TEXT is empty: "),
        (["score", "", "input.txt"], "MODEL is empty: "),
        (["score", "ngram", "input.txt", ""], "TEXT is empty: "),
        (["info", "ngram", "--config", ""], "--config is empty: give the name of a file"),
        (["train", "input.txt", "--out", "-"], "--out - would write a folder called -: give it another name, or ./- "),
        (["prune", "ngram", "--compact", "--out", "-"], "--out - would write a file called -: "),
        (["export", "ngram", "--format", "js", "-o", "js/"], "--out must name a file, got the folder 'js/': "),
        (["prepare", "input.txt", "--out=a=b/"], "--out must name a file, got the folder 'a=b/': "),
    ],
)
@pytest.mark.usefixtures("ngram")
def test_a_path_that_would_become_another_one_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = sorted(folder.iterdir())
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"charlm: {message}")
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("ngram")
def test_an_empty_text_that_is_not_a_path_is_no_mistake_and_a_folder_may_end_in_a_slash(folder: Path) -> None:
    assert main(["generate", "ngram", "--prompt", "", "--max-new-tokens", "2"]) == 0
    assert main(["train", "input.txt", "--separator", "", "--out", "new/"]) == 0
    assert (folder / "new" / "run.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify", "a=ngram", "b=ngram", "--priors", "x", "y"],
        ["train", "input.txt", "--memory", "lots"],
        ["train", "input.txt", "--order", "0"],
        ["train", "input.txt", "--train-fraction", "1.5"],
        ["generate", "ngram", "--temperature", "-1"],
        ["generate", "ngram", "--n-samples", "0"],
        ["generate", "ngram", "--scores"],
        ["prune", "ngram", "--out", "small", "--min-count", "2", "--entropy", "1"],
    ],
)
@pytest.mark.usefixtures("ngram")
def test_a_value_that_no_file_could_make_right_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[generate]\njson = "yes"', '[generate] json must be true or false, got "yes"'),
        ("json = 1", "json must be true or false, got 1"),
        ("[generate]\nn-samples = [2, 3]", "[generate] n-samples must be a whole number, got [2, 3]"),
        ("[generate]\ntop_k = 2.5", "[generate] top_k must be a whole number, got '2.5'"),
        ("[generate]\ntemperature = true", "[generate] temperature must be a number, got true"),
        (
            "[generate]\nstop = ['a', {b = 1}]",
            '[generate] stop must be a string or a list of strings, got ["a", {"b": 1}]',
        ),
        (
            "[generate]\nstop = ['a', '-b']",
            "[generate] stop may have a value that begins with - only as its first: move '-b'",
        ),
        ("[generate]\nerrors = 'strct'", "[generate] errors must be one of strict, replace, ignore, got 'strct': did"),
        ("[generate]\nn-samples = 2\nn_samples = 3", "[generate] n_samples is there twice, with - and with _"),
        ("[genrate]\nseed = 2", "[genrate] is not named after a command: did you mean generate?"),
        ("config = 'other.toml'", "'config' is not a setting of any command"),
    ],
)
def test_a_value_in_a_file_is_named_by_its_file_its_table_and_its_key(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    (folder / "c.toml").write_text(content)
    assert main(["generate", "run", "--config", "c.toml"]) == 2
    assert capsys.readouterr().err.startswith(f"charlm: 'c.toml': {message}")


def test_flags_come_from_a_file_and_those_that_are_typed_count_more(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "charlm.toml").write_text(
        'device = "cpu"\n[train]\nmodel = "gpt"\nblock-size = 8\nmax_steps = 3\nlog-interval = 1\nout = "run"\n'
        '[generate]\nprompt = "--"\ntemperature = 0\nstop = ["dog", "fox"]\njson = true\n'
    )
    assert main(["train", "input.txt", "--config", "charlm.toml", "--max-steps=2"]) == 0
    assert "gpt model, " in capsys.readouterr().out
    records = read_log(folder / "run")
    assert [entry.step for entry in records] == [1, 2]
    assert records[0].learning_rate <= 0.01  # the recipe of a gpt
    assert main(["generate", "run", "--config=charlm.toml", "--prompt", "the ", "--no-json"]) == 0
    assert capsys.readouterr().out.startswith("the ")
    twice = ["--config", "missing.toml", "--config", "charlm.toml"]  # what is typed last counts
    assert main(["generate", "run", *twice, "--prompt", "the "]) == 0
    capsys.readouterr()
    assert main(["train", "input.txt", "--config", "missing.toml"]) == 1
    assert capsys.readouterr().err == "charlm: missing.toml: No such file or directory\n"


@pytest.mark.usefixtures("ngram")
def test_what_stands_at_the_top_of_a_file_is_for_the_commands_that_have_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "charlm.toml").write_text('seed = 1\norder = 3\ndevice = "nonsense"\njson = true')
    assert main(["info", "ngram", "--config", "charlm.toml"]) == 0
    assert json.loads(capsys.readouterr().out)["family"] == "ngram"
    train = ["train", "input.txt", "--config", "charlm.toml"]
    assert main([*train, "--out", "other"]) == 0  # a model that counts has an order, and neither a device nor a seed
    described = RunFolder(folder / "other").read_description()
    assert described is not None
    assert described.settings == {"model": "ngram", "order": 3, "smoothing": "learned"}
    assert main([*train, *TRAINED]) == 1  # one that is trained has the others, and no order
    assert "device 'nonsense'" in capsys.readouterr().err


@pytest.mark.usefixtures("ngram")
@pytest.mark.filterwarnings("ignore:the stop string '-a' never occurs:UserWarning")
def test_a_list_in_a_file_may_begin_with_a_value_that_looks_like_a_flag(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "charlm.toml").write_text('max-new-tokens = 99\nprompt = "the"\n[generate]\nstop = ["-a", " "]')
    assert main(["generate", "ngram", "--config", "charlm.toml"]) == 0
    assert capsys.readouterr().out == "the\n"


def test_a_program_can_read_what_a_command_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(*arguments: str) -> list[Any]:
        assert main([*arguments, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    (prepared,) = printed("prepare", "input.txt", "--out", "corpus.tokens")
    assert prepared["characters"] == 2200
    (trained,) = printed("train", "corpus.tokens", "--model", "ngram", "--order", "4", "--out", "run")
    (evaluated,) = printed("evaluate", "run", "input.txt")
    assert trained["run"] == "run"
    assert trained["validation_bits"] == pytest.approx(trained["validation_nats"] / math.log(2))
    assert evaluated["perplexity"] == pytest.approx(2 ** evaluated["bits_per_character"])
    (of_tokens,) = printed("evaluate", "run", "corpus.tokens")
    assert of_tokens["characters"] == 2199  # the first has nothing before it
    assert of_tokens["bits_per_byte"] is None
    (shown,) = printed("info", "run")
    assert (shown["family"], shown["symbols"]) == ("ngram", 28)
    texts = printed("generate", "run", "--prompt", "the ", "--n-samples", "2", "--max-new-tokens", "5")
    assert [len(entry["text"]) for entry in texts] == [9, 9]


def test_whole_records_that_are_new_are_made_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["anna", "hanna", "joanna", "johanna", "susanna"]
    (folder / "names.txt").write_text("\n".join(names * 3), encoding="utf-8")
    assert main(["train", "names.txt", "--records", "--model", "ngram", "--order", "3", "--out", "run"]) == 0
    capsys.readouterr()
    assert main(["generate", "run", "--n-samples", "9", "--exclude", "names.txt", "--max-new-tokens", "20"]) == 0
    made_up = capsys.readouterr().out.splitlines()
    assert len(set(made_up)) == 9
    assert not set(made_up) & set(names)
    assert main(["generate", "run", "--exclude", "names.txt", "--stop", "nn"]) == 2
    assert "give only one of the two" in capsys.readouterr().err
    assert main(["train", "input.txt", "--model", "ngram", "--out", "text"]) == 0
    assert main(["generate", "text", "--exclude", "names.txt"]) == 2
    assert "exclude is for models of records" in capsys.readouterr().err


def test_a_token_file_of_another_vocabulary_is_not_evaluated(
    folder: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare", "input.txt", "--out", "same.tokens"]) == 0
    assert main(["evaluate", "run", "same.tokens"]) == 0  # the run has unk besides
    (folder / "other.txt").write_text(TEXT.replace("q", "Q"), encoding="utf-8", newline="")
    assert main(["prepare", "other.txt", "--out", "other.tokens"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "run", "other.tokens"]) == 1
    assert "the vocabulary of 'other.tokens' differs from that of the model" in capsys.readouterr().err


def test_help_and_version_load_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from charlm.cli.app import main; main([sys.argv[1]]); print({'torch', 'numpy'} & {*sys.modules})"
    )
    for flag, said in (
        ("--help", "Usage: charlm "),
        ("help", "Usage: charlm "),
        ("--version", __version__),
        ("-V", __version__),
    ):
        shown = subprocess.run([sys.executable, "-c", code, flag], capture_output=True, text=True, check=True).stdout
        assert shown.startswith(said)
        assert shown.endswith("set()\n")


def start(*arguments: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "charlm", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        # A job in the background ignores SIGINT, and so would the programs that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )


@pytest.mark.parametrize("number", ENDING)
def test_a_stopped_run_is_saved_and_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    process = start("train", "input.txt", *TRAINED, "--out", "run", "--log-interval", "1", folder=folder)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("step 1/3000 ")
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    stopped = re.search(
        r"stopped after step (\d+): saved to run\nto continue, run the same command with --resume\n$", output
    )
    assert stopped is not None
    load_model(folder / "run")
    steps = str(int(stopped[1]) + 5)
    assert (
        main(["train", "input.txt", *TRAINED, "--out", "run", "--resume", "--max-steps", steps, "--log-interval", "1"])
        == 0
    )
    assert f"resuming after step {stopped[1]}\n" in capsys.readouterr().out
    assert [entry.step for entry in read_log(folder / "run")] == list(range(1, int(steps) + 1))
    assert main(["train", "input.txt", *TRAINED, "--out", "run", "--resume", "--learning-rate", "1"]) == 1
    assert "--learning-rate: 0.05 -> 1.0" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize("names", [["SIGINT", "SIGINT"], ["SIGHUP", "SIGINT"], ["SIGKILL"]])
def test_a_run_that_is_ended_at_once_goes_on_from_its_last_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    train = ["train", "input.txt", *TRAINED, "--out", "run", "--log-interval", "1", "--checkpoint-interval", "1"]
    process = start(*train, folder=folder)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("step 1/3000 ")
    assert process.stderr.readline().startswith("step 2/3000 ")  # the first checkpoint has been made
    numbers = [signal.Signals[name] for name in names]
    for number in numbers:
        process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode in (130, -numbers[-1], 128 + numbers[0])  # the first may end it before the second comes
    step = newest_checkpoint(folder / "run").values["step"]
    assert main([*train, "--resume", "--max-steps", str(step + 1)]) == 0
    assert f"resuming after step {step}\n" in capsys.readouterr().out


def test_a_reader_that_goes_away_ends_the_program_in_silence(run: Path) -> None:
    process = start("generate", "run", "--max-new-tokens", "20000", folder=run.parent)
    with process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 141


def shell(command: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    """Runs a command line in which ``charlm`` is this library's."""
    program = f'"{sys.executable}" -m charlm'
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("charlm", program)],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        check=False,
    )


def test_the_transformer_of_a_mixture_that_is_not_mixed_yet_says_so_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--block-size", "16", "--max-steps", "2", "--device", "cpu"]
    assert main(["train", "input.txt", "--model", "mixture", "--order", "3", "--out", "run", *settings]) == 0
    capsys.readouterr()
    assert main(["info", "run"]) == 0
    assert capsys.readouterr().err == ""
    model = "model.safetensors"  # as it is before the run has ended:
    shutil.copy(folder / "run" / "checkpoints" / "step-0000000002" / model, folder / "run" / model)
    part = shell("charlm info run", folder)
    assert (part.returncode, part.stdout.splitlines()[1]) == (0, b"  family           Transformer (gpt)")
    assert part.stderr == (
        b"charlm: 'run/model.safetensors' is the Transformer of a mixture alone: the run mixes it with an n-gram model "
        b"when it ends\n"
    )


def test_text_is_utf_8_whatever_the_code_page_says(folder: Path) -> None:
    (folder / "input.txt").write_bytes("\u00fcber \u4e00 \U0001f600\n".encode() * 99)
    assert main(["train", "input.txt", "--model", "ngram", "--out", "run"]) == 0
    done = shell("head -1 input.txt | charlm score run", folder, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.decode().endswith("\t\u00fcber \u4e00 \U0001f600\n")


def test_a_pipe_is_read_whole_and_refused_where_two_readings_are_needed(run: Path) -> None:
    folder = run.parent
    prepared = shell("charlm prepare /dev/stdin --out p.tokens <input.txt", folder)
    assert (prepared.returncode, prepared.stdout[:16]) == (0, b"2,200 characters")
    for command, outcome in (
        (
            "charlm prepare /dev/stdin --out q.tokens",
            "charlm: '/dev/stdin' is a pipe or a device, which can only be read once",
        ),
        ("charlm prepare /dev/stdin --out q.tokens --vocabulary p.tokens", "2,200 characters, 28 symbols"),
        ("charlm train /dev/stdin --model ngram --out q", "2,200 characters, 28 symbols"),
    ):
        done = shell(f"cat input.txt | {command}", folder)
        assert outcome in (done.stdout + done.stderr).decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_closed_and_full_streams_are_no_traceback(run: Path) -> None:
    closed = shell("charlm score run <&-", run.parent)
    assert closed.returncode == 1
    assert closed.stderr == b"charlm: standard input is closed: name a file\n"
    full = shell("charlm score run <input.txt >/dev/full", run.parent)
    assert full.returncode == 1
    assert full.stderr == b"charlm: standard output: No space left on device\n"


LOST = b"charlm: standard output is closed: what was to be printed is lost\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_written_to_in_vain_and_everything_else_is_done(run: Path, closed: str) -> None:
    """Only what is lost of the answers makes a difference in the end."""
    folder = run.parent
    trained = "charlm train input.txt --model trained-bigram --max-steps 2 --device cpu --out closed-run"
    prepared = "charlm prepare input.txt --out closed.tokens"
    for command in ("charlm --help", "charlm info run", trained, prepared):
        done = shell(f"{command} {closed}", folder)
        assert done.returncode == (0 if closed == "2>&-" else 1), command
        assert closed != ">&-" or done.stderr.endswith(LOST), command
        assert b"Traceback" not in done.stdout + done.stderr
    assert (folder / "closed-run" / "model.safetensors").exists()
    assert (folder / "closed.tokens").exists()
    assert shell(f"charlm info missing {closed}", folder).returncode == 1
    shutil.rmtree(folder / "closed-run")
    (folder / "closed.tokens").unlink()


def test_every_command_that_computes_takes_the_best_device_there_is() -> None:
    devices = {
        name: field.default
        for name, command in COMMANDS.items()
        for field in dataclasses.fields(command)
        if field.name == "device"
    }
    computing = ("train", "generate", "evaluate", "calibrate", "score", "classify", "correct", "report")
    assert devices == dict.fromkeys(computing, "auto")


def test_the_reference_names_every_flag_of_every_command() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    for name, command in COMMANDS.items():
        _, section = page.split(f"\n## charlm {name}\n")
        section, *_ = section.split("\n## ")
        flags = {"--" + field.replace("_", "-") for field in flag_names(command)}
        of_training = {"--" + field.name.replace("_", "-") for field in dataclasses.fields(TrainerConfig)}
        of_reading = {"--" + field.name.replace("_", "-") for field in dataclasses.fields(ReadingSettings)}
        missing = [flag for flag in flags - of_training - of_reading - {"--config"} if flag not in section]
        assert not missing, name
    _, common = page.split("\n## Files of text\n")
    assert not [flag for flag in of_reading if flag not in common.split("\n## ")[0]]


def test_models_are_exported_for_other_programs(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "input.txt", "--model", "ngram", "--order", "3", "--out", "ngram"]) == 0
    capsys.readouterr()
    for model, format_, name in (
        ("run", "onnx", "run.onnx"),
        ("run", "tokenizer-json", "tokenizer.json"),
        ("ngram", "arpa", "ngram.arpa"),
    ):
        assert main(["export", model, "--format", format_, "--out", name]) == 0
        assert capsys.readouterr().out == f"saved to {name}\n"
        assert (run.parent / name).stat().st_size
    for model, format_, flag, complaint in (
        ("run", "arpa", [], ".+"),
        ("ngram", "onnx", ["--cache"], "a cache holds .*: leave --cache out"),
        ("ngram", "onnx", ["--int8"], "--int8 is for the matrices of a Transformer, .*: leave it out"),
        ("ngram", "arpa", ["--cache"], "--cache is for --format onnx, got --format arpa: leave it out"),
        ("run", "vocabulary", ["--int8"], "--int8 is for --format onnx, got --format vocabulary: leave it out"),
    ):
        assert main(["export", model, "--format", format_, "--out", "none", *flag]) == 1 + complaint.startswith("--")
        assert re.fullmatch(f"charlm: {complaint}\n", capsys.readouterr().err)
    assert main(["train", "input.txt", "--order", "7", "--out", "longer"]) == 0
    capsys.readouterr()
    assert main(["export", "longer", "--format", "arpa", "--out", "longer.arpa"]) == 0
    assert "KenLM reads orders up to 6" in capsys.readouterr().err
    assert main(["export", "ngram", "--format", "arpa", "--out", "missing/ngram.arpa"]) == 1
    assert capsys.readouterr().err == "charlm: missing/ngram.arpa: No such file or directory\n"
    assert not (run.parent / "none").exists()
