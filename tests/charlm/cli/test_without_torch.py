"""What counts runs without PyTorch: it stays unloaded where it is installed, and is not missed where it is not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM
from charlm.cli.app import main

COUNTING = ["ngram", "bigram"]
TEXT = "the quick brown fox jumps over the lazy dog\n" * 50
ALL_COMMANDS = """
import contextlib, io, json, sys
from charlm.cli.app import main

for arguments in json.loads(sys.argv[1]):
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
        out.flush()
    shown = out.buffer.getvalue().decode()
    print(json.dumps([arguments, code, shown, err.getvalue(), "torch" in sys.modules]), flush=True)
"""
MISSING = """
import sys

class WithoutTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, WithoutTorch())

from importlib import metadata

def version(name, installed=metadata.version):
    if name == "torch":
        raise metadata.PackageNotFoundError(name)
    return installed(name)

def distributions(*, installed=metadata.distributions, **context):
    return () if context.get("name") == "torch" else installed(**context)

metadata.version, metadata.distributions = version, distributions
"""
SAYS_WHAT_TO_INSTALL = "charlm: PyTorch is missing: pip install torch; only n-gram and bigram models work without it\n"


def run(
    folder: Path, program: list[str], *arguments: str, path: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    paths = [str(path)] if path is not None else []
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*paths, *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )


def commands(family: str) -> list[list[str]]:
    """Returns command lines that use a model of text and one of records from the first to the last."""
    return [
        ["train", "input.txt", "--model", family, "--out", "text"],
        ["train", "names.txt", "--model", family, "--records", "--out", "names", "--json"],
        ["prepare", "input.txt", "--out", "input.tokens"],
        ["train", "input.tokens", "--model", family, "--out", "tokens"],
        ["generate", "text", "--prompt", "the ", "--max-new-tokens", "20", "--top-p", "0.9", "--device", "cuda"],
        ["generate", "names", "--n-samples", "2", "--seed", "1", "--max-new-tokens", "30"],
        ["score", "text", "input.txt"],
        ["score", "names", "names.txt", "--json"],
        ["calibrate", "names", "names.txt"],
        ["score", "names", "input.txt", "--unusual", "0.1", "--spans"],
        ["correct", "names", "names.txt", "--beam-width", "4"],
        ["correct", "text", "input.txt", "--channel", "spaces", "--beam-width", "2", "--json"],
        ["evaluate", "text", "input.txt"],
        ["evaluate", "tokens", "input.tokens", "--json"],
        ["evaluate", "names", "names.txt"],
        ["info", "text"],
        ["export", "text", "--format", "tokenizer-json", "--out", "tokenizer.json"],
        *([["export", "text", "--format", "arpa", "--out", "text.arpa"]] if family == "ngram" else []),
        ["report", "text"],
        ["report", "names", "--text", "names.txt"],
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8", newline="")
    (tmp_path / "names.txt").write_bytes(b"anna\nhanna\njoanna\nsusanna\njohanna\n" * 5)
    return tmp_path


@pytest.fixture
def missing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on the path of a process in which PyTorch is not to be found."""
    path = tmp_path_factory.mktemp("missing")
    (path / "sitecustomize.py").write_text(MISSING, encoding="utf-8")
    return path


def outcomes(folder: Path, several: list[list[str]], path: Path | None = None) -> list[list[Any]]:
    """Returns of each command, run in one process, its code, both outputs, and whether torch is loaded after it."""
    done = run(folder, ["-c", ALL_COMMANDS], json.dumps(several), path=path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("family", COUNTING)
def test_no_command_loads_pytorch_for_a_model_that_counts(folder: Path, family: str) -> None:
    for arguments, code, _, _, is_loaded in outcomes(folder, commands(family)):
        assert (code, is_loaded) == (0, False), arguments


@pytest.mark.parametrize("family", COUNTING)
def test_every_command_works_where_pytorch_is_missing(folder: Path, missing: Path, family: str) -> None:
    several = [*commands(family), ["demo"]]
    for arguments, code, shown, _, _ in outcomes(folder, several, path=missing):
        assert (code, shown != "") == (0, True), arguments
    done = run(folder, ["-m", "charlm"], "train", "--model", "gpt", "--help", path=missing)
    assert (done.returncode, done.stdout != "") == (0, True), done.stderr


@pytest.mark.parametrize("family", ["trained-bigram", "gpt", "mixture"])
def test_what_is_trained_says_what_to_install(folder: Path, missing: Path, family: str) -> None:
    done = run(folder, ["-m", "charlm"], "train", "input.txt", "--model", family, path=missing)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", SAYS_WHAT_TO_INSTALL)
    assert not (folder / "runs").exists()
    code = f"from charlm import CharLM; CharLM.fit('the quick brown fox ' * 99, {family!r})"
    done = run(folder, ["-c", code], path=missing)
    assert SAYS_WHAT_TO_INSTALL.replace("charlm: ", "ModuleNotFoundError: ") in done.stderr


def test_a_model_that_was_trained_says_what_to_install(
    folder: Path, missing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    small = ["--n-layers", "1", "--n-heads", "1", "--width", "8", "--block-size", "16"]
    assert (
        main(["train", "input.txt", "--model", "gpt", *small, "--max-steps", "1", "--device", "cpu", "--out", "gpt"])
        == 0
    )
    assert main(["train", "input.txt", "--out", "ngram"]) == 0
    several = [
        ["generate", "gpt"],
        ["info", "gpt"],
        ["score", "gpt", "input.txt"],
        ["export", "ngram", "--format", "onnx", "--out", "x"],
        ["import", "ckpt.pt", "--out", "x"],
    ]
    torch = pytest.importorskip("torch")
    torch.save({"model": {"a": torch.zeros(1)}}, "ckpt.pt")
    for arguments, *said, _ in outcomes(folder, several, path=missing):
        assert said == [1, "", SAYS_WHAT_TO_INSTALL], arguments


def test_what_is_wrong_with_a_file_is_said_before_that_pytorch_is_missing(
    folder: Path, missing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    CharLM.fit(TEXT, order=2).save("ours")
    (folder / "none").write_bytes(b"")
    code = "import charlm; from charlm import CharLM, {0}; {0}({1})"
    for program, said in [
        (["-m", "charlm", "import", "nothing", "--out", "x"], "charlm: nothing: No such file or directory\n"),
        (["-m", "charlm", "import", "input.txt", "--out", "x"], "charlm: 'input.txt' is a text, not"),
        (["-m", "charlm", "import", "ours", "--out", "x"], "cannot be imported: it is a model file of charlm already"),
        (["-m", "charlm", "import", "none", "--out", "x"], "charlm: 'none' cannot be imported: "),
        (["-c", code.format("load_arpa", "'nothing'")], "No such file or directory: 'nothing'"),
        (["-c", code.format("load_model", "'ours'")], "install torch; CharLM.load reads this ngram model without it"),
        (["-c", "from charlm import CharLM; CharLM.load('ours').attention('the')"], "family ngram has no layers"),
    ]:
        done = run(folder, program[:2], *program[2:], path=missing)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr, program


def test_a_bigram_that_was_trained_is_used_without_pytorch(
    folder: Path, missing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    made = ["train", "input.txt", "--model", "trained-bigram", "--max-steps", "9", "--device", "cpu", "--out", "run"]
    assert main(made) == 0
    several = [["generate", "run"], ["evaluate", "run", "input.txt"], ["report", "run"]]
    for arguments, code, _, err, _ in outcomes(folder, several, path=missing):
        assert code == 0, (arguments, err)
