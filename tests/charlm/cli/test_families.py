"""What each family takes on the command line is what it takes in Python."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from charlm import TrainerConfig
from charlm.cli.app import main
from charlm.cli.arguments import arguments_of
from charlm.cli.families import OF_EVERY_FAMILY, OF_TRAINING, as_flag, train_flags
from charlm.cli.help import in_words, page
from charlm.cli.train_flags import Train
from charlm.recipes.presets import TAKES, Recipe, families_with

VALUES = {"order": "3", "smoothing": "0.5", "size": "nano", "block_size": "8", "batch_size": "4", "device": "cpu"}
OF_CONFIG = [field.name for field in dataclasses.fields(TrainerConfig)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.txt").write_text("the quick brown fox\n" * 60, encoding="utf-8", newline="")
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Returns what is said of a command line that is refused, before anything is written."""
    assert main(["train", "input.txt", *arguments]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert not Path("runs").exists()
    return written.err.removeprefix("charlm: ").removesuffix("\n")


def expected(family: str, name: str) -> str:
    taken = ", ".join(as_flag(own) for own in TAKES[family] if own != "config")  # type: ignore[index]  # one of them
    who = " or ".join(families_with(name))
    see = f"--model {who} takes it; see charlm train --model {family} --help"
    return f"{as_flag(name)} is not a setting of {family}, which takes {taken}; {see}"


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family in TAKES for name in VALUES if name not in TAKES[family]]
)
def test_a_setting_of_another_family_is_refused_in_the_words_of_python(
    folder: Path, capsys: pytest.CaptureFixture[str], family: Any, name: str
) -> None:
    settings: dict[str, Any] = {"family": family, name: VALUES[name]}
    with pytest.raises(ValueError, match="is not a setting of") as in_python:
        Recipe(**settings)
    for arguments in ([as_flag(name), VALUES[name]], [f"{as_flag(name)}={VALUES[name]}"], [f"--{name}", VALUES[name]]):
        said = refused(capsys, "--model", family, *arguments)
        assert said == expected(family, name)
        in_words = re.sub(r"--([a-z-]+)", lambda flag: flag[1].replace("-", "_"), said.partition(";")[0])
        assert str(in_python.value).partition(";")[0].removesuffix(", config") == in_words
    (folder / "charlm.toml").write_text(f'[train]\n{name} = "{VALUES[name]}"\n')
    assert refused(capsys, "--model", family, "--config", "charlm.toml") == f"'charlm.toml': {expected(family, name)}"


@pytest.mark.parametrize("family", ["ngram", "bigram"])
@pytest.mark.parametrize("name", [*OF_CONFIG, "resume", "tensorboard"])
def test_what_counts_takes_no_flag_of_training(capsys: pytest.CaptureFixture[str], family: str, name: str) -> None:
    assert refused(capsys, "--model", family, as_flag(name)) == expected(family, name)
    assert refused(capsys, "--model", family, f"--no-{as_flag(name)[2:]}") == expected(family, name)


@pytest.mark.parametrize("family", TAKES)
def test_at_the_top_of_a_file_a_setting_is_for_the_families_that_have_it(folder: Path, family: Any) -> None:
    smoothing = "learned" if family == "ngram" else VALUES["smoothing"]
    settings = VALUES | {"max_steps": "1", "smoothing": smoothing}
    (folder / "charlm.toml").write_text("".join(f'{name} = "{value}"\n' for name, value in settings.items()))
    assert main(["train", "input.txt", "--model", family, "--config", "charlm.toml", "--out", "run"]) == 0


@pytest.mark.parametrize("family", TAKES)
def test_there_is_a_flag_for_each_setting_of_the_family_and_for_what_all_have(family: Any) -> None:
    found = {field.name for field in dataclasses.fields(train_flags(family))}
    settings = {name for name in TAKES[family] if name != "config"}
    of_training = set(OF_TRAINING) if "config" in TAKES[family] else set()
    assert found == {*OF_EVERY_FAMILY, *settings, *of_training}
    assert found <= {field.name for field in dataclasses.fields(Train)}


@pytest.mark.parametrize("family", TAKES)
def test_help_shows_the_defaults_of_the_recipe(family: Any) -> None:
    recipe = Recipe(family=family)
    wanted = {name: getattr(recipe, name) for name in TAKES[family] if name != "config"} | {"model": family}
    if recipe.config is not None:
        wanted |= {name: getattr(recipe.config, name) for name in OF_CONFIG}
    arguments = {argument.name: argument for argument in arguments_of(train_flags(family))}
    assert {name: arguments[name].default for name in wanted} == wanted
    for name, value in wanted.items():
        about = in_words(arguments[name])
        if value is None or isinstance(value, bool):
            assert "(default:" not in about
        else:
            assert about.endswith(f" (default: {value})")
    assert ("--no-prior" in page("train", train_flags(family))) == ("prior" in wanted)
