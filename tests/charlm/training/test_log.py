import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import read_log
from charlm.training.log import LARGEST, append_entry, open_log, sync_log
from log_entries import log_entry


def record_line(**values: Any) -> bytes:
    return json.dumps(dataclasses.asdict(log_entry(2)) | values).encode()


@given(
    losses=st.lists(st.floats(-LARGEST, LARGEST), max_size=5),
    validation=st.none() | st.floats(0, 100),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, losses: list[float], validation: float | None
) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / "log.jsonl").touch()
    entries = [log_entry(i, train_loss=loss, validation_loss=validation) for i, loss in enumerate(losses)]
    for entry in entries:
        append_entry(folder / "log.jsonl", entry)
    sync_log(folder / "log.jsonl")
    assert read_log(folder) == read_log(folder / "log.jsonl") == entries


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_entry(path, log_entry(1))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert read_log(path) == [log_entry(1)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"step": 1}', "train_loss must be a number, got NoneType"),
        (b"nonsense", "not JSON"),
        (b"[1]", "expected a JSON object, got list"),
        (b"\xff", "invalid UTF-8 at byte offset 0"),
        (record_line(step="x"), "step must be an integer, got str"),
        (record_line(step=-1), "step must be at least 0, got -1"),
        (record_line(peak_memory_bytes=1.5), "peak_memory_bytes must be an integer, got float"),
        (record_line(train_loss=None), "train_loss must be a number, got NoneType"),
        (record_line(validation_loss="1"), "validation_loss must be a number, got str"),
        (record_line(elapsed_seconds=True), "elapsed_seconds must be a number, got bool"),
        (record_line(learning_rate=10**400), "learning_rate must fit in a float"),
        (record_line(train_loss=1.7e308), r"train_loss must be from -1e\+300 to 1e\+300, got 1\.7e\+308"),
        (record_line(step=10**400), "step must be from"),
        (record_line(gradient_norm="1"), "gradient_norm must be a number, got str"),
        (record_line(other=1), "other"),
    ],
)
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "log.jsonl"
    append_entry(path, log_entry(1))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(ValueError, match=rf"line 2 of '.*log\.jsonl' is not a log entry: .*{message}"):
        read_log(path)


def test_a_run_that_goes_on_keeps_its_log_and_drops_those_of_steps_to_be_done_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for step in range(5):
        append_entry(path, log_entry(step))
    assert open_log(path, 3) == [log_entry(step) for step in range(3)] == read_log(path)
    assert [file.name for file in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize("damage", [b"nonsense\n", b"\0" * 5000, b'{"step": 1}\n', b'{"step'])
def test_what_a_crash_has_left_behind_the_entries_of_a_run_does_not_cost_it_its_log(
    tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "log.jsonl"
    for step in range(3):
        append_entry(path, log_entry(step))
    path.write_bytes(path.read_bytes() + damage)
    assert open_log(path, 3) == [log_entry(step) for step in range(3)] == read_log(path)
    assert [file.name for file in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize(("content", "number"), [(b"nonsense\n", 1), (None, 2), (None, 0)])
def test_a_log_that_does_not_belong_to_the_run_is_renamed_and_never_lost(
    tmp_path: Path, content: bytes | None, number: int
) -> None:
    path = tmp_path / "log.jsonl"
    append_entry(path, log_entry(1))
    before = path.read_bytes()
    if content is not None:
        path.write_bytes(before := content)
    assert open_log(path, number) == []
    assert path.read_bytes() == b""
    (earlier,) = tmp_path.glob("earlier-*-log.jsonl")
    assert earlier.read_bytes() == before


def test_an_entry_is_strict_json(tmp_path: Path) -> None:
    append_entry(tmp_path / "log.jsonl", log_entry(1))
    assert json.loads((tmp_path / "log.jsonl").read_text())["step"] == 1
    with pytest.raises(ValueError, match="JSON"):
        append_entry(tmp_path / "log.jsonl", log_entry(2, train_loss=float("nan")))
