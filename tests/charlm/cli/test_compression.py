import io
import json
import sys
from pathlib import Path

import pytest

from charlm import CharLM
from charlm.cli.app import main

VERSE = b"So long as men can breathe or eyes can see,\nSo long lives this, and this gives life to thee.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("verse.txt").write_bytes(VERSE)
    return tmp_path


def test_a_file_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", "verse.txt"]) == 0
    Path("verse.txt").unlink()
    assert main(["decompress", "verse.txt.ctk"]) == 0
    assert Path("verse.txt").read_bytes() == VERSE
    said = capsys.readouterr()
    assert said.out.startswith("93 bytes in ")
    assert said.out.endswith("saved to verse.txt.ctk\n93 bytes: saved to verse.txt\n")
    assert said.err == ""


@pytest.mark.parametrize("command", ["compress", "decompress"])
def test_a_file_is_not_written_to_a_standard_output_that_is_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name in ("stdout", "__stdout__"):
        monkeypatch.setattr(sys, name, None)
    assert main([command, "verse.txt", "--out", "-"]) == 1
    assert capsys.readouterr().err == (
        "charlm: standard output: is closed, and the file is to go there: give --out a name\n"
    )


def test_no_file_is_replaced_that_was_not_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Path("verse.txt.ctk").write_bytes(b"old")
    assert main(["compress", "verse.txt"]) == 1
    assert capsys.readouterr().err == ("charlm: verse.txt.ctk: the file exists: give it as --out to replace it\n")
    assert Path("verse.txt.ctk").read_bytes() == b"old"
    assert main(["compress", "verse.txt", "--out", "verse.txt.ctk"]) == 0
    assert main(["decompress", "verse.txt.ctk"]) == 1
    assert capsys.readouterr().err.startswith("charlm: verse.txt: the file exists")


def test_pipes_on_both_sides(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    content = VERSE
    for command in ("compress", "decompress"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main([command, "-", "--out", "-"]) == 0
        content = capfdbinary.readouterr().out
    assert content == VERSE


def test_with_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    CharLM.fit(VERSE.decode() * 3, order=4).save("model.safetensors")
    assert main(["compress", "verse.txt", "--out", "plain.ctk", "--json"]) == 0
    assert main(["compress", "verse.txt", "--model", "model.safetensors", "--json"]) == 0
    plain, with_model = map(json.loads, capsys.readouterr().out.splitlines())
    assert plain.keys() == with_model.keys() == {"file", "bytes", "compressed_bytes"}
    assert with_model["compressed_bytes"] < plain["compressed_bytes"]
    assert main(["decompress", "verse.txt.ctk", "--model", "model.safetensors", "--out", "back"]) == 0
    assert Path("back").read_bytes() == VERSE
    assert main(["decompress", "verse.txt.ctk", "--out", "again"]) == 1
    assert capsys.readouterr().err == (
        "charlm: 'verse.txt.ctk': a file of charlm compress needs the model that it was made with: give that one, "
        "unchanged\n"
    )
    assert not Path("again").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("compress nowhere", "nowhere: No such file or directory"),
        ("compress .", ".: Is a directory"),
        ("compress -", "standard input has no name: give --out too, or --out - for standard output"),
        ("compress verse.txt --out verse.txt", "'verse.txt' is both a source and the destination"),
        ("compress verse.txt --model nowhere", "nowhere: No such file or directory"),
        ("compress verse.txt --out no/where", "no/where: No such file or directory"),
        ("decompress verse.txt", "'verse.txt' is not a name that ends in .ctk: give --out too"),
        ("decompress .ctk", "'.ctk' is not a name that ends in .ctk: give --out too"),
        ("decompress folder/.ctk", "'folder/.ctk' is not a name that ends in .ctk: give --out too"),
        ("compress verse.txt --out - --json", "standard output carries the file: leave --json out, or give --out"),
        ("decompress whole.ctk --out - --json", "standard output carries the file: leave --json out, or give --out"),
        ("decompress verse.txt --out back", "'verse.txt': this is not a file of charlm compress"),
        ("decompress cut.ctk", "'cut.ctk': a file of charlm compress is cut short or damaged"),
        ("decompress newer.ctk", "'newer.ctk': a file of charlm compress of version 9 can only be decompressed by"),
        ("generate whole.ctk", "'whole.ctk' is a file of charlm compress, not a model file of charlm: decompress it"),
    ],
)
def test_what_fails_is_said_in_one_line_and_leaves_nothing(
    arguments: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compress", "verse.txt", "--out", "whole.ctk"]) == 0
    whole = Path("whole.ctk").read_bytes()
    Path("cut.ctk").write_bytes(whole[:-9])
    Path("newer.ctk").write_bytes(whole[:8] + b"\x09" + whole[9:])
    before = sorted(folder.iterdir())
    capsys.readouterr()
    assert main(arguments.split()) == (2 if message.startswith("standard") else 1)
    said = capsys.readouterr().err
    assert said.startswith(f"charlm: {message}")
    assert said.count("\n") == 1
    assert sorted(folder.iterdir()) == before
