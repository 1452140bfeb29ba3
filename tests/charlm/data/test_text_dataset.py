from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from charlm import TextDataset
from chartok import TokenIdError


@given(st.lists(st.integers(0, 300), min_size=2, max_size=40), st.data())
def test_windows_are_slices_of_the_stream(ids: list[int], data: st.DataObject) -> None:
    block_size = data.draw(st.integers(1, len(ids) - 1))
    dataset = TextDataset(ids, block_size)
    slices = [(ids[i : i + block_size], ids[i + 1 : i + block_size + 1]) for i in range(len(ids) - block_size)]
    assert [(x.tolist(), y.tolist()) for x, y in (dataset[i] for i in range(len(dataset)))] == slices
    assert dataset[-1][1][-1] == ids[-1]
    indices = data.draw(st.lists(st.sampled_from(range(len(dataset))), min_size=1))
    inputs, targets = dataset.batch(torch.tensor(indices), torch.device("cpu"))
    assert inputs.tolist() == [slices[i][0] for i in indices]
    assert targets.tolist() == [slices[i][1] for i in indices]
    assert [(x.tolist(), y.tolist()) for x, y in dataset.__getitems__(indices)] == [slices[i] for i in indices]


@pytest.mark.parametrize("index", [3, -4])
def test_no_window_goes_past_the_end(index: int) -> None:
    with pytest.raises(IndexError, match=f"window {index} is out of range: the dataset has length 3"):
        TextDataset(range(5), block_size=2)[index]


def test_torchs_data_loader_takes_the_dataset() -> None:
    inputs, targets = next(iter(DataLoader(TextDataset(range(10), block_size=4), batch_size=3)))
    assert inputs.tolist() == [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]
    assert torch.equal(targets, inputs + 1)
    assert inputs.dtype == torch.int64


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int64])
def test_arrays_and_tensors_are_shared_and_keep_their_dtype(dtype: Any) -> None:
    array = np.arange(10, dtype=dtype)
    for ids in (array, torch.from_numpy(array)):
        dataset = TextDataset(ids, block_size=2)
        train, validation = dataset.split(0.5)
        array[7] = 42
        assert dataset[7][0].tolist() == [42, 8]
        assert validation[2][0].tolist() == [42, 8]
        assert train.ids.dtype == torch.from_numpy(array).dtype
        array[7] = 7


def test_a_read_only_array_is_taken_without_a_warning() -> None:
    ids = np.arange(10)
    ids.flags.writeable = False
    assert TextDataset(ids, block_size=3)[0][0].tolist() == [0, 1, 2]


def test_windows_are_on_the_device_of_the_ids(device: torch.device) -> None:
    dataset = TextDataset(torch.arange(10, device=device), block_size=2)
    assert dataset[0][0].device == device
    assert dataset.windows(torch.tensor([1, 2])).device == device
    assert TextDataset(torch.empty(10, dtype=torch.int64, device="meta"), 2).windows(torch.tensor([0])).is_meta


@given(st.integers(4, 200), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_split_cuts_once_and_loses_nothing(length: int, fraction: float) -> None:
    cut = int(fraction * length)
    if min(cut, length - cut) < 2:
        with pytest.raises(ValueError, match="need 2"):
            TextDataset(range(length), block_size=1).split(fraction)
    else:
        train, validation = TextDataset(range(length), block_size=1).split(fraction)
        assert train.ids.tolist() + validation.ids.tolist() == list(range(length))
        assert len(train.ids) == cut


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), float("inf")])
def test_a_split_fraction_outside_0_and_1_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction must be"):
        TextDataset(range(100), block_size=2).split(fraction)


@pytest.mark.parametrize("fraction", ["0.9", None, True])
def test_a_split_fraction_is_a_number(fraction: Any) -> None:
    with pytest.raises(TypeError, match="fraction must be a number"):
        TextDataset(range(100), block_size=2).split(fraction)


@pytest.mark.parametrize("length", [0, 1, 8])
def test_a_text_shorter_than_a_window_says_how_many_ids_are_needed(length: int) -> None:
    with pytest.raises(ValueError, match=rf"block_size 8 .* at least 9 ids, got {length}"):
        TextDataset(range(length), block_size=8)


@pytest.mark.parametrize("ids", [[1.0, 2.0], [True, False], torch.tensor([1.0]), torch.tensor([True]), "abc", 5])
def test_ids_that_are_no_integers_are_refused(ids: Any) -> None:
    with pytest.raises(TypeError, match=r"must be.* integer"):
        TextDataset(ids, block_size=1)


@pytest.mark.parametrize("ids", [[0, -1], np.array([0, -1]), torch.tensor([0, -1])])
def test_negative_ids_are_refused(ids: Any) -> None:
    with pytest.raises(TokenIdError, match=r"ids\[1\] is -1"):
        TextDataset(ids, block_size=1)


