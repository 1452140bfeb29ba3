import json
from pathlib import Path
from typing import Any

import pytest
import torch

from charlm.training.run_folder import FILE_NAME, RunDescription, machine
from mutations import as_json

DESCRIPTION = RunDescription(
    text="a \ud800.txt", characters=9, symbols=3, excerpt="\x00\n", settings={"order": 3}, machine={"cores": "2"}
)


def test_a_description_comes_back(tmp_path: Path) -> None:
    DESCRIPTION.write(tmp_path)
    assert RunDescription.read(tmp_path) == DESCRIPTION
    assert DESCRIPTION.began.endswith("+00:00")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"version": "1"}, {"text": 3}, {"characters": True}, {"excerpt": None}, {"settings": []},
        {"machine": ""}, {"began": 0}, {"more": 1},
    ],
)  # fmt: skip
def test_what_describes_no_run_is_refused_by_name(tmp_path: Path, change: dict[str, Any]) -> None:
    DESCRIPTION.write(tmp_path)
    path = tmp_path / FILE_NAME
    path.write_bytes(as_json(json.loads(path.read_bytes()) | change))
    with pytest.raises(ValueError, match=r"run\.json' describes no run: "):
        RunDescription.read(tmp_path)


def test_a_missing_description_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RunDescription.read(tmp_path)


def test_the_machine_is_told_in_words() -> None:
    assert {"device", "processor", "cores", "python", "torch", "chartok"} <= set(machine(torch.device("cpu")))
