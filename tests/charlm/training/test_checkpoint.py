import errno
import hashlib
import json
import os
import random
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from charlm import BigramLanguageModel, CheckpointCorruptError, CheckpointVersionError
from charlm.files.run_folder import RunFolder
from charlm.files.serializing import serialized_model
from charlm.training import checkpoint as checkpoint_module
from charlm.training.checkpoint import newest_checkpoint, read_checkpoint, write_checkpoint
from chartok import Vocabulary, __version__
from failing_calls import FailingCalls
from torture import TORTURE

MODEL = serialized_model(BigramLanguageModel(2), Vocabulary("ab"))
TENSORS = {"optimizer.table.step": torch.tensor(3.0), "losses": torch.zeros(0), "random": torch.arange(5)}
FULL = TORTURE


def write(run: Path, step: int, *, kept: int = 2, best: int = 0, values: dict[str, Any] | None = None) -> Path:
    path = RunFolder(run).checkpoint_path(step)
    write_checkpoint(path, model=MODEL, tensors=TENSORS, values=values or {"step": step}, kept=kept, best=best)
    return path


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    values = {"step": 7, "text": "\ud800 \u4e00", "float": 0.1, "none": None, "nested": {"a": [1, True]}}
    path = write(tmp_path / "new" / "run", 7, values=values)
    checkpoint = read_checkpoint(path)
    assert (checkpoint.path, checkpoint.values) == (path, values)
    assert checkpoint.model.vocabulary == Vocabulary("ab")
    assert checkpoint.state()["tensors"].keys() == {"model.table", *TENSORS}
    assert checkpoint.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(checkpoint.tensors[name], TENSORS[name]) for name in TENSORS)
    assert sorted(content(path)) == ["manifest.json", "model.safetensors", "training.safetensors"]
    assert json.loads((path / "manifest.json").read_text())["values"] == values


def test_the_manifest_holds_what_is_described(tmp_path: Path) -> None:
    path = write(tmp_path, 7)
    manifest = json.loads((path / "manifest.json").read_text())
    signature = manifest.pop("sha256")
    assert signature == hashlib.sha256(checkpoint_module._as_json(manifest)).hexdigest()
    tensors = (path / "training.safetensors").read_bytes()
    files = {"model.safetensors": MODEL, "training.safetensors": tensors}
    assert manifest == {
        "version": 1,
        "library": __version__,
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
        },
        "values": {"step": 7},
    }


def test_the_newest_and_the_best_stay(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20, 25):
        write(tmp_path, step, kept=2, best=10 if step >= 10 else 5)
    assert [path.name for path in RunFolder(tmp_path).checkpoint_paths()] == [
        f"step-{step:010d}" for step in (10, 20, 25)
    ]
    assert names(tmp_path) == [f"step-{step:010d}" for step in (10, 20, 25)]


def test_steps_of_any_length_stay_in_order(tmp_path: Path) -> None:
    for step in (9, 10, 999_999_999, 1_000_000_000):
        write(tmp_path, step, kept=10)
    assert newest_checkpoint(tmp_path).values == {"step": 1_000_000_000}


def test_a_later_step_that_was_passed_over_is_neither_counted_nor_removed(tmp_path: Path) -> None:
    for step in (1, 2, 9):
        write(tmp_path, step, kept=9)
    write(tmp_path, 3)
    assert [path.name[-1] for path in RunFolder(tmp_path).checkpoint_paths()] == ["2", "3", "9"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "checkpoints" / ".step-0000000002.abc.tmp").mkdir()
    (tmp_path / "checkpoints" / ".step-0000000002.abc.tmp" / "model.safetensors").touch()
    (tmp_path / "checkpoints" / "notes.txt").touch()
    (tmp_path / "checkpoints" / ".step-0000000003.abc.tmp").touch()  # nobody's, and no folder: it stays
    assert newest_checkpoint(tmp_path).values == {"step": 1}
    write(tmp_path, 2)
    assert names(tmp_path) == [".step-0000000003.abc.tmp", "notes.txt", "step-0000000001", "step-0000000002"]


