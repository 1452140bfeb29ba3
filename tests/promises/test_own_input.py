"""No command writes over what it reads."""

import hashlib
import os
from pathlib import Path

import pytest

from charlm import CharLM
from charlm.cli.app import main
from chartok import Vocabulary

TEXT = "the cat sat on the mat. " * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    CharLM.fit(TEXT).save(tmp_path / "model.html")
    killed = tmp_path / "killed" / "checkpoints" / "step-0000000001"
    killed.mkdir(parents=True)
    CharLM.fit(TEXT).save(killed / "model.safetensors")
    Vocabulary.from_text(TEXT).save(tmp_path / "vocabulary.json")
    assert main(["train", os.fspath(tmp_path / "text.txt"), "--out", os.fspath(tmp_path / "run")]) == 0
    (tmp_path / "linked.txt").symlink_to("text.txt")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "report model.html",
        "report model.html --out model.html",
        "report run --out run/model.safetensors",
        "report run --out run/run.json",
        "report run --text text.txt --out text.txt",
        "report run --text linked.txt --out text.txt",
        "report run --text file://{}/text.txt --out text.txt",
        "report run --text local://{}/linked.txt --out text.txt",
        "export model.html --format arpa --out model.html",
        "export run --format tokenizer-json --out run/model.safetensors",
        "export killed --format arpa --out killed/checkpoints/step-0000000001/model.safetensors",
        "prune run --compact --out run/model.safetensors",
        "prune run --compact --out run/run.json",
        "prune model.html --compact --out model.html",
        "merge run model.html --out run/model.safetensors",
        "merge model.html run --out run/run.json",
        "merge run model.html --out model.html",
        "merge run killed --out killed/checkpoints/step-0000000001/model.safetensors",
        "interpolate model.html run --held-out text.txt --out run/model.safetensors",
        "interpolate model.html run --held-out text.txt --out text.txt",
        "prepare text.txt --vocabulary run --out run/model.safetensors",
        "prepare text.txt --out text.txt",
        "prepare linked.txt --out text.txt",
        "prepare local://{}/text.txt --out text.txt",
        "prepare text.txt --vocabulary vocabulary.json --out vocabulary.json",
    ],
)
def test_a_command_refuses_to_replace_its_input(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def contents() -> dict[str, str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {os.fspath(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    if "://" in command:
        pytest.importorskip("fsspec")
    monkeypatch.chdir(folder)
    before = contents()
    capsys.readouterr()
    assert main(command.format(folder).split()) == 1
    assert "is both a source and the destination" in capsys.readouterr().err
    assert contents() == before
