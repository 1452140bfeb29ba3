from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import TokenIdError, UnknownCharacterError, Vocabulary
from chartok.codepoints import PIECE
from chartok.ragged import encode_joined, split_joined
from strategies import any_text, vocabularies


@given(vocabularies, st.lists(any_text), st.booleans(), st.booleans(), st.none() | st.integers(1, 12), st.data())
def test_a_batch_is_its_texts_one_by_one(
    vocabulary: Vocabulary, texts: list[str], bos: bool, eos: bool, max_length: int | None, data: st.DataObject
) -> None:
    vocabulary = vocabulary.extend("", special_tokens=["pad", "bos", "eos", "unk"])
    errors: Any = data.draw(st.sampled_from(["replace", "ignore"]))
    special = vocabulary.special_tokens
    rows = [
        ([special["bos"]] if bos else [])
        + vocabulary.encode(text, errors=errors).tolist()
        + ([special["eos"]] if eos else [])
        for text in texts
    ]
    rows = [row[:max_length] for row in rows]
    width = max(map(len, rows), default=0)
    ids, lengths = vocabulary.encode_batch(texts, bos=bos, eos=eos, max_length=max_length, errors=errors)
    assert ids.shape == (len(texts), width)
    assert ids.dtype == vocabulary.dtype
    assert lengths.tolist() == [len(row) for row in rows]
    assert ids.tolist() == [row + [special["pad"]] * (width - len(row)) for row in rows]
    assert vocabulary.decode_batch(ids) == [vocabulary.decode(row) for row in rows]
    assert vocabulary.decode_batch(rows) == [vocabulary.decode(row) for row in rows]


@given(st.lists(any_text).filter(any))
def test_decode_batch_undoes_encode_batch(texts: list[str]) -> None:
    vocabulary = Vocabulary.from_text(texts, special_tokens=["pad", "bos", "eos"])
    assert vocabulary.decode_batch(vocabulary.encode_batch(texts, bos=True, eos=True)[0]) == texts


def test_a_batch_is_made_of_any_iterable_of_texts() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["pad"])
    ids, lengths = vocabulary.encode_batch(text for text in ("ab", "b"))
    assert (ids.tolist(), lengths.tolist()) == ([[0, 1], [1, 2]], [2, 1])


def test_an_unknown_character_in_a_batch_is_named_with_its_text() -> None:
    vocabulary = Vocabulary("abc", special_tokens=["pad"])
    with pytest.raises(UnknownCharacterError, match=r"texts\[3\]\[1\] is U\+0078 'x'") as caught:
        vocabulary.encode_batch(["abc", "", "a", "cx", "x"])
    assert (caught.value.text_index, caught.value.position) == (3, 1)
    assert caught.value.vocabulary_size == vocabulary.size


def test_characters_that_are_ignored_count_in_no_row_of_a_batch() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["pad"])
    ids, lengths = vocabulary.encode_batch(["axb", "", "yb", "zz", "ba"], errors="ignore")
    assert ids.tolist() == [[0, 1], [2, 2], [1, 2], [2, 2], [1, 0]]
    assert lengths.tolist() == [2, 0, 1, 0, 2]


def test_one_long_text_among_short_ones_is_cut_before_the_rows_are_made() -> None:
    texts = ["a"] * 1000 + ["b" * 10_000_000]
    ids, lengths = Vocabulary("ab", special_tokens=["pad"]).encode_batch(texts, max_length=3)
    assert ids.shape == (1001, 3)
    assert lengths.tolist() == [1] * 1000 + [3]


def test_a_batch_of_equal_lengths_needs_no_pad_token() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["eos"])
    assert vocabulary.encode_batch(["ab", "ba"], eos=True)[0].tolist() == [[0, 1, 2], [1, 0, 2]]
    with pytest.raises(ValueError, match="need a pad token"):
        vocabulary.encode_batch(["a", "ba"])


