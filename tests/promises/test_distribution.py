"""What is released is complete, holds nothing else, and says the same everywhere."""

import hashlib
import os
import re
import runpy
import shlex
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import hatchling.build
import pytest
import yaml
from rattler_build import Stage0Recipe

from chartok import __version__

ROOT = Path(__file__).parents[2]
FOLDERS = ["benchmarks", "docs", "examples", "src", "tests"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RECIPE = ROOT / "packaging" / "conda" / "recipe.yaml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def in_repository(folder: str) -> set[str]:
    """Returns the files of a folder that are no product of a tool, relative to the repository."""
    paths = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
    products = {"__pycache__", "_build", ".ipynb_checkpoints", ".ruff_cache"}
    kept = [path.as_posix() for path in paths if not products.intersection(path.parts)]
    return {name for name in kept if not name.startswith(("docs/gallery/", "docs/reference/classes/"))}  # of the build


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        hatchling.build.build_wheel(str(folder))
        hatchling.build.build_sdist(str(folder))
    return folder


@pytest.fixture
def wheel(built: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(built / f"chartok-{__version__}-py3-none-any.whl") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def source(built: Path) -> set[str]:
    with tarfile.open(built / f"chartok-{__version__}.tar.gz") as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_holds_both_packages_their_types_and_the_licence_and_nothing_else(wheel: dict[str, bytes]) -> None:
    about = f"chartok-{__version__}.dist-info/"
    packages = {name.removeprefix("src/") for name in in_repository("src")}
    assert {"chartok/py.typed", "charlm/py.typed"} <= packages
    assert {name for name in wheel if not name.startswith(about)} == packages
    assert wheel[about + "licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_says_what_it_is_and_what_it_needs(wheel: dict[str, bytes]) -> None:
    metadata = message_from_bytes(wheel[f"chartok-{__version__}.dist-info/METADATA"])
    assert (metadata["Name"], metadata["Version"], metadata["License-Expression"]) == ("chartok", __version__, "MIT")
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    needed = {str(line) for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert {re.split(r"\W", line)[0] for line in needed} == {"numpy", "safetensors", "torch", "tqdm", "tyro"}
    assert " ".join(sorted(metadata.get_all("Provides-Extra", []))) == (
        "all data encodings fast graphemes logs onnx parquet plots sklearn urls zstd"
    )
    urls = [line.partition(", ")[0] for line in metadata.get_all("Project-URL", [])]
    assert urls == ["Homepage", "Documentation", "Source", "Changelog", "Issues"]


def test_the_command_that_the_wheel_installs_is_there(wheel: dict[str, bytes]) -> None:
    entry_points = wheel[f"chartok-{__version__}.dist-info/entry_points.txt"].decode()
    module, function = entry_points.removeprefix("[console_scripts]\ncharlm = ").strip().split(":")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_source_distribution_holds_all_of(source: set[str], folder: str) -> None:
    assert in_repository(folder) == {name for name in source if name.startswith(f"{folder}/")}


def test_the_source_distribution_holds_what_one_works_with_and_not_the_checks_of_one_machine(source: set[str]) -> None:
    files = {"CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md"}
    assert files | {"pyproject.toml", "PKG-INFO"} <= source
    assert not {name for name in source if name.startswith((".ci/", ".venv/", "dist/", "packaging/"))}


@pytest.fixture
def unpacked(built: Path, tmp_path: Path) -> Path:
    """The folder of the source distribution."""
    with tarfile.open(built / f"chartok-{__version__}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / f"chartok-{__version__}"


def test_the_source_distribution_makes_the_same_wheel_to_the_last_bit(
    built: Path, unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(unpacked)
    name = hatchling.build.build_wheel(str(tmp_path))
    assert (tmp_path / name).read_bytes() == (built / name).read_bytes()


def test_the_citation_and_the_changelog_name_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert f"\n## {__version__} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_makes_targets_that_there_are_and_may_do_no_more_than_it_needs(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    made = {word for command in commands if command.startswith("make ") for word in command.split()[1:]}
    assert made
    assert made <= targets


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_actions_of_one_commit_and_for_a_limited_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    actions = re.findall(r"uses: *(.*)", text)
    assert actions
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in actions)
    workflow = yaml.safe_load(text)
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert workflow["concurrency"]["cancel-in-progress"] is (path.stem != "release")


def test_the_check_installs_every_extra_and_the_group_of_the_developers() -> None:
    extras = dict(PROJECT["project"]["optional-dependencies"])
    assert extras.pop("all") == [f"chartok[{','.join(sorted(extras))}]"]
    assert {"include-group": "docs"} in PROJECT["dependency-groups"]["dev"]
    for name in ("Makefile", "CONTRIBUTING.md", "docs/installation.md", ".github/workflows/tests.yml"):
        text = (ROOT / name).read_text(encoding="utf-8").replace('"', "'")
        assert "--editable '.[all]' --group dev" in text, name


def test_the_workflows_are_these() -> None:
    assert [path.stem for path in WORKFLOWS] == ["release", "tests", "weekly"]


def test_every_python_that_is_said_to_be_supported_is_tested() -> None:
    said = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))["jobs"]
    for job in ("posix", "windows"):
        assert jobs[job]["strategy"]["matrix"]["python"] == said


def names_of(requirements: list[str]) -> dict[str, str]:
    """Returns the version that is asked for of each package."""
    return dict(re.fullmatch(r"([\w.-]+(?:\[\w+\])?) *(.*)", line).groups() for line in requirements)  # type: ignore[union-attr, misc]


def test_who_does_without_pytorch_is_told_all_else_that_is_needed() -> None:
    needed = " ".join(sorted(names_of(PROJECT["project"]["dependencies"]).keys() - {"torch"}))
    for name in ("Makefile", "docs/installation.md"):
        assert f" {needed}" in (ROOT / name).read_text(encoding="utf-8"), name


def test_who_does_without_pytorch_is_told_the_packages_of_every_extra() -> None:
    page = (ROOT / "docs/installation.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \| ", page, re.MULTILINE))
    extras = {name: " ".join(names_of(needed)) for name, needed in PROJECT["project"]["optional-dependencies"].items()}
    assert {name: packages.replace("'", "") for name, packages in told.items()} | {"all": extras["all"]} == extras


def rendered(recipe: Path) -> dict[str, Any]:
    """Returns a recipe as rattler-build reads it, which refuses unknown fields, with its values filled in."""
    [variant] = Stage0Recipe.from_file(recipe).render()
    return variant.recipe.to_dict()


@pytest.fixture
def recipe(built: Path, tmp_path: Path) -> dict[str, Any]:
    """The recipe of conda-forge for the source distribution."""
    fill_in = runpy.run_path(str(RECIPE.with_name("fill_in.py")))["filled_in"]
    (tmp_path / "recipe.yaml").write_text(fill_in(built / f"chartok-{__version__}.tar.gz"), encoding="utf-8")
    return rendered(tmp_path / "recipe.yaml")


def test_the_recipe_names_this_version_and_the_file_that_it_is_built_from(recipe: dict[str, Any], built: Path) -> None:
    [source] = recipe["source"]
    name = source["url"].rpartition("/")[2]
    assert recipe["package"] == {"name": "chartok", "version": __version__}
    assert source["sha256"] == hashlib.sha256((built / name).read_bytes()).hexdigest()
    assert source["url"].startswith(f"{PROJECT['project']['urls']['Source']}/releases/download/v{__version__}/")
    assert rendered(RECIPE)["source"][0]["sha256"] == "0" * 64


def test_the_recipe_asks_for_what_the_wheel_asks_for_by_its_name_there(recipe: dict[str, Any]) -> None:
    needed = names_of(PROJECT["project"]["dependencies"])
    needed["pytorch"] = needed.pop("torch")
    needed["python"] = PROJECT["project"]["requires-python"]
    assert names_of(recipe["requirements"]["run"]) == needed
    host = names_of(recipe["requirements"]["host"])
    assert host.pop("python") == PROJECT["project"]["requires-python"].removeprefix(">=") + ".*"
    assert host == names_of(PROJECT["build-system"]["requires"]) | {"pip": ""}


def test_the_recipe_says_of_the_library_what_the_project_says(recipe: dict[str, Any]) -> None:
    about, project, urls = recipe["about"], PROJECT["project"], PROJECT["project"]["urls"]
    assert (about["summary"], about["license"]) == (project["description"], project["license"])
    assert (about["homepage"], about["documentation"]) == (urls["Homepage"], urls["Documentation"])
    assert about["license_file"] == project["license-files"]
    [entry_point] = recipe["build"]["python"]["entry_points"]
    assert dict([entry_point.split(" = ")]) == project["scripts"]


def test_the_recipe_builds_from_the_source_distribution_and_passes_its_tests(
    recipe: dict[str, Any], unpacked: Path, tmp_path: Path
) -> None:
    target = tmp_path / "installed"
    environment = os.environ | {
        "PIP_TARGET": str(target),
        "PYTHONPATH": str(target),
        "PATH": os.pathsep.join([str(target / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
    }

    def run(script: str, folder: Path = tmp_path) -> None:
        script = script.replace("${{ PYTHON }}", shlex.quote(sys.executable))
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run(recipe["build"]["script"], unpacked)
    [imports, commands] = recipe["tests"]
    for module in imports["python"]["imports"]:
        run(f"test $(python -c 'import {module}; print({module}.__file__)') = {target}/{module}/__init__.py")
    for script in commands["script"]:
        run(script)


def test_read_the_docs_installs_what_builds_the_docs_and_lets_no_warning_pass() -> None:
    settings = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text(encoding="utf-8"))
    assert (settings["version"], settings["sphinx"]["fail_on_warning"]) == (2, True)
    assert (ROOT / settings["sphinx"]["configuration"]).is_file()
    newer_pip, install = (shlex.split(command) for command in settings["build"]["jobs"]["install"])
    assert newer_pip[-1] == "pip>=25.1"
    arguments = dict(pairwise(install))
    assert (ROOT / arguments["--constraint"]).is_file()
    assert arguments["--group"] in PROJECT["dependency-groups"]
    assert arguments["--editable"] == ".[all]"
    assert f">={settings['build']['tools']['python']}" == PROJECT["project"]["requires-python"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    assert arguments["--extra-index-url"] == workflow["env"]["PIP_EXTRA_INDEX_URL"]
