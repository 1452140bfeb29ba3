"""Special tokens of one's own names, and ids that the user gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import Vocabulary, VocabularyError

names = st.lists(st.sampled_from(["pad", "bos", "eos", "unk", "<mask>", "sep", "\u00e9 \ud800"]), unique=True)


@given(st.lists(st.sampled_from(["a", "b", "Cl", "d"]), unique=True), names, st.data())
def test_special_tokens_have_the_ids_given_and_symbols_the_others(
    symbols: list[str], chosen: list[str], data: st.DataObject
) -> None:
    places = data.draw(st.permutations(range(len(symbols) + len(chosen))))[: len(chosen)]
    special = dict(zip(chosen, places, strict=True))
    vocabulary = Vocabulary(symbols, special_tokens=special)
    assert vocabulary.special_tokens == special
    assert list(vocabulary.special_tokens.values()) == sorted(places)
    assert vocabulary.symbols == tuple(symbols)
    others = sorted(set(range(vocabulary.size)) - set(places))
    assert [vocabulary.id_of(symbol) for symbol in symbols] == others
    assert vocabulary.decode(range(vocabulary.size)).replace("\ufffd", "") == "".join(symbols)
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


def test_padding_can_be_zero() -> None:
    vocabulary = Vocabulary.from_text("cab", special_tokens={"pad": 0, "eos": 1, "<mask>": 2})
    assert vocabulary.to_dict()["tokens"] == ["pad", "eos", "<mask>", 97, 98, 99]
    ids, _ = vocabulary.encode_batch(["ab", "c"], eos=True)
    assert ids.tolist() == [[3, 4, 1], [5, 1, 0]]


@pytest.mark.parametrize(
    ("special", "error", "message"),
    [
        ("pad", TypeError, "must be a list of names, got the str 'pad'"),
        (5, TypeError, "must be a list of names, got int"),
        (["pad", "pad"], VocabularyError, r"special_tokens\[1\] repeats 'pad'"),
        ([5], VocabularyError, r"special_tokens\[0\] must be a name, .* got 5"),
        ([""], VocabularyError, r"special_tokens\[0\] must be a name"),
        (["<pad>"], VocabularyError, "'<pad>', which looks like the role pad: write 'pad'"),
        (["EOS"], VocabularyError, "looks like the role eos"),
        ({"pad": 0, "eos": 0}, VocabularyError, "gives id 0 to both 'pad' and 'eos'"),
        ({"pad": 4}, VocabularyError, r"special_tokens\['pad'\] is 4, which leaves a gap: 3 symbols and 1 special"),
        ({"pad": -1}, ValueError, r"special_tokens\['pad'\] must be at least 0"),
        ({"pad": 1.0}, TypeError, r"special_tokens\['pad'\] must be an integer, got float"),
    ],
)
def test_special_tokens_that_are_not_sound_are_refused(special: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Vocabulary("abc", special_tokens=special)


def test_what_is_added_gets_the_next_ids() -> None:
    with pytest.raises(TypeError, match="gets the next ids"):
        Vocabulary("abc").extend("d", special_tokens={"pad": 0})