@pytest.mark.parametrize(
    ("texts", "settings", "error", "message"),
    [
        ("abc", {}, TypeError, "texts must be an iterable of str, got a single str: put it in a list"),
        (b"abc", {}, TypeError, "texts must be an iterable of str, got bytes"),
        ([b"abc"], {}, TypeError, r"texts\[0\] must be a str, got bytes; decode the bytes first"),
        (["a", 5], {}, TypeError, r"texts\[1\] must be a str, got int"),
        (5, {}, TypeError, "texts must be an iterable of str, got int"),
        (["a"], {"bos": True}, ValueError, "the vocabulary has no bos token"),
        (["a"], {"eos": True}, ValueError, "the vocabulary has no eos token"),
        (["a"], {"max_length": 0}, ValueError, "max_length must be at least 1, got 0"),
        (["a"], {"max_length": 1.0}, TypeError, "max_length must be an int"),
        (["a"], {"errors": "replace"}, ValueError, "unk"),
    ],
)
def test_bad_batches_are_refused(texts: Any, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Vocabulary("abc").encode_batch(texts, **settings)


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2), ()])
def test_an_array_of_rows_has_two_dimensions(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two-dimensional"):
        Vocabulary("abc").decode_batch(np.zeros(shape, dtype=np.int64))


@pytest.mark.parametrize("bad", [-1, 3])
def test_decode_batch_names_the_id_that_is_out_of_range(bad: int) -> None:
    with pytest.raises(TokenIdError) as caught:
        Vocabulary("abc").decode_batch(np.array([[0, 1], [2, bad]]))
    assert (caught.value.token_id, caught.value.position, caught.value.vocabulary_size) == (bad, 3, 3)


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
    with pytest.raises(UnknownCharacterError, match=r"texts\[0\]\[1\]") as caught:
        encode_joined(vocabulary, ["a?"])
    assert (caught.value.text_index, caught.value.position) == (0, 1)


def test_a_single_text_is_named_without_an_index() -> None:
    vocabulary = Vocabulary("ab")
    with pytest.raises(UnknownCharacterError, match=r"^text\[1\]") as caught:
        encode_joined(vocabulary, "a?")
    assert caught.value.text_index is None
    ids, lengths = encode_joined(vocabulary, "ab", eos=1)
    assert (ids.tolist(), lengths.tolist()) == ([0, 1, 1], [3])


@given(st.lists(any_text), st.sampled_from([None, 1]), st.sampled_from([None, 0]))
@pytest.mark.parametrize("errors", ["replace", "ignore"])
def test_every_policy_gives_joined_texts_the_ids_of_each_by_itself(
    errors: Any, texts: list[str], bos: int | None, eos: int | None
) -> None:
    vocabulary = Vocabulary("ab\u00e9\U0001f600", special_tokens=["unk"])
    ids, lengths = encode_joined(vocabulary, texts, errors, bos=bos, eos=eos)
    before, after = ([] if token_id is None else [token_id] for token_id in (bos, eos))
    expected = [[*before, *vocabulary.encode(text, errors).tolist(), *after] for text in texts]
    assert [part.tolist() for part in split_joined(ids, lengths)] == expected


def test_what_is_ignored_is_counted_over_pieces_of_any_number() -> None:
    texts = ["?a" * PIECE, "", "\U0001f600b" * PIECE, "?"]
    ids, lengths = encode_joined(Vocabulary("ab"), texts, "ignore")
    assert lengths.tolist() == [PIECE, 0, PIECE, 0]
    assert [set(part.tolist()) for part in split_joined(ids, lengths)] == [{0}, set(), {1}, set()]


def test_rows_that_one_long_text_would_widen_beyond_memory_are_refused_with_what_they_need() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["pad"])
    texts = ["a"] * 50_000 + ["b" * 200_000]
    message = (
        r"^50,001 rows as wide as the longest, of 200,000 ids, take 9\.3 GiB, .*: texts\[50000\] is the longest; give "
    )
    with pytest.raises(ValueError, match=message):
        vocabulary.encode_batch(texts)
    assert vocabulary.encode_batch(texts, max_length=3)[0].shape == (50_001, 3)
