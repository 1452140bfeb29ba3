"""What is released is complete, holds nothing else, and says the same everywhere."""

import re
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib import import_module
from pathlib import Path

import hatchling.build
import pytest
import yaml

from chartok import __version__

ROOT = Path(__file__).parents[2]
FOLDERS = ["benchmarks", "docs", "examples", "src", "tests"]
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
    assert not {name for name in source if name.startswith((".ci/", ".venv/", "dist/"))}


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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert extras.pop("all") == [f"chartok[{','.join(sorted(extras))}]"]
    assert {"include-group": "docs"} in project["dependency-groups"]["dev"]
    for name in ("Makefile", "CONTRIBUTING.md", "docs/installation.md", ".github/workflows/tests.yml"):
        text = (ROOT / name).read_text(encoding="utf-8").replace('"', "'")
        assert "--editable '.[all]' --group dev" in text, name


def test_both_workflows_are_there() -> None:
    assert [path.stem for path in WORKFLOWS] == ["release", "tests"]
