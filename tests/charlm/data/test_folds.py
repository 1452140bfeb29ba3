"""Promises of folds, by counting every n-gram with its place."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import RecordDataset, TextDataset
from charlm.data.folds import Folds
from charlm.data.record_texts import records_of_texts
from charlm.models.counting.counts import NGramCounts
from chartok import Vocabulary
from strategies import costly

FOLDS = 5
ORDER = 3
VOCABULARY = Vocabulary("abc", special_tokens=["bos", "eos"])

Ngrams = Counter[tuple[int, ...]]


class Case(NamedTuple):
    """A stream of ids, its passages and its windows."""

    ids: list[int]
    passages: list[tuple[int, int]]
    block_size: int
    stride: int

    @property
    def dataset(self) -> TextDataset:
        return TextDataset(self.ids, self.block_size, passages=self.passages, stride=self.stride)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Texts of one or more passages, one of them long enough for a window."""
    ids = draw(st.lists(st.integers(0, 3), min_size=2, max_size=40))
    cuts = sorted(draw(st.sets(st.integers(0, len(ids)), max_size=6)) | {0, len(ids)})
    passages = [pair for pair in pairwise(cuts) if draw(st.booleans())] or [(0, len(ids))]
    longest = max(stop - start for start, stop in passages)
    if longest < 2:
        passages, longest = [(0, len(ids))], len(ids)
    return Case(ids, passages, draw(st.integers(1, longest - 1)), draw(st.integers(1, 3)))


def ngrams_ending_at(case: Case, place: int) -> Iterable[tuple[int, ...]]:
    """The n-grams of a passage that end at a place of the stream."""
    (start,) = [start for start, stop in case.passages if start <= place < stop]
    return [tuple(case.ids[first : place + 1]) for first in range(max(start, place + 1 - ORDER), place + 1)]


def counted(texts: Any) -> Ngrams:
    """How often each n-gram occurs, by the n-gram."""
    counts = NGramCounts.from_tokens(texts, vocab_size=VOCABULARY.size, order=ORDER)
    names: list[tuple[int, ...]] = [()]
    for key in counts.keys.tolist():
        parent, last = divmod(key, VOCABULARY.size)
        names.append((*names[parent], last))
    return Counter(dict(zip(names[1:], counts.counts.tolist(), strict=True)))


def removed(folds: Folds, fold: int) -> Ngrams:
    """What is counted of a fold."""
    texts, before = folds.texts[fold]
    found = counted(texts)
    if before is not None:
        found.subtract(counted(before))
    return +found


@given(cases(), st.integers(1, 9))
def test_a_window_is_counted_in_its_fold_with_all_that_ends_in_its_targets(case: Case, number: int) -> None:
    dataset = case.dataset
    folds = dataset.folds(number, context=ORDER - 1)
    of = folds.of(np.arange(len(dataset)))
    starts = dataset._starts(torch.arange(len(dataset))).tolist()
    for fold in set(of.tolist()):
        gone = removed(folds, fold)
        places = {
            place
            for window in np.flatnonzero(of == fold)
            for place in range(starts[window] + 1, starts[window] + case.block_size + 1)
        }
        own = Counter(ngram for place in places for ngram in ngrams_ending_at(case, place))
        assert own <= gone


