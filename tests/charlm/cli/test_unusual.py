"""Unusual lines are printed as they come, with the part that is unusual."""

import io
import json
import random
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from charlm import CharLM
from charlm.cli.app import main
from charlm.cli.output import shown_line


def log(n_lines: int, seed: int) -> list[str]:
    generator = random.Random(seed)  # noqa: S311 - made-up lines
    return [
        f"{generator.randrange(24):02}:{generator.randrange(60):02} "
        + generator.choice(["backup done", "GET /index 200", f"user {generator.randrange(999)} came"])
        for _ in range(n_lines)
    ]


ODD = ["07:15 backup dome", "Traceback (most recent call last):", "07:15 backup do"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    lines = log(4000, 0)
    CharLM.fit(lines[:2000], order=5).calibrate(lines[2000:]).save(folder / "model")
    CharLM.fit(lines[:2000], order=5).save(folder / "bare")
    (folder / "new.log").write_text("\n".join([*log(20, 1), *ODD, *log(20, 2)]) + "\n")
    return folder


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["score", *arguments]) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_unusual_lines_alone_are_printed_with_their_p_values(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, str(folder / "model"), "--unusual", "0.001", str(folder / "new.log")).splitlines()
    assert [line.split("\t")[1] for line in lines] == ODD
    assert all(0 < float(line.split("\t")[0]) <= 0.001 for line in lines)


def test_the_unusual_part_is_in_brackets_in_a_pipe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, str(folder / "model"), "--unusual", "0.001", "--spans", str(folder / "new.log"))
    first, second, third = out.splitlines()
    assert "07:15 backup do[[m" in first
    assert "[[Traceback" in second
    assert third.endswith("07:15 backup do[[\u2403]]")
    assert "\x1b" not in out


def test_it_is_colored_on_a_terminal_unless_that_is_not_wanted(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (str(folder / "model"), "--unusual", "0.001", "--spans", str(folder / "new.log"))
    assert "do\x1b[7;31mm" in printed(capsys, *arguments, "--color", "always")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "do\x1b[7;31mm" in printed(capsys, *arguments)
    assert "do[[m" in printed(capsys, *arguments, "--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "do[[m" in printed(capsys, *arguments)


def test_json_has_positions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, str(folder / "model"), "--unusual", "0.001", "--spans", "--json", str(folder / "new.log"))
    found = [json.loads(line) for line in out.splitlines()]
    assert [each["text"] for each in found] == ODD
    span = found[0]["spans"][0]
    assert span["text"] == ODD[0][span["start"] : span["end"]]
    assert set(span) == {"start", "end", "text", "bits", "p_value"}
    plain = printed(capsys, str(folder / "model"), "--unusual", "0.001", "--json", str(folder / "new.log"))
    assert [set(json.loads(line)) for line in plain.splitlines()] == [{"p_value", "text"}] * 3


def test_lines_are_answered_as_they_come(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[str]()

    class Slow(io.RawIOBase):
        left: ClassVar = [f"{line}\n".encode() for line in (ODD[1], *log(2, 1), ODD[0])]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # as it is called
            seen.append(capsys.readouterr().out)
            line = self.left.pop(0) if self.left else b""
            buffer[: len(line)] = line
            return len(line)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Slow())))
    assert main(["score", str(folder / "model"), "--unusual", "0.001"]) == 0
    assert ODD[1] in seen[1]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--spans"], "--spans and --color show what is unusual: give --unusual RATE too, such as 0.001"),
        (["--color", "never"], "give --unusual RATE too"),
        (["--unusual", "0.01", "--color", "always"], "--color is for --spans, and JSON has no color"),
        (["--unusual", "0.01", "--spans", "--json", "--color", "always"], "JSON has no color"),
        (["--unusual", "0"], "--unusual must be above 0 and below 1, got 0.0"),
        (["--unusual", "nan"], "--unusual must be finite, got nan"),
        (
            ["--unusual", "1e-5"],
            "--unusual 1e-05 takes at least 99,999 held-out texts, and the model was calibrated on 2,000",
        ),
        (["--unusual", "0.01", "--stride", "3"], "leave --stride out"),
    ],
)
def test_flags_that_make_no_sense_are_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], reason: str
) -> None:
    err = printed(capsys, str(folder / "model"), *flags, str(folder / "new.log"), code=2)
    assert reason in err
    assert err.count("\n") == 1


def test_a_model_that_is_not_calibrated_says_which_commands_do_that(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    err = printed(capsys, str(folder / "bare"), "--unusual", "0.01", str(folder / "new.log"), code=1)
    assert "charlm calibrate MODEL FILE shows it some, and so does charlm train --calibrate" in err
    assert err.count("\n") == 1


def test_an_unknown_character_that_is_refused_names_the_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "odd.log").write_text("07:15 backup dome\n\u4e00\n", encoding="utf-8")
    assert (
        main(["score", str(folder / "model"), "--unusual", "0.01", "--errors", "strict", str(folder / "odd.log")]) == 1
    )
    out, err = capsys.readouterr()
    assert out.endswith("\t07:15 backup dome\n")
    assert "line 2" in err


def test_positions_are_those_in_the_line_that_is_printed_where_characters_are_ignored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "odd.log").write_text("07:15 b\u00e9\u00e9ackup do\u00e9me\n", encoding="utf-8")
    flags = ("--unusual", "0.05", "--errors", "ignore", "--spans", str(folder / "odd.log"))
    for line in printed(capsys, str(folder / "model"), *flags, "--json").splitlines():
        found = json.loads(line)
        for span in found["spans"]:
            assert found["text"][span["start"] : span["end"]] == span["text"]
    assert "b\u00e9\u00e9ackup" in printed(capsys, str(folder / "model"), *flags)


def test_what_would_command_a_terminal_is_escaped_there() -> None:
    hostile = "a\x1b[2Kb\u202e\x9bc\td\n"
    assert shown_line(hostile, on_terminal=True) == r"a\x1b[2Kb\u202e\x9bc" + "\td" + r"\n"
    assert shown_line(hostile, on_terminal=False) == hostile.replace("\n", r"\n")
    assert shown_line("caf\u00e9 \U0001f600", on_terminal=True) == "caf\u00e9 \U0001f600"