@pytest.mark.parametrize("ids", [np.zeros((3, 3), dtype=int), torch.zeros(3, 3, dtype=torch.int64)])
def test_a_stream_has_one_dimension(ids: Any) -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        TextDataset(ids, block_size=1)


@pytest.mark.parametrize(
    ("block_size", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_block_size_is_a_positive_integer(block_size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="block_size must be"):
        TextDataset(range(10), block_size)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.integers(1, 3), st.data())
def test_a_start_takes_the_place_of_the_first_input_of_the_same_windows_however_they_are_read(
    ids: list[int], stride: int, data: st.DataObject
) -> None:
    block_size = data.draw(st.integers(1, len(ids) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("charlm.data.text_dataset.WINDOWS_PER_START", 3)
        plain = TextDataset(ids, block_size, stride=stride)
        begun = TextDataset(ids, block_size, stride=stride, bos=300)
        windows = [begun[index] for index in range(len(begun))]
        starts = [index for index, (inputs, _) in enumerate(windows) if inputs[0] == 300]
        for index, (inputs, targets) in enumerate(windows):
            assert targets.equal(plain[index][1])
            assert inputs[1:].equal(plain[index][0][1:])
            assert inputs[0] == (300 if index in starts else plain[index][0][0])
        indices = data.draw(st.lists(st.sampled_from(range(len(begun))), min_size=1))
        inputs, targets = begun.batch(torch.tensor(indices), torch.device("cpu"))
        assert [x.tolist() for x in inputs] == [windows[index][0].tolist() for index in indices]
        assert [y.tolist() for y in targets] == [windows[index][1].tolist() for index in indices]
        for index, (x, y) in zip(indices, begun.__getitems__(indices), strict=True):
            assert x.equal(windows[index][0])
            assert y.equal(windows[index][1])
    assert begun.ids.tolist() == ids
    assert plain.fingerprint() != begun.fingerprint()


def test_one_window_in_four_begins_with_the_start_and_no_target_is_one() -> None:
    dataset = TextDataset(np.zeros(100_000, dtype=np.uint8), block_size=2, bos=1)
    inputs, targets = dataset.batch(torch.arange(len(dataset)), torch.device("cpu"))
    assert inputs[:, 0].float().mean().item() == pytest.approx(1 / 4, rel=0.05)
    assert not inputs[:, 1:].any()
    assert not targets.any()


def test_parts_of_a_dataset_begin_with_the_start_as_the_whole_does() -> None:
    for how in ("tail", "random-blocks"):
        for part in TextDataset(np.zeros(4000, dtype=np.int64), block_size=2, bos=1).split(0.5, how=how):
            assert part.bos == 1
            assert part.batch(torch.arange(200), torch.device("cpu"))[0][:, 0].any()


def test_a_start_that_is_no_id_is_refused() -> None:
    with pytest.raises(ValueError, match="bos must be at least 0, got -1"):
        TextDataset([0, 1, 2], block_size=1, bos=-1)
    with pytest.raises(TypeError, match="bos must be an integer"):
        TextDataset([0, 1, 2], block_size=1, bos=0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bos must be below the size of the vocabulary, 3, got 3"):
        TextDataset([0, 1, 2], block_size=1, bos=3).check_ids(3)


@pytest.mark.parametrize(("fraction", "name"), [(0.2, "training"), (0.8, "validation")])
def test_a_part_of_a_split_that_is_shorter_than_a_block_is_named(fraction: float, name: str) -> None:
    with pytest.raises(ValueError, match=f"leaves 2 for the {name} part"):
        TextDataset(range(10), block_size=3).split(fraction)


@pytest.mark.parametrize(
    ("passages", "error", "message"),
    [
        (3, TypeError, "passages must be an iterable of pairs of a start and a stop, got int"),
        ([(0, 2), 3], TypeError, r"passages\[1\] must be a start and a stop, got 3"),
        (["ab"], TypeError, r"passages\[0\] must be a start and a stop, got 'ab'"),
        ([(0, 1, 2)], TypeError, r"passages\[0\] must be a start and a stop, got \(0, 1, 2\)"),
        ([(0, 2.0)], TypeError, r"passages\[0\] must be an integer, got float"),
        ([(0, 2), (1, 3)], ValueError, r"passages\[1\] must begin at 2 or later"),
        ([(0, 5)], ValueError, r"passages\[0\] must begin at 0 or later and end after that, at 4 or earlier"),
        ([], ValueError, "passages is empty"),
    ],
)
def test_what_are_no_passages_is_refused(passages: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        TextDataset([1, 2, 3, 4], block_size=1, passages=passages)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=40), st.integers(1, 12))
def test_the_parts_of_a_text_are_as_long_as_asked_and_the_whole_together(ids: list[int], at_once: int) -> None:
    parts = list(TextDataset(ids, block_size=1).parts(at_once))
    assert [part.ids.tolist() for part in parts] == [ids[i : i + at_once] for i in range(0, len(ids), at_once)]
    assert [part.continues for part in parts] == [True] * (len(parts) - 1) + [False]
