"""The command line in a pseudo-terminal of 80 columns."""

import io
import os
import sys
from pathlib import Path

import pytest

from charlm.cli.flags import COMMANDS
from charlm.cli.help import overview, page
from charlm.cli.terminal import has_colors
from charlm.recipes.presets import TAKES

COLUMNS = 80
TRAIN = ["train", "input.txt", "--model", "trained-bigram", "--device", "cpu", "--log-interval", "5", "--out", "run"]


class Screen:
    """What a terminal of 80 columns shows of a command; it is held wider, so that what does not fit can be seen."""

    def __init__(self, folder: Path, *arguments: str, interrupt_at: str = "", **variables: str) -> None:
        pexpect, pyte = pytest.importorskip("pexpect"), pytest.importorskip("pyte")
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        environment |= {"TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path), **variables}
        program = pexpect.spawn(
            sys.executable,
            ["-m", "charlm", *arguments],
            cwd=str(folder),
            env=environment,
            dimensions=(24, COLUMNS),
            timeout=60,
        )
        self.written = b""
        if interrupt_at:
            program.expect(interrupt_at)
            self.written += program.before + program.after
            program.sendintr()
        program.expect(pexpect.EOF)
        self.written += program.before
        program.close()
        self.code = program.exitstatus
        screen = pyte.Screen(2 * COLUMNS, 200)
        pyte.ByteStream(screen).feed(self.written)
        self.lines = [line.rstrip() for line in screen.display]
        while self.lines and not self.lines[-1]:
            self.lines.pop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "input.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 50, encoding="utf-8")
    return tmp_path


def test_training_shows_a_bar_that_fits_and_says_what_to_type_next(folder: Path) -> None:
    screen = Screen(folder, *TRAIN, "--max-steps", "50")
    assert screen.code == 0
    assert max(map(len, screen.lines)) <= COLUMNS
    assert [line for line in screen.lines if "%|" in line][-1].startswith("100%|")
    assert sum("%|" in line for line in screen.lines) == 1
    assert screen.lines[-3:] == ["Next: charlm generate run", "      charlm play run --open", "      charlm report run"]


def test_an_interrupted_run_leaves_a_clean_line_and_no_suggestion(folder: Path) -> None:
    screen = Screen(folder, *TRAIN, "--max-steps", "1000000", interrupt_at=r"[1-9]\d*/1000000 ")
    assert screen.code == 130
    assert "Traceback" not in "".join(screen.lines)
    assert screen.lines[-2].startswith("stopped after step ")
    assert screen.lines[-1] == "to continue, run the same command with --resume"
    assert sum("%|" in line for line in screen.lines) == 1


def test_headings_are_bold_where_colors_are_wanted(folder: Path) -> None:
    in_color = Screen(folder, "help", "info")
    assert b"\x1b[1mExamples:\x1b[0m" in in_color.written
    assert max(map(len, in_color.lines)) <= COLUMNS
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = Screen(folder, "help", "info", **variables)
        assert b"\x1b" not in plain.written
        assert plain.lines == in_color.lines


@pytest.mark.parametrize(
    ("variables", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),  # as no-color.org has it
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colors_are_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return is_terminal

    assert has_colors(Stream()) is expected
    assert not has_colors(None) or "FORCE_COLOR" in variables


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_line_of_help_is_wider_than_the_terminal_or_80_columns(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    from charlm.cli.families import train_flags  # noqa: PLC0415 - beside its only use

    monkeypatch.setenv("COLUMNS", str(columns))
    pages = [overview()]
    for everything in (False, True):
        pages += [page(name, command, everything=everything) for name, command in COMMANDS.items()]
        pages += [page("train", train_flags(family), everything=everything) for family in TAKES]
    for shown in pages:
        for line in shown.splitlines():
            is_one_word = len(line.split()) <= 2  # a link, or a flag with its values, cannot be broken
            is_example = line.startswith("  charlm ") or "| charlm " in line
            assert len(line) <= min(columns, 80) or (columns < 80 and (is_one_word or is_example or "|" in line)), line
