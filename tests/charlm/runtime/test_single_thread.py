from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from charlm import GPT, GPTConfig
from charlm.models import adapter
from charlm.models.adapter import ModelPredictor
from charlm.runtime import single_thread
from charlm.runtime.single_thread import one_thread


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    """Lets PyTorch use three threads, as a program may."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_mkl() -> int:
    """Returns how many threads MKL would use in the calling thread; PyTorch has no function for it."""
    line = next(line for line in torch.__config__.parallel_info().splitlines() if "mkl_get_max_threads" in line)
    return int(line.rpartition(":")[2])


def test_a_block_is_computed_in_one_thread() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="PyTorch is built without MKL")
def test_mkl_uses_one_thread_in_the_block_and_afterwards_as_many_as_before() -> None:
    before = threads_of_mkl()
    with one_thread():
        assert threads_of_mkl() == 1
    assert threads_of_mkl() == before


def test_an_error_in_the_block_leaves_the_number_of_threads_as_it_was() -> None:
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert torch.get_num_threads() == 3


def test_blocks_inside_each_other_are_in_one_thread_to_the_end_of_the_outer_one() -> None:
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_other_python_threads_keep_their_number_whether_they_have_computed_before_or_not() -> None:
    with ThreadPoolExecutor(1) as known, ThreadPoolExecutor(1) as new:
        assert known.submit(torch.get_num_threads).result() == 3
        with one_thread():
            assert known.submit(torch.get_num_threads).result() == 3
            assert new.submit(torch.get_num_threads).result() == 3
        assert new.submit(torch.get_num_threads).result() == 3


def test_a_python_thread_that_has_not_computed_before_is_restored_to_the_number_of_the_program() -> None:
    def inside_and_after() -> tuple[int, int]:
        with one_thread():
            inside = torch.get_num_threads()
        return inside, torch.get_num_threads()

    with ThreadPoolExecutor(1) as new:
        assert new.submit(inside_and_after).result() == (1, 3)


def test_a_build_of_pytorch_without_these_functions_computes_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.PyDLL", Path)
    single_thread._setters.cache_clear()
    try:
        with one_thread():
            assert torch.get_num_threads() == 3
    finally:
        single_thread._setters.cache_clear()


class Recording(GPT):
    """Records in how many threads it takes each step, and may fail."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        self.threads: list[int] = []
        self.fails = False

    def step(self, ids: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        self.threads.append(torch.get_num_threads())
        if self.fails:
            raise RuntimeError
        return super().step(ids, state)


@pytest.fixture
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the small models of these tests, too, continue one sequence in one thread."""
    monkeypatch.setattr(adapter, "WEIGHTS_FOR_ONE_THREAD", range(1 << 24))


def stepped(rows: int, *, fails: bool = False) -> list[int]:
    """Returns in how many threads a small model computes what follows one more id of each row."""
    model = Recording(GPTConfig(vocab_size=5, block_size=8, n_layers=1, n_heads=1, width=4, hash_rows=4))
    predictor = ModelPredictor(model)
    _, state = predictor.start(np.ones((rows, 2), dtype=np.int64))
    model.fails = fails
    predictor.step(np.ones(rows, dtype=np.int64), state)
    return model.threads[-1:]


@pytest.mark.usefixtures("every_size")
def test_one_sequence_is_continued_in_one_thread_and_several_in_all() -> None:
    assert stepped(1) == [1]
    assert stepped(2) == [3]
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("every_size")
def test_a_step_that_fails_leaves_the_number_of_threads_as_it_was() -> None:
    with pytest.raises(RuntimeError):
        stepped(1, fails=True)
    assert torch.get_num_threads() == 3


def test_a_large_model_continues_one_sequence_in_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "WEIGHTS_FOR_ONE_THREAD", range(10))
    assert stepped(1) == [3]


def test_the_largest_shape_of_gpt_continues_one_sequence_in_one_thread() -> None:
    model = Recording(GPTConfig.base(5))
    predictor = ModelPredictor(model)
    predictor.step(np.ones(1, dtype=np.int64), predictor.start(np.ones((1, 1), dtype=np.int64))[1])
    assert model.threads == [1]
