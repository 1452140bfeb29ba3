"""A check is the same wherever it runs."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def commands_of(target: str) -> list[str]:
    """Returns what a target of the Makefile runs, with the environment that it makes where no other is named."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]


def test_a_commit_is_checked_by_the_commands_of_make_lint() -> None:
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in settings["repos"] for hook in repository["hooks"]]
    assert [hook["entry"] for hook in hooks] == commands_of("lint")
    assert all(hook["always_run"] and not hook["pass_filenames"] for hook in hooks)  # as make does
    assert {repository["repo"] for repository in settings["repos"]} == {"local"}  # of the same version


@pytest.mark.parametrize("target", ["lowest", "lowest-torch"])
def test_the_lowest_releases_that_are_supported_are_tested(target: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "--resolution lowest-direct --editable '.[all]'" in " ".join(commands_of(target))
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    _, python, check = workflow["jobs"][target]["steps"]
    assert f">={python['with']['python-version']}" == project["requires-python"]
    assert check == {"run": f"make {target}"}


def test_what_needs_no_pytorch_is_tested_without_it() -> None:
    install, _ = commands_of("without-torch")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (override,) = re.findall(r"^WITHOUT_TORCH := --override (\S+)$", makefile, re.MULTILINE)
    assert "$(WITHOUT_TORCH)" in install
    assert (ROOT / override).is_file()
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["without-torch"]["steps"][-1] == {"run": "make without-torch"}
