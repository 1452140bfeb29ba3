"""Branches say what their texts say, however they came to be side by side."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decoding.branches import Asked, Branches
from chartok import Vocabulary
from decoders import LETTERS, counted, transformer
from strategies import costly


def after(lm: CharLM, ids: list[int]) -> Any:
    """Returns the log-probabilities that a growing text has for each letter."""
    text = lm.vocabulary.decode(ids)
    state = lm.start(text)
    return [state.extend(letter).log_probability - state.log_probability for letter in LETTERS]


@costly(15)
@given(data=st.data(), order=st.integers(0, 4), roles=st.sampled_from([[], ["bos"], ["bos", "eos", "unk"]]))
def test_branches_say_what_growing_texts_say(data: st.DataObject, order: int, roles: Any) -> None:
    lm = counted(Vocabulary(LETTERS, special_tokens=roles), order) if order else transformer(roles, 4)
    branches, texts = Branches.at_start(Asked(lm.vocabulary, lm.predictor), 2), [list[int](), list[int]()]
    letters = [lm.vocabulary.id_of(letter) for letter in LETTERS]
    for _ in range(data.draw(st.integers(1, 5))):
        rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=6)))
        ids = np.array(data.draw(st.lists(st.sampled_from([-1, *letters]), min_size=len(rows), max_size=len(rows))))
        expected_keys = branches.keys_after(rows, ids)
        longer = branches.followed(rows, ids)
        assert np.array_equal(longer.keys, expected_keys)
        longer_texts = [
            texts[row] + [token] * (token >= 0) for row, token in zip(rows.tolist(), ids.tolist(), strict=True)
        ]
        if data.draw(st.booleans()):
            branches, texts = branches.joined(longer), texts + longer_texts
        else:
            branches, texts = longer, longer_texts
        assert len(branches) == len(texts)
    for place, text in enumerate(texts):
        np.testing.assert_allclose(branches.log_probabilities[place][letters], after(lm, text), rtol=1e-4, atol=1e-4)
        for other, key in zip(texts, branches.keys, strict=True):
            width = None if order == 0 else order - 1
            recent = [
                ids[len(ids) - width :] if width is not None and len(ids) >= width else ids for ids in (text, other)
            ]
            if len(text) == len(other):
                assert (recent[0] == recent[1]) == (branches.keys[place] == key)
