import importlib

import pytest
import torch

from charlm.runtime.devices import peak_memory


def test_the_memory_of_the_process_is_in_bytes_and_never_falls() -> None:
    before = peak_memory(torch.device("cpu"))
    filled = torch.ones(16 << 20, dtype=torch.uint8)
    assert before <= peak_memory(torch.device("cpu"))
    assert filled.nbytes <= peak_memory(torch.device("cpu")) < 1 << 50


def test_a_system_that_does_not_tell_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert peak_memory(torch.device("cpu")) == 0
