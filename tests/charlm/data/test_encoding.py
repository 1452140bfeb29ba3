import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.encoding import encode_joined, split_joined
from chartok import UnknownCharacterError, Vocabulary
from strategies import any_text


@given(st.lists(any_text), st.sampled_from([None, 1]), st.sampled_from([None, 0]))
def test_texts_joined_are_each_text_by_itself_between_its_ends(
    texts: list[str], bos: int | None, eos: int | None
) -> None:
    vocabulary = Vocabulary.from_text(["ab", *texts])
    ids, lengths = encode_joined(vocabulary, texts, bos=bos, eos=eos)
    before, after = ([] if token_id is None else [token_id] for token_id in (bos, eos))
    expected = [[*before, *vocabulary.encode(text).tolist(), *after] for text in texts]
    assert [part.tolist() for part in split_joined(ids, lengths)] == expected
    assert ids.dtype == vocabulary.dtype


def test_an_unknown_character_is_named_with_its_text_and_place() -> None:
    vocabulary = Vocabulary("ab")
    with pytest.raises(UnknownCharacterError, match=r"texts\[2\]\[1\]"):
        encode_joined(vocabulary, ["ab", "", "a?", "b"], bos=None, eos=None)
    with pytest.raises(UnknownCharacterError, match=r"text\[1\]"):
        encode_joined(vocabulary, ["a?"], bos=None, eos=None)