# ------------------------------------------------------------------------------------------------- failing systems


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("damaged", [False, True])
def test_whatever_call_fails_the_old_checkpoints_stay_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, damaged: bool
) -> None:
    faults = FailingCalls(monkeypatch, number)
    for failing in range(1, 100):
        run = tmp_path / f"{failing}"
        faults.failing = -1
        write(run, 1)
        write(run, 2)
        if damaged:
            (write(run, 3) / "manifest.json").write_bytes(b"")
        before = content(run)
        faults.fail_at(failing)
        failure = written(run, 3)
        if failure is None:
            break
        assert failure.errno == number
        assert Path(failure.filename) in {RunFolder(run).checkpoint_path(3), run / "checkpoints"}
        left = content(run)
        assert {name: left[name] for name in before if "step-0000000003" not in name}.items() <= before.items()
        assert set(before.values()) <= set(left.values())  # a damaged one may have another name
        assert not list(run.glob("checkpoints/.*"))
        faults.failing = -1
        write(run, 4)
        assert newest_checkpoint(run).values == {"step": 4}
    assert failing > 10


def test_an_error_that_names_a_file_keeps_that_name(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").touch()
    with pytest.raises(FileExistsError) as caught:
        write(tmp_path, 1)
    assert Path(caught.value.filename) == tmp_path / "checkpoints"


def written(run: Path, step: int) -> OSError | None:
    try:
        write(run, step)
    except OSError as error:
        return error
    return None


def test_an_interrupted_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    write(tmp_path, 1)
    before = names(tmp_path)
    monkeypatch.setattr(checkpoint_module, "sync_folder", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2)
    assert names(tmp_path) == before


def test_a_limit_on_the_size_of_files_keeps_the_old_checkpoint(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    write(tmp_path, 1)
    before = content(tmp_path)
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, old_limit[1]))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)) as caught:
            write(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert caught.value.filename is not None
    assert content(tmp_path) == before


# --------------------------------------------------------------------------------------------------- damaged files


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("run"), 1)


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "checkpoints" / sound.name))


def assert_damaged(path: Path, name: str, data: bytes, message: str = "") -> None:
    (path / name).write_bytes(data)
    with pytest.raises(CheckpointCorruptError, match=f"{path.name}' is not a valid checkpoint: .*{message}"):
        read_checkpoint(path)


def flips(data: bytes, bits: Iterator[int] | range | list[int]) -> Iterator[bytes]:
    for bit in bits:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def test_every_flipped_bit_of_a_manifest_is_found(copy: Path) -> None:
    data = (copy / "manifest.json").read_bytes()
    for damaged in flips(data, range(len(data) * 8)):
        (copy / "manifest.json").write_bytes(damaged)
        with pytest.raises((CheckpointCorruptError, CheckpointVersionError)):
            read_checkpoint(copy)


def test_a_manifest_that_says_the_same_in_other_bytes_is_damaged(copy: Path) -> None:
    data = (copy / "manifest.json").read_bytes()
    assert_damaged(copy, "manifest.json", data.replace(b"\n ", b"\n\t", 1), "manifest.json is not what was written")


