import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.models.adaptive.histories import history_tables
from charlm.models.adaptive.logistic import LARGEST_LOGIT, ONE, squash_table, stretch_table
from charlm.models.adaptive.symbol_tree import symbol_tree


def test_the_tables_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256()
    for table in (squash_table(), stretch_table(), *history_tables()):
        digest.update(table.astype("<i8").tobytes())
    assert digest.hexdigest() == "9f96cc6f8f80903ea5b7cae06b94b2269a63360b00421616c29e2628b0a7a9c5"


def test_squashing_is_the_logistic_function() -> None:
    logits = np.arange(-LARGEST_LOGIT, LARGEST_LOGIT + 1) / 256
    assert np.abs(squash_table() - ONE / (1 + np.exp(-logits))).max() <= 1


def test_stretching_undoes_squashing_up_to_the_step_of_its_table() -> None:
    middles = (np.arange(len(stretch_table())) << 4) + 8
    back = squash_table()[stretch_table() + LARGEST_LOGIT]
    assert np.abs(back - middles).max() <= ONE / 4 / 256 + 1


def test_a_history_fits_in_a_byte_and_leads_to_histories() -> None:
    following, guesses = history_tables()
    assert len(following) == len(guesses) <= 256
    assert following.min() > 0
    assert following.max() < len(following)
    assert guesses[0] == ONE // 2


def test_a_history_expects_what_it_has_seen() -> None:
    following, guesses = history_tables()
    for bit in (0, 1):
        state = 0
        for _ in range(50):
            state = following[state, bit]
        assert abs(guesses[state] / ONE - bit) < 0.05


@given(st.lists(st.integers(0, 1 << 20), min_size=1, max_size=60).filter(any))
def test_each_path_of_a_tree_leads_to_its_id(weights: list[int]) -> None:
    tree = symbol_tree(np.array(weights))
    for token_id, weight in enumerate(weights):
        node = tree.start
        for step in range(tree.path_starts[token_id], tree.path_starts[token_id + 1]):
            assert tree.path_nodes[step] == node
            node = tree.branches[node, tree.path_bits[step]]
        assert node == (-1 - token_id if weight else tree.start)


@given(st.lists(st.integers(1, 1 << 20), min_size=2, max_size=200))
def test_a_tree_is_as_deep_as_its_weights_ask_for(weights: list[int]) -> None:
    tree = symbol_tree(np.array(weights))
    depths = np.diff(tree.path_starts)
    assert (depths <= np.log2(sum(weights) / np.array(weights)) + 2).all()
