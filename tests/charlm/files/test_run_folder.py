import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.files.model_file import read_model_file
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import CheckpointFolder, RunFolder, set_aside

DESCRIPTION = RunDescription(text="a.txt", characters=9, symbols=3, excerpt="ab", settings={"order": 3})


def checkpoint(run: RunFolder, step: int, model: bytes | None = None) -> CheckpointFolder:
    made = CheckpointFolder(run.checkpoint_path(step))
    made.path.mkdir(parents=True)
    if model is not None:
        made.model_path.write_bytes(model)
    return made


def test_the_names_are_these(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    made = CheckpointFolder(run.checkpoint_path(2000))
    files = [run.model_path, run.log_path, run.report_path, run.description_path]
    files += [made.model_path, made.tensors_path, made.manifest_path]
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "model.safetensors",
        "log.jsonl",
        "report.html",
        "run.json",
        "checkpoints/step-0000002000/model.safetensors",
        "checkpoints/step-0000002000/training.safetensors",
        "checkpoints/step-0000002000/manifest.json",
    ]


def test_checkpoints_are_found_oldest_first_and_nothing_else_is_taken_for_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.checkpoint_paths() == []
    made = [checkpoint(run, step) for step in (10, 9, 10**9)]
    made[0].temporary().path.mkdir()
    made[0].path.with_name("notes").mkdir()
    set_aside(checkpoint(run, 11).path, "damaged")
    assert [path.name for path in run.checkpoint_paths()] == ["step-0000000009", "step-0000000010", "step-1000000000"]
    assert len(made[1].leftovers()) == 1


def test_the_model_of_the_run_comes_before_that_of_its_newest_checkpoint(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.newest_model_path() == run.model_path
    checkpoint(run, 1, b"1")
    second = checkpoint(run, 2, b"2")
    checkpoint(run, 3)
    assert run.newest_model_path() == second.model_path
    run.write_model(b"1")
    assert run.newest_model_path() == run.model_path
    assert run.model_path.read_bytes() == b"1"


@pytest.mark.parametrize("what", ["a checkpoint", "a model"])
def test_a_folder_that_holds_a_run_is_refused_with_what_to_do(tmp_path: Path, what: str) -> None:
    run = RunFolder(tmp_path)
    run.refuse_a_run("go away")
    run.write_description(DESCRIPTION)
    run.log_path.touch()
    assert not run.holds_a_run()
    if what == "a model":
        run.model_path.touch()
    else:
        checkpoint(run, 1)
    with pytest.raises(FileExistsError, match="the folder already contains a run; go away") as caught:
        run.refuse_a_run("go away")
    assert (caught.value.errno, caught.value.filename) == (errno.EEXIST, os.fspath(tmp_path))


def test_a_description_comes_back_and_where_there_is_none_it_is_none(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.read_description() is None
    run.write_description(DESCRIPTION)
    assert run.read_description() == DESCRIPTION
    (tmp_path / "file").touch()
    assert RunFolder(tmp_path / "file").read_description() is None


def test_what_describes_no_run_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.description_path.write_bytes(b"[]")
    with pytest.raises(
        ValueError, match=r"run\.json' is not a run description: a description of a run must be a JSON object"
    ):
        run.read_description()


def test_what_is_set_aside_gets_a_name_of_its_own_each_time(tmp_path: Path) -> None:
    for content in (b"1", b"2"):
        (tmp_path / "log.jsonl").write_bytes(content)
        set_aside(tmp_path / "log.jsonl", "earlier")
    found = sorted(tmp_path.iterdir(), key=Path.read_bytes)
    assert [file.read_bytes() for file in found] == [b"1", b"2"]
    assert all(re.fullmatch(r"earlier-[0-9a-f]{8}-log\.jsonl", file.name) for file in found)


def test_the_folder_of_a_run_is_known_without_pytorch() -> None:
    code = "import charlm.files.run_folder, sys; print({'numpy', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_an_empty_path_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="path is empty"):
        RunFolder("")
    with pytest.raises(ValueError, match="path is empty"):
        read_model_file("")