@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors"])
def test_flipped_bits_of_tensors_are_found(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    chosen = random.Random(0).sample(range(len(data) * 8), 1000 if FULL else 200)  # noqa: S311 - a test
    for damaged in flips(data, chosen):
        assert_damaged(copy, name, damaged, f"{name} is not what was written")


@pytest.mark.parametrize("name", ["manifest.json", "model.safetensors", "training.safetensors"])
def test_truncation_at_every_length_is_found(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    for length in range(len(data)):
        assert_damaged(copy, name, data[:length])
    assert_damaged(copy, name, data + b"\0")
    (copy / name).write_bytes(data)
    read_checkpoint(copy)


def test_a_missing_file_is_an_error_and_the_checkpoint_before_is_used(tmp_path: Path) -> None:
    for name in ("manifest.json", "model.safetensors", "training.safetensors"):
        run = tmp_path / name
        write(run, 1)
        (write(run, 2) / name).unlink()
        with pytest.warns(UserWarning, match=f"falling back to step-0000000001: .*{name}"):
            assert newest_checkpoint(run).values == {"step": 1}


@pytest.mark.parametrize(
    "hostile",
    [
        {"version": 1},
        {"version": 1, "files": {}, "values": {}},
        {"version": 1, "files": [], "values": {}},
        {"version": 1, "files": {"model.safetensors": 1, "training.safetensors": 2}, "values": {}},
        {"version": True},
        {"version": "1"},
        [],
        None,
    ],
)
def test_a_manifest_that_was_made_up_is_corrupt(copy: Path, hostile: Any) -> None:
    if isinstance(hostile, dict):
        unsigned = checkpoint_module._as_json(hostile)
        hostile = hostile | {"sha256": checkpoint_module.hashlib.sha256(unsigned).hexdigest()}  # type: ignore[attr-defined]  # a module
    assert_damaged(copy, "manifest.json", checkpoint_module._as_json(hostile))


def test_tensors_that_were_made_up_are_corrupt_and_take_no_memory(copy: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    hostile = struct.pack("<Q", len(header)) + header
    files = {"model.safetensors": MODEL, "training.safetensors": hostile}
    (copy / "training.safetensors").write_bytes(hostile)
    assert_damaged(copy, "manifest.json", checkpoint_module._manifest(files, {}))


@pytest.mark.parametrize("model", [b"", b"no model", safetensors.torch.save({"table": torch.zeros(2, 2)})])
def test_a_model_that_was_made_up_is_corrupt_though_its_hash_is_right(copy: Path, model: bytes) -> None:
    tensors = (copy / "training.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(model)
    manifest = checkpoint_module._manifest({"model.safetensors": model, "training.safetensors": tensors}, {})
    assert_damaged(copy, "manifest.json", manifest, "not a (valid )?model file")


def test_no_sound_checkpoint_is_an_error_that_says_what_is_wrong_with_the_newest(tmp_path: Path) -> None:
    for step in (1, 2):
        (write(tmp_path, step) / "manifest.json").write_bytes(b"{}")
    with pytest.raises(
        CheckpointCorruptError, match=r"no checkpoint in .* is valid: .*step-0000000002.*manifest.json has no version"
    ):
        newest_checkpoint(tmp_path)


def test_each_newer_checkpoint_that_is_damaged_is_named_newest_first(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        path = write(tmp_path, step, kept=3)
        if step > 1:
            (path / "manifest.json").write_bytes(b"{}")
    with pytest.warns(UserWarning, match="a checkpoint is damaged, falling back to step-0000000001") as caught:
        assert newest_checkpoint(tmp_path).values == {"step": 1}
    for warning, step in zip(caught, (3, 2), strict=True):
        assert f"step-000000000{step}' is not a valid checkpoint" in str(warning.message)


def test_the_warning_of_a_damaged_checkpoint_points_at_the_caller(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (write(tmp_path, 2) / "manifest.json").write_bytes(b"{}")
    with pytest.warns(UserWarning, match="a checkpoint is damaged") as caught:
        newest_checkpoint(tmp_path)
    assert caught[0].filename == __file__


def test_a_run_without_checkpoints_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no checkpoint in this folder") as caught:
        newest_checkpoint(tmp_path)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, os.fspath(tmp_path))


def test_what_is_no_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write(tmp_path, 1, values={"loss": float("nan")})
    assert content(tmp_path) == {}


def test_a_newer_version_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1)
    monkeypatch.setattr(checkpoint_module, "VERSION", 2)
    write(tmp_path, 2)
    monkeypatch.undo()
    with pytest.raises(
        CheckpointVersionError,
        match=r"step-0000000002.*version 2 is newer than version 1, the newest supported: upgrade chartok",
    ):
        newest_checkpoint(tmp_path)


def test_the_names_reach_the_disk_after_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(checkpoint_module, "sync_folder", synced.append)
    path = write(tmp_path, 1)
    assert synced[0].name.startswith(".step-")
    assert synced[1:] == [path.parent]
