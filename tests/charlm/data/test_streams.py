"""A dataset over files is the dataset over memory."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from charlm import BatchSampler, BigramLanguageModel, TextDataset, evaluate
from charlm.data import streams
from charlm.data.streams import MemoryStream
from chartok import TokenFile, TokenFileError, Vocabulary
from strategies import costly
from token_files import write

VOCABULARY = Vocabulary("abcdefghij")


@pytest.fixture(params=[0, streams.KEPT_BYTES], ids=["read", "kept"], autouse=True)
def kept_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEPT_BYTES", request.param)


@settings(costly(), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=5), st.data())
def test_shards_behave_as_one_stream(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[list[int]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    ids = [i for piece in pieces for i in piece]
    shards = [TokenFile(write(folder / str(n), piece, VOCABULARY)) for n, piece in enumerate(pieces)]
    block_size, stride = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    if len(ids) < block_size + 1:
        with pytest.raises(ValueError, match="at least"):
            TextDataset(shards, block_size)
        return
    memory, files = TextDataset(ids, block_size, stride=stride), TextDataset(shards, block_size, stride=stride)
    assert len(memory) == len(files)
    assert files.ids.tolist() == ids
    everything = torch.arange(len(files))
    assert torch.equal(files.windows(everything).long(), memory.windows(everything))
    assert [x.tolist() for x, _ in files] == [x.tolist() for x, _ in memory]  # type: ignore[attr-defined]
    if len(ids) > 2 * (block_size + 1):
        for part, expected in zip(files.split(0.5), memory.split(0.5), strict=True):
            assert part.ids.tolist() == expected.ids.tolist()
            assert torch.equal(part.windows(torch.tensor([0])).long(), expected.windows(torch.tensor([0])))


def test_windows_are_as_wide_as_asked_while_another_thread_asks_for_others() -> None:
    class Disturbed(MemoryStream):
        """A stream of which another thread asks for wider windows whenever its rows are exchanged."""

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "_rows" and value.shape[1] == 2:
                self.windows(torch.tensor([0]), 5)

    stream = Disturbed(torch.arange(10))
    assert stream.windows(torch.tensor([3]), 2).tolist() == [[3, 4]]


def test_a_read_asks_the_files_alone_that_hold_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = [TokenFile(write(tmp_path / str(n), [n % 10] * 4, VOCABULARY)) for n in range(50)]
    stream = TextDataset(shards, block_size=1).stream
    asked = list[str]()
    monkeypatch.setattr(TokenFile, "__len__", lambda shard: asked.append(shard.path) or 4)  # type: ignore[func-returns-value]
    assert stream.read(81, 86).tolist() == [0, 0, 0, 1, 1]
    assert set(asked) == {shards[20].path, shards[21].path}


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 6), (6, 6)])
def test_reading_outside_a_part_of_the_files_is_refused(tmp_path: Path, start: int, stop: int) -> None:
    shards = [TokenFile(write(tmp_path / name, [0, 1, 2, 3], VOCABULARY)) for name in "ab"]
    _, part = TextDataset(shards, block_size=1).split(0.375)
    assert part.stream.read(0, 5).tolist() == [3, 0, 1, 2, 3]
    with pytest.raises(IndexError, match=f"ids {start} to {stop} are out of range: the stream has 5 ids"):
        part.stream.read(start, stop)


@settings(costly(), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(3, 60), st.integers(1, 8), st.integers(1, 9))
def test_a_stride_steps_over_windows_and_never_past_the_end(length: int, block_size: int, stride: int) -> None:
    if length <= block_size:
        return
    dataset = TextDataset(range(length), block_size, stride=stride)
    starts = [i for i in range(length - block_size) if i % stride == 0]
    assert [dataset[i][0][0].item() for i in range(len(dataset))] == starts


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_data_loader_gives_the_same_windows_with_any_number_of_workers(tmp_path: Path, workers: int) -> None:
    tokens = TokenFile(write(tmp_path / "a", np.arange(60) % 10, VOCABULARY))
    loader = DataLoader(TextDataset(tokens, 8), batch_size=5, num_workers=workers)
    inputs = torch.cat([x for x, _ in loader])
    assert torch.equal(inputs, (torch.arange(60) % 10).unfold(0, 8, 1)[:52])


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_dataset_in_use_is_pickled_as_its_ids_alone(tmp_path: Path, kind: str) -> None:
    ids = np.arange(5000, dtype=np.uint8) % 10
    source: Any = ids if kind == "memory" else TokenFile(write(tmp_path / "a", ids, VOCABULARY))
    _, dataset = TextDataset(source, 64).split(0.2)
    dataset.windows(torch.tensor([0]))
    pickled = pickle.dumps(dataset)
    assert len(pickled) < 10_000
    assert torch.equal(pickle.loads(pickled).ids, dataset.ids)  # noqa: S301 - our own bytes


@pytest.mark.parametrize("damage", [lambda p: os.truncate(p, 100), lambda p: p.unlink(), lambda p: p.write_bytes(b"x")])
def test_a_file_that_changes_in_use_is_an_error_in_the_sampler(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    path = write(tmp_path / "a", np.arange(60) % 10, VOCABULARY)
    batches = BatchSampler(TextDataset(TokenFile(path), 8), batch_size=2)
    next(batches)
    damage(path)
    with pytest.raises(TokenFileError, match="changed since it was opened"):
        next(batches)


def test_shards_of_different_vocabularies_are_refused(tmp_path: Path) -> None:
    shards = [TokenFile(write(tmp_path / name, [0, 0, 0], Vocabulary(name))) for name in "ab"]
    with pytest.raises(ValueError, match="must have the same vocabulary"):
        TextDataset(shards, block_size=1)


def test_a_file_of_a_larger_vocabulary_than_the_models_is_refused(tmp_path: Path) -> None:
    tokens = TokenFile(write(tmp_path / "a", [0, 0, 0], VOCABULARY))
    with pytest.raises(ValueError, match="the data has a vocabulary of 10 ids, but the model has only 9"):
        evaluate(BigramLanguageModel(9), TextDataset(tokens, block_size=1))


def test_fingerprints_tell_streams_and_cuts_apart(tmp_path: Path) -> None:
    tokens = TokenFile(write(tmp_path / "a", np.arange(60) % 10, VOCABULARY))
    datasets = [
        TextDataset(np.arange(60) % 10, 4),
        TextDataset(np.arange(60) % 9, 4),
        TextDataset(np.arange(60) % 10, 5),
        TextDataset(np.arange(60) % 10, 4, stride=2),
        TextDataset(tokens, 4),
        *TextDataset(tokens, 4).split(0.5),
    ]
    assert len({dataset.fingerprint() for dataset in datasets}) == len(datasets)
    assert TextDataset(torch.arange(60, dtype=torch.int32) % 10, 4).fingerprint() == datasets[0].fingerprint()


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(10)[::-1],
        np.arange(20, dtype=np.uint8)[::-2],
        np.arange(10, dtype=">i4"),
        np.arange(10, dtype=">u2")[::-1],
        np.frombuffer(bytes(range(10)), dtype=np.uint8),
    ],
    ids=["reversed", "every other one reversed", "big-endian", "big-endian reversed", "read-only"],
)
def test_an_array_that_a_tensor_cannot_share_is_copied(ids: Any) -> None:
    assert TextDataset(ids, block_size=3).ids.tolist() == ids.tolist()


@pytest.mark.parametrize("step", [1, 2])
def test_an_array_that_a_tensor_can_share_is_not_copied(step: int) -> None:
    ids = np.arange(20)[::step]
    assert np.shares_memory(TextDataset(ids, block_size=3).ids.numpy(), ids)
