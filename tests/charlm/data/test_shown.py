"""Datasets and samplers show themselves without reading much, and without being changed by it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from charlm import BatchSampler, RecordDataset, TextDataset
from charlm.data.streams import FileStream
from chartok import TokenFile, Vocabulary, encode_file

HOSTILE = "</style><script>\u202e"


def test_a_dataset_says_how_much_it_has_and_shows_its_first_window() -> None:
    dataset = TextDataset(range(1000), block_size=8)
    assert repr(dataset) == "TextDataset(ids: 1,000, block size: 8, windows: 992)"
    html = dataset._repr_html_()
    assert "<td>0 1 2 3 4 5 6 7</td><td>1 2 3 4 5 6 7 8</td>" in html
    assert len(html) < 3000


def test_a_dataset_of_long_windows_shows_the_beginning() -> None:
    html = TextDataset(range(10_000), block_size=5000, stride=5)._repr_html_()
    assert "<td>0 1 2 3 4 5 6 7 8 9 10 11 \u2026</td>" in html
    assert "stride" in html
    assert len(html) < 3000


def test_records_are_shown_as_text_and_as_ids() -> None:
    dataset = RecordDataset([f"a{HOSTILE[-1]}", "<b>", *["abc"] * 5])
    assert repr(dataset) == "RecordDataset(records: 7, block size: 4, symbols: 6)"
    html = dataset._repr_html_()
    assert "<td>aU+202E</td><td>6 2 5</td><td>2 5 7</td>" in html
    assert "<td>&lt;b&gt;</td>" in html
    assert html.count("abc") == 1  # three examples in all
    windows = RecordDataset(["abcdefgh"], block_size=3)
    assert "examples: 3" in repr(windows)


def token_file(folder: Path) -> Path:
    (folder / "text.txt").write_text("the cat sat on the mat. " * 100, encoding="utf-8")
    vocabulary = Vocabulary.from_file(folder / "text.txt")
    encode_file(folder / "text.txt", folder / "text.tokens", vocabulary)
    return folder / "text.tokens"


def test_a_file_is_not_read_to_show_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    once = FileStream.read

    def counted(self: FileStream, start: int, stop: int) -> Tensor:
        read.append(stop - start)
        return once(self, start, stop)

    monkeypatch.setattr(FileStream, "read", counted)
    with TokenFile(token_file(tmp_path)) as tokens:
        dataset = TextDataset(tokens, block_size=8)
        assert "<td>0</td>" in dataset._repr_html_()
        assert "<td>" in BatchSampler(dataset, batch_size=4)._repr_html_()
    assert read == [9] * 4


def test_a_dataset_whose_file_is_closed_says_so_and_shows_the_rest(tmp_path: Path) -> None:
    with TokenFile(token_file(tmp_path)) as tokens:
        dataset = TextDataset(tokens, block_size=8)
    html = dataset._repr_html_()
    assert "2,400" in html
    assert "no example can be read" in html


@pytest.mark.parametrize("order", ["random", "shuffled", "sequential"])
def test_a_sampler_shows_its_first_batch_and_stays_where_it_is(order: Any) -> None:
    dataset = TextDataset(range(1000), block_size=4, stride=5)
    sampler, other = (BatchSampler(dataset, batch_size=4, seed=7, order=order) for _ in range(2))
    inputs, targets = next(other)
    first = [
        f"<td>{' '.join(map(str, ids.tolist()))}</td>" for pair in zip(inputs, targets, strict=True) for ids in pair
    ]
    for drawn in range(3):
        html = sampler._repr_html_()
        assert [cell in html for cell in first] == [True] * 6 + [False] * 2
        assert f"<td>{drawn}</td>" in html
        assert torch.equal(next(sampler)[0], inputs if drawn == 0 else next(other)[0])
    assert repr(sampler) == (
        f"BatchSampler(dataset: TextDataset, 200 examples, batch size: 4, order: {order}, seed: 7, device: cpu, "
        "batches drawn: 3)"
    )


def test_a_sampler_by_length_and_of_several_processes_shows_its_own_rows() -> None:
    records = RecordDataset(["a" * length for length in range(1, 40)])
    sampler = BatchSampler(records, batch_size=4, by_length=True, rank=1, world_size=2)
    assert "order: random, by length" in repr(sampler)
    assert "rank: 1 of 2" in repr(sampler)
    assert sampler._repr_html_().count("<tr>") == 7 + 1 + 2


class Numbers:
    """A dataset without single examples."""

    has_ignored_targets = False
    examples_per_epoch = 1 << 20

    def __len__(self) -> int:
        return 1 << 20

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        raise AssertionError(f"{len(indices)} examples were read on {device}")

    def check_ids(self, size: int) -> None: ...

    def fingerprint(self) -> str:
        raise AssertionError("the fingerprint was computed")


def test_a_sampler_of_a_dataset_of_ones_own_reads_no_batch_of_it() -> None:
    assert "Numbers, 1,048,576 examples" in BatchSampler(Numbers(), batch_size=4)._repr_html_()


def test_a_large_batch_is_not_drawn_to_show_three_rows_of_it() -> None:
    dataset = TextDataset(np.zeros(100, dtype=np.uint8), block_size=4)
    assert "<td>0 0 0 0</td>" not in BatchSampler(dataset, batch_size=1 << 20)._repr_html_()
