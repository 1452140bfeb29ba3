import numpy as np
import pytest

from charlm import CharLM
from charlm.decoding.channel import Channel
from charlm.decoding.edit_table import AS_IT_IS, LEAST_KEPT, EditTable
from chartok import Vocabulary

CHANNEL = Channel(substitutions={"a": {"b": 0.2, "@": 0.1}, "x": {"b": 0.5}}, deletions={"b": 0.25}, insertions=0.1)


def test_the_dearest_edit_is_the_least_likely_that_can_be() -> None:
    channel = Channel(substitutions={"a": {"b": 0.2}, "x": {"b": 1e-9}}, deletions={"b": 0.25}, insertions=0.1)
    assert EditTable(channel, Vocabulary("ab")).dearest == pytest.approx(-np.log(0.05))
    assert EditTable(Channel(transpositions=0.01), Vocabulary("ab")).dearest == pytest.approx(-np.log(0.01))


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        (Channel.spaces(), "the channel has no edits of the symbols of this model"),
        (Channel(substitutions={"x": {"a": 0.1}}), "the channel has no edits of the symbols of this model"),
        (Channel(substitutions={"a": {"bb": 0.1}}), "has edits of 'bb', which is no symbol of this model"),
        (Channel(substitutions={"bb": {"a": 0.1}}), "has edits of 'bb', which is no symbol of this model"),
        (Channel(insertions={"--": 0.1, "a": 0.1}), "has edits of '--', .*: each side of an edit must be one symbol"),
    ],
)
def test_a_channel_that_cannot_concern_the_vocabulary_is_refused(channel: Channel, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EditTable(channel, Vocabulary("ab"))
    lm = CharLM.fit(["ab", "ba"], order=2)
    with pytest.raises(ValueError, match=message):
        lm.correct("ab", channel=channel)
    EditTable(channel, Vocabulary(["x", " ", "a", "bb", "--"]))


def causes(table: EditTable, row: int) -> dict[int, float]:
    """Returns the probability of each cause of the symbol of a row, by what is written for it."""
    here = slice(table.starts[row], table.starts[row + 1])
    return dict(zip(table.cause_codes[here].tolist(), np.exp(table.cause_logs[here]).tolist(), strict=True))


def test_a_row_has_the_causes_of_a_symbol_that_the_vocabulary_has() -> None:
    table = EditTable(CHANNEL, Vocabulary("ab", special_tokens=["unk"]))
    rows = [row.tolist() for row in table.rows_of([["a", "b"], ["@", "a"]])]
    assert rows == [[0, 1], [2, 0]]
    assert causes(table, 0) == pytest.approx({0: 0.7 * 0.9})
    assert causes(table, 1) == pytest.approx({1: 0.75 * 0.9, 0: 0.2 * 0.9})
    assert causes(table, 2) == pytest.approx({AS_IT_IS - 2: 0.9, 0: 0.1 * 0.9})
    assert table.cause_ids.tolist() == [0, 1, 0, 2, 0]  # a symbol that is unknown is unk to the model
    assert np.exp(table.row_insertions).tolist() == pytest.approx([0.05, 0.05, 0])
    assert np.exp(table.deletions).tolist() == pytest.approx([0, 0.25 * 0.9, 0])


def test_any_symbol_may_have_been_itself() -> None:
    table = EditTable(Channel(substitutions={"a": {"b": 1.0}}), Vocabulary("ab"))
    table.rows_of([["a"]])
    assert causes(table, 0) == pytest.approx({0: np.exp(LEAST_KEPT)})
