"""Help: every command explains itself, in the terms of whoever reads it."""

import re
import shlex
from pathlib import Path

import pytest

from charlm.cli.app import main
from charlm.cli.arguments import MAIN, arguments_of, description, section
from charlm.cli.families import train_flags
from charlm.cli.flags import COMMANDS
from charlm.cli.help import page
from charlm.cli.mistakes import first_mistake
from charlm.cli.parsing import settings_class, with_long_flags
from charlm.recipes.presets import TAKES

DOCS = Path(__file__).parents[3] / "docs"
OF_PYTHON = re.compile(r"\bNone\b|\{|``|\bSTR\b|\bINT\b|\bFLOAT\b|(?<![\w/.])[a-z]+_[a-z]+(?![\w.])")


@pytest.mark.parametrize(
    "arguments",
    [[], ["help"], ["-h"], ["--help"], ["help", "--all"], ["help", "--help"], ["help", "help"], ["--help-all"]],
)
def test_the_program_alone_shows_its_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(description(command)[0][:30])}", shown, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_asked_for_in_several_ways(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = set()
    for arguments in (["help", command], [command, "--help"], [command, "-h"], [command, "x", "--json", "-h"]):
        assert main(arguments) == 0
        found.add(capsys.readouterr().out)
    (short,) = found
    found = set()
    for arguments in (["help", command, "--all"], ["help", "--all", command], [command, "--help-all"]):
        assert main(arguments) == 0
        found.add(capsys.readouterr().out)
    (whole,) = found
    flags = {argument.as_typed for argument in arguments_of(settings_class([command])) if not argument.is_positional}
    assert flags <= {*re.findall(r"--[a-z0-9-]+", short)}
    assert all(re.search(rf"^(?:  -\w, |      ){flag}\b", whole, re.MULTILINE) for flag in flags)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_two_examples_that_can_be_typed_and_a_page(command: str) -> None:
    settings = COMMANDS[command]
    examples = section(settings, "Examples").splitlines()
    assert len(examples) == 2
    for example in examples:
        _, _, typed = example.rpartition("| ")
        words = shlex.split(re.sub(r'^eval "\$\((.*)\)"$', r"\1", typed).split(" < ")[0].split(" > ")[0])
        assert words[:2] == ["charlm", command]
        arguments = with_long_flags(words[1:])
        assert first_mistake(command, arguments[1:], arguments_of(settings_class(arguments))) is None
    assert (DOCS / section(settings, "See Also")).is_file()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_is_described(command: str) -> None:
    for argument in arguments_of(COMMANDS[command]):
        assert argument.about.endswith("."), argument.name
        assert argument.metavar or argument.kind is bool


def test_no_help_speaks_of_python() -> None:
    pages = [page(name, command, everything=True) for name, command in COMMANDS.items()]
    pages += [page("train", train_flags(family), everything=True) for family in TAKES]
    for shown in pages:
        assert not OF_PYTHON.search(shown), OF_PYTHON.search(shown)


@pytest.mark.parametrize("family", TAKES)
def test_about_ten_flags_come_first_for_each_family(family: str) -> None:
    main_flags = [argument for argument in arguments_of(train_flags(family)) if argument.group == MAIN]  # type: ignore[arg-type]  # one of them
    assert 5 <= len([argument for argument in main_flags if not argument.is_positional]) <= 12


def test_a_short_flag_means_what_the_long_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_bytes(b"anna\nhanna\njoanna\nsusanna\njohanna\n" * 9)
    assert main(["train", "names.txt", "--records", "-m", "bigram", "-o=run"]) == 0
    assert "bigram model" in capsys.readouterr().out
    assert main(["generate", "run", "-n", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    for flag in ("-V", "--version"):
        assert main([flag]) == 0
    assert len(set(capsys.readouterr().out.splitlines())) == 1
    assert main(["generate", "run", "-o", "x"]) == 2
    assert capsys.readouterr().err.startswith("charlm: generate has no flag -o")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["help", "play", "extra"], "help is of one command, got play and 'extra'"),
        (["hlep"], "there is no command 'hlep': did you mean help?"),
    ],
)
def test_help_that_nobody_has_is_refused(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"charlm: {why}\n"