@given(cases(), st.integers(1, 9))
def test_what_is_counted_of_a_fold_is_what_ends_in_it_and_in_its_last_window(case: Case, number: int) -> None:
    folds = case.dataset.folds(number, context=ORDER - 1)
    places = [place for start, stop in case.passages for place in range(start, stop)]
    bounds = [len(places) * fold // number for fold in range(number + 1)]
    for fold, (start, stop) in enumerate(pairwise(bounds)):
        own = Counter(
            ngram for place in places[start : stop + case.block_size] for ngram in ngrams_ending_at(case, place)
        )
        assert removed(folds, fold) == own


@given(cases(), st.integers(1, 9))
def test_every_window_is_in_one_fold_and_folds_follow_the_text(case: Case, number: int) -> None:
    dataset = case.dataset
    folds = dataset.folds(number, context=ORDER - 1)
    of = folds.of(np.arange(len(dataset)))
    assert len(folds.texts) == number
    assert of.dtype == np.int64
    assert (np.diff(of) >= 0).all()
    assert of.min() >= 0
    assert of.max() < number
    shuffled = np.random.default_rng(0).permutation(len(dataset))
    assert np.array_equal(folds.of(shuffled), of[shuffled])


def test_folds_of_a_text_have_about_the_same_size() -> None:
    dataset = TextDataset(np.zeros(1007, dtype=np.uint8), block_size=7)
    sizes = np.bincount(dataset.folds(FOLDS, context=2).of(np.arange(len(dataset))))
    assert sizes.tolist() == [201, 201, 202, 201, 195]


texts_of_records = st.text("abc", min_size=1, max_size=5)
records = st.lists(texts_of_records, min_size=1, max_size=12)


@given(records, st.sampled_from([1, 2, 3, 8]))
def test_a_record_is_in_one_fold_with_its_like_and_with_all_of_its_windows(texts: list[str], block_size: int) -> None:
    dataset = RecordDataset(texts, VOCABULARY, block_size=block_size)
    folds = dataset.folds(FOLDS, context=ORDER - 1)
    of = folds.of(np.arange(len(dataset)))
    total = Counter[tuple[int, ...]]()
    for fold in range(FOLDS):
        gone = removed(folds, fold)
        total += gone
        assert counted(folds.texts[fold].texts) == gone  # nothing comes before
    assert total == counted(dataset)
    of_texts: dict[tuple[int, ...], set[int]] = {}
    for index in range(len(dataset)):
        inputs, targets = dataset[index]
        window = (*inputs[:1].tolist(), *targets.tolist())
        assert all(ngram in removed(folds, int(of[index])) for ngram in {window[:ORDER], window[-ORDER:]})
        if block_size == 8:  # a window is a record
            of_texts.setdefault(window, set()).add(int(of[index]))
    assert all(len(found) == 1 for found in of_texts.values())


@costly()
@given(st.dictionaries(texts_of_records, st.integers(1, 9), min_size=1, max_size=12))
def test_a_record_that_counts_several_times_is_in_one_fold(times: dict[str, int]) -> None:
    weighted, _ = records_of_texts(times, VOCABULARY)
    weighted.weights = np.array(list(times.values()))
    dataset = RecordDataset.of(weighted, VOCABULARY, block_size=8)
    folds = dataset.folds(FOLDS, context=ORDER - 1)
    total = Counter[tuple[int, ...]]()
    for fold in range(FOLDS):
        total += removed(folds, fold)
    assert total == counted(dataset) == counted(weighted)
    of = folds.of(np.arange(len(dataset)))
    windows = [tuple(dataset[index][0].tolist()) for index in range(len(dataset))]
    assert len(set(zip(windows, of.tolist(), strict=True))) == len(times)


def test_folds_of_records_have_about_the_same_size() -> None:
    texts = [np.base_repr(number, 3).translate({48: "a", 49: "b", 50: "c"}) for number in range(5000)]
    dataset = RecordDataset(texts, VOCABULARY)
    sizes = np.bincount(dataset.folds(FOLDS, context=2).of(np.arange(len(dataset))), minlength=FOLDS)
    assert sizes.min() > 900
    assert sizes.max() < 1100


@pytest.mark.parametrize("packing", [False, True])
def test_records_on_disk_have_the_folds_of_those_in_memory(tmp_path: Any, packing: bool) -> None:
    texts = ["abc", "ab", "", "cab", "abc"] * 3
    path = tmp_path / "records.txt"
    path.write_text("\n".join(text or "c" for text in texts))
    in_memory = RecordDataset([text or "c" for text in texts], VOCABULARY, block_size=8)
    on_disk = RecordDataset.from_file(path, VOCABULARY, block_size=8)
    datasets: list[Any] = [each.packed(8) if packing else each for each in (in_memory, on_disk)]
    first, second = (each.folds(FOLDS, context=ORDER - 1) for each in datasets)
    indices = np.arange(len(datasets[0]))
    assert np.array_equal(first.of(indices), second.of(indices))
    assert [removed(first, fold) for fold in range(FOLDS)] == [removed(second, fold) for fold in range(FOLDS)]
