"""Promises of the protocol that both data sets keep, and of texts in one array."""

from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from charlm import BigramLanguageModel, RecordDataset, TextDataset, evaluate
from charlm.data.dataset import JoinedTexts, SupportsParts, grouped, holds_texts
from chartok import Vocabulary

if TYPE_CHECKING:
    from charlm.data.dataset import CompleteDataset

streams = st.builds(
    TextDataset, st.lists(st.integers(0, 2), min_size=3, max_size=60), st.integers(1, 2), stride=st.integers(1, 3)
)
VOCABULARY = Vocabulary("ab", special_tokens=["bos", "eos"])
lines = st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=9)
datasets = st.one_of(streams, st.builds(RecordDataset, lines, st.just(VOCABULARY)))


def targets_with_their_contexts(ids: list[int], length: int) -> list[tuple[list[int], int]]:
    return [(ids[:end], ids[end]) for end in range(1, length)]


@given(datasets, st.one_of(st.none(), st.integers(1, 80)), st.integers(0, 20))
def test_pieces_cover_every_target_once_with_what_came_before(
    dataset: "CompleteDataset", targets: int | None, overlap: int
) -> None:
    ids, lengths = dataset.joined()
    expected = [
        found
        for text, length in zip(np.split(ids, lengths.cumsum()[:-1]), lengths, strict=True)
        for found in targets_with_their_contexts(text.tolist(), length)
    ]
    place = 0
    for piece, piece_lengths, counts, _ in dataset.pieces(targets, overlap):
        assert piece_lengths.sum() == len(piece)
        assert len(counts) == len(piece) - len(piece_lengths)
        found = [
            pair
            for text, length in zip(np.split(piece, piece_lengths.cumsum()[:-1]), piece_lengths, strict=True)
            for pair in targets_with_their_contexts(text.tolist(), length)
        ]
        for context, target in compress(found, counts.tolist()):
            whole, expected_target = expected[place]
            assert target == expected_target
            assert whole[len(whole) - len(context) :] == context
            assert len(context) >= min(overlap + 1, len(whole))
            place += 1
    assert place == len(expected) == (lengths - 1).sum()


@given(datasets)
def test_a_data_set_keeps_the_protocol(dataset: "CompleteDataset") -> None:
    inputs, targets = dataset.batch(torch.arange(len(dataset)), torch.device("cpu"))
    assert inputs.shape == targets.shape == (len(dataset), dataset.block_size)
    assert inputs.dtype == targets.dtype == torch.int64
    assert dataset.has_ignored_targets or (targets >= 0).all()
    dataset.check_ids(4)
    with pytest.raises(ValueError, match=r"ids\[\d+\] is|vocabulary of 4 ids"):
        dataset.check_ids(int(max(dataset.joined()[0])))
    assert len(dataset.fingerprint()) == 64
    assert holds_texts(dataset)


@given(datasets)
def test_an_epoch_has_about_as_many_targets_as_the_data(dataset: "CompleteDataset") -> None:
    _, lengths = dataset.joined()
    targets = int((lengths - 1).sum())
    if dataset.has_ignored_targets:
        assert dataset.examples_per_epoch == len(lengths)
    elif dataset.examples_per_epoch < len(dataset):
        assert 0 <= dataset.examples_per_epoch * dataset.block_size - targets < dataset.block_size


def test_an_epoch_of_windows_that_do_not_meet_has_all_of_them() -> None:
    assert TextDataset(range(100), block_size=4, stride=9).examples_per_epoch == 11
    assert TextDataset(range(100), block_size=4, stride=4).examples_per_epoch == 24
    assert TextDataset(range(100), block_size=4).examples_per_epoch == 25
    assert TextDataset(range(5), block_size=4).examples_per_epoch == 1


@given(datasets, st.integers(1, 80))
def test_a_score_does_not_depend_on_how_the_pieces_are_cut(dataset: "CompleteDataset", targets: int) -> None:
    ids, lengths = dataset.joined()
    assume((np.delete(ids, lengths.cumsum() - lengths) != 2).any())
    model = BigramLanguageModel(4, seed=1, context_only=[2])
    expected = evaluate(model.requires_grad_(requires_grad=False), dataset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("charlm.evaluation.scoring.TARGETS_AT_ONCE", targets)
        again = evaluate(model, dataset)
    assert again.characters == expected.characters
    assert again.nats_per_character == pytest.approx(expected.nats_per_character)


@pytest.mark.parametrize("dataset", [TextDataset(range(40), 3), RecordDataset(["ada", "bob", "eve", "kim"] * 5)])
def test_parts_are_data_sets_of_the_same_kind_and_make_the_whole(dataset: "CompleteDataset") -> None:
    parts = dataset.split(0.5, seed=3)
    assert [type(part) for part in parts] == [type(dataset)] * 2
    ids = np.concatenate([part.joined()[0] for part in parts])
    assert sorted(ids.tolist()) == sorted(dataset.joined()[0].tolist())
    assert [part.fingerprint() for part in parts] == [part.fingerprint() for part in dataset.split(0.5, seed=3)]


def test_a_split_of_records_draws_with_numpy_and_leaves_the_generators_alone() -> None:
    dataset = RecordDataset(list("abcdefghij"))
    before, of_torch = str(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002 - it is to stay
    first, _ = dataset.split(0.5, seed=1)
    assert str(np.random.get_state()) == before  # noqa: NPY002 - as it was
    assert torch.equal(torch.get_rng_state(), of_torch)
    assert dataset.split(0.5, seed=2)[0].fingerprint() != first.fingerprint()


def test_joined_texts_are_texts_of_their_own() -> None:
    joined: SupportsParts = JoinedTexts(np.array([0, 1, 2]), np.array([2, 0, 1]))
    assert list(joined.parts(1)) == [joined]
    assert holds_texts(joined)
    assert not holds_texts([0, 1])


@given(st.lists(st.integers(0, 4)))
def test_groups_are_what_has_the_same_key_in_its_order(keys: list[int]) -> None:
    groups = {key: places.tolist() for key, places in grouped(np.arange(len(keys)), np.array(keys, dtype=np.int64))}
    assert list(groups) == sorted(set(keys))
    assert groups == {key: [place for place, other in enumerate(keys) if other == key] for key in keys}
