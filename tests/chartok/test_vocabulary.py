import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chartok import TokenIdError, UnknownCharacterError, Vocabulary, VocabularyError, count_characters
from chartok.arguments import Unit
from chartok.files import decoding
from strategies import any_character, any_text, special_tokens, vocabularies

ABC = Vocabulary("abc", special_tokens=["eos"])


@given(any_text.filter(bool))
def test_decode_undoes_encode_for_every_text(text: str) -> None:
    vocabulary = Vocabulary.from_text(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(vocabularies, st.data())
def test_encode_and_decode_agree_with_a_dictionary(vocabulary: Vocabulary, data: st.DataObject) -> None:
    id_of = {character: i for i, character in enumerate(vocabulary.symbols)}
    text = data.draw(st.text(st.sampled_from(vocabulary.symbols)) if id_of else st.just(""))
    ids = vocabulary.encode(text)
    assert ids.tolist() == [id_of[character] for character in text]
    assert vocabulary.decode(ids) == text
    assert ids.flags.writeable


@given(vocabularies, any_text)
def test_error_policies_agree_with_a_dictionary(vocabulary: Vocabulary, text: str) -> None:
    id_of = {character: i for i, character in enumerate(vocabulary.symbols)}
    assert vocabulary.encode(text, errors="ignore").tolist() == [id_of[c] for c in text if c in id_of]
    if "unk" in vocabulary.special_tokens:
        unk = vocabulary.special_tokens["unk"]
        ids = vocabulary.encode(text, errors="replace")
        assert ids.tolist() == [id_of.get(c, unk) for c in text]
        assert vocabulary.decode(ids) == "".join(c if c in id_of else "\ufffd" for c in text)
    unknown = [position for position, c in enumerate(text) if c not in id_of]
    if unknown:
        with pytest.raises(UnknownCharacterError) as caught:
            vocabulary.encode(text)
        assert (caught.value.position, caught.value.character) == (unknown[0], text[unknown[0]])
        assert caught.value.vocabulary_size == vocabulary.size


def test_every_code_point_has_its_own_id_and_comes_back() -> None:
    everything = "".join(map(chr, range(0x110000)))
    vocabulary = Vocabulary(everything)
    ids = vocabulary.encode(everything)
    assert vocabulary.dtype == np.uint32
    assert np.array_equal(ids, np.arange(0x110000))
    assert vocabulary.decode(ids) == everything


@pytest.mark.parametrize("size", [1, 2, 254, 255, 256, 257, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("first", [0, 200])
def test_ids_take_the_smallest_dtype_and_never_wrap(size: int, first: int) -> None:
    characters = "".join(map(chr, range(first, first + size)))
    vocabulary = Vocabulary(characters)
    ids = vocabulary.encode(characters)
    assert np.array_equal(ids, np.arange(size))
    assert ids.dtype == vocabulary.dtype == np.min_scalar_type(size - 1)
    with pytest.raises(UnknownCharacterError):
        vocabulary.encode(chr(first + size))


def test_text_longer_than_a_piece_is_encoded_whole() -> None:
    text = ("x" * 70_000 + "\u4e00\U0001f600") * 3
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    assert ids.tolist() == [vocabulary.symbols.index(c) for c in text]
    assert vocabulary.decode(ids) == text
    with pytest.raises(UnknownCharacterError, match=r"text\[140005\] is U\+0021 '!'"):
        vocabulary.encode(text[:140_005] + "!")
    assert len(vocabulary.encode(text.replace("x", "y"), errors="ignore")) == 6


@given(st.lists(any_text).filter(any), special_tokens)
def test_from_text_finds_each_character_once_in_code_point_order(texts: list[str], roles: list[Any]) -> None:
    expected = tuple(sorted(set("".join(texts))))
    vocabulary = Vocabulary.from_text(texts, special_tokens=roles)
    assert vocabulary.symbols == expected
    assert vocabulary == Vocabulary.from_text("".join(texts), special_tokens=roles)
    assert vocabulary.special_tokens == {role: len(expected) + i for i, role in enumerate(roles)}


def test_a_vocabulary_cannot_be_changed() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["unk"])
    with pytest.raises(AttributeError):
        vocabulary.size = 3  # type: ignore[misc]  # the promise under test
    with pytest.raises(AttributeError):
        vocabulary.colour = "red"  # type: ignore[attr-defined]  # the promise under test
    with pytest.raises(TypeError):
        vocabulary.special_tokens["pad"] = 0  # type: ignore[index]  # the promise under test
    given_array = vocabulary.encode("ab")
    given_array[:] = 9
    assert vocabulary.encode("ab").tolist() == [0, 1]


def test_membership_and_length() -> None:
    vocabulary = Vocabulary("a\u4e00", special_tokens=["pad"])
    assert len(vocabulary) == vocabulary.size == 3
    assert "a" in vocabulary
    assert "\u4e00" in vocabulary
    assert not {"b", "a\u4e00", "", 0} & {x for x in ("b", "a\u4e00", "", 0) if x in vocabulary}


def test_special_tokens_but_unk_decode_to_nothing() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["pad", "bos", "eos", "unk"])
    assert vocabulary.decode([3, 0, 5, 1, 4, 2, 2]) == "a\ufffdb"
    assert vocabulary.decode([3, 0, 1, 4, 2, 2]) == "ab"


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">u2", "<i4", ">i8", "u8"])
def test_decode_takes_every_integer_dtype_and_layout(dtype: str) -> None:
    vocabulary = Vocabulary("abc")
    ids = np.array([2, 9, 0, 9, 1, 9], dtype=dtype)[::2]
    assert vocabulary.decode(ids) == "cab"


def test_decode_takes_tensors_iterables_and_nothing() -> None:
    vocabulary = Vocabulary("abc")
    assert vocabulary.decode(torch.tensor([2, 0, 1])) == "cab"
    mixed: Any = iter([np.uint8(2), torch.tensor(0), 1])
    assert vocabulary.decode(mixed) == "cab"
    assert vocabulary.decode([]) == vocabulary.decode(np.array([], dtype=np.uint8)) == ""


@pytest.mark.parametrize("bad", [-1, 3, 2**40, 2**63, 2**70, -(2**70)])
def test_decode_names_the_id_that_is_out_of_range(bad: int) -> None:
    with pytest.raises(TokenIdError) as caught:
        Vocabulary("abc").decode([0, bad, 0])
    assert (caught.value.token_id, caught.value.position, caught.value.vocabulary_size) == (bad, 1, 3)
    assert str(bad) in str(caught.value)


@pytest.mark.parametrize(
    "ids",
    [
        [1.0],
        [0, True],
        [float("nan")],
        [[0, 1]],
        ["a"],
        "abc",
        b"abc",
        5,
        None,
        torch.tensor([1.0]),
        np.array([True]),
        np.array([0, "a"], dtype=object),
    ],
    ids=repr,
)
def test_decode_refuses_what_is_no_sequence_of_integers(ids: Any) -> None:
    with pytest.raises(TypeError, match="ids"):
        Vocabulary("abc").decode(ids)


def test_decode_refuses_more_than_one_dimension() -> None:
    with pytest.raises(ValueError, match=r"one-dimensional, got shape \(2, 2\)"):
        Vocabulary("abc").decode(np.zeros((2, 2), dtype=np.int64))


def test_repeated_characters_are_named_with_both_positions() -> None:
    with pytest.raises(VocabularyError, match=r"U\+0061 'a' occurs at both 1 and 3"):
        Vocabulary("bacad")


@given(st.lists(any_character, unique=True, min_size=1), st.data())
def test_whichever_character_is_repeated_is_named_with_both_positions(
    characters: list[str], data: st.DataObject
) -> None:
    repeated = data.draw(st.sampled_from(characters))
    characters.insert(data.draw(st.integers(0, len(characters))), repeated)
    first, second = (position for position, character in enumerate(characters) if character == repeated)
    with pytest.raises(VocabularyError, match=rf"U\+{ord(repeated):04X} .* occurs at both {first} and {second}:"):
        Vocabulary(characters)


def test_of_many_repeated_characters_the_first_two_places_are_named() -> None:
    with pytest.raises(VocabularyError, match="occurs at both 0 and 1000:"):
        Vocabulary([chr(0x4E00 + position % 1000) for position in range(100_000)])


@pytest.mark.parametrize("symbols", [b"abc", [b"a"], [1], 5, None])
def test_symbols_must_be_text(symbols: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        Vocabulary(symbols)


@given(vocabularies)
def test_ids_and_symbols_are_looked_up_one_by_one(vocabulary: Vocabulary) -> None:
    for symbol in vocabulary.symbols:
        token_id = vocabulary.id_of(symbol)
        assert vocabulary.encode(symbol).tolist() == [token_id]
        assert vocabulary.symbol_of(token_id) == symbol
    for role, token_id in vocabulary.special_tokens.items():
        with pytest.raises(VocabularyError, match=f"^id {token_id} is the special token {role}, which has no symbol"):
            vocabulary.symbol_of(token_id)


@pytest.mark.parametrize(
    ("look_up", "error", "message"),
    [
        (lambda: ABC.id_of("x"), VocabularyError, "symbol 'x' is not one of the symbols of this vocabulary$"),
        (lambda: ABC.id_of(""), VocabularyError, "symbol '' is not"),
        (lambda: ABC.id_of("eos"), VocabularyError, r"; special_tokens\['eos'\] is the id of that special token"),
        (lambda: ABC.id_of(cast("str", 2)), TypeError, "symbol must be a str, got int"),
        (lambda: ABC.symbol_of(4), TokenIdError, "this vocabulary has ids 0 to 3"),
        (lambda: ABC.symbol_of(-1), TokenIdError, "ids 0 to 3"),
        (lambda: ABC.symbol_of(cast("int", "a")), TypeError, "must be an integer, got str"),
    ],
)
def test_a_failed_look_up_says_why(look_up: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        look_up()


@pytest.mark.parametrize("text", [b"abc", bytearray(b"abc"), [b"a"], 5, None])
def test_text_must_be_text(text: Any) -> None:
    for function in (Vocabulary.from_text, count_characters, Vocabulary("a").extend):
        with pytest.raises(TypeError, match=r"^text(\[0\])? must be a str"):
            function(text)
    with pytest.raises(TypeError, match=r"^text must be a str"):
        Vocabulary("a").encode(text)


def test_bytes_are_told_to_be_decoded() -> None:
    with pytest.raises(TypeError, match="decode the bytes first"):
        Vocabulary("a").encode(b"a")  # type: ignore[arg-type]  # the promise under test


@pytest.mark.parametrize("text", ["", [], ["", ""]])
def test_an_empty_text_has_no_vocabulary(text: Any) -> None:
    with pytest.raises(ValueError, match="empty"):
        Vocabulary.from_text(text)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary("a", special_tokens=5), "special_tokens must be a list of names, got int"),  # type: ignore[arg-type]  # the promise under test
        (lambda: Vocabulary("a").remap(5), "other must be a Vocabulary, got int"),  # type: ignore[arg-type]  # likewise
        (lambda: Vocabulary("a").decode_batch(5), "ids must be rows of integers, got int"),  # type: ignore[arg-type]  # likewise
        (lambda: Vocabulary.from_counts([("a", 1)]), "counts must be a mapping .* got list"),  # type: ignore[arg-type]  # likewise
        (lambda: Vocabulary.from_counts({5: 1, "a": 1}), "each key of counts must be a str, got int"),  # type: ignore[dict-item]  # likewise
        (lambda: Vocabulary.from_counts({"a": "1"}), r"counts\['a'\] must be an integer, got str"),  # type: ignore[dict-item]  # likewise
    ],
)
def test_a_wrong_type_names_the_argument(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_replace_needs_an_unk_token_even_if_every_character_is_known() -> None:
    with pytest.raises(ValueError, match="unk"):
        Vocabulary("a").encode("a", errors="replace")


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"strict.*replace.*ignore"):
        Vocabulary("a").encode("a", errors="skip")  # type: ignore[arg-type]  # the promise under test


@given(any_text, any_character)
def test_messages_and_reprs_print_on_an_ascii_terminal(text: str, unknown: str) -> None:
    vocabulary = Vocabulary.from_text(text + "a", special_tokens=["pad"])
    assert repr(vocabulary).isascii()
    if unknown not in vocabulary:
        with pytest.raises(UnknownCharacterError) as caught:
            vocabulary.encode(unknown)
        assert str(caught.value).isascii()


@given(vocabularies, any_text, special_tokens)
def test_extend_keeps_every_id_and_adds_what_is_new(vocabulary: Vocabulary, text: str, roles: list[Any]) -> None:
    extended = vocabulary.extend(text, special_tokens=roles)
    tokens, old = extended.to_dict()["tokens"], vocabulary.to_dict()["tokens"]
    assert tokens[: len(old)] == old
    new = sorted({ord(c) for c in text} - set(old))
    assert tokens[len(old) :] == new + [role for role in roles if role not in old]
    assert extended.extend(text, special_tokens=roles) == extended
    assert hash(extended) == hash(Vocabulary.from_dict(extended.to_dict()))
    assert extended.decode(extended.encode(text)) == text


@pytest.mark.parametrize("unit", ["character", "grapheme"])
def test_what_is_rare_does_not_extend_a_vocabulary(unit: Unit) -> None:
    extended = Vocabulary("ab").extend(["abcc", "dxyx"], unit=unit, min_count=2, symbols=["zz"])
    assert extended.symbols == ("a", "b", "c", "x", "zz")
    with pytest.raises(ValueError, match="min_count"):
        extended.extend("q", unit=unit, min_count=0)


@given(vocabularies, vocabularies)
def test_remap_translates_each_id_to_that_of_the_same_token(new: Vocabulary, old: Vocabulary) -> None:
    new_tokens = new.to_dict()["tokens"]
    expected = [new_tokens.index(token) if token in new_tokens else -1 for token in old.to_dict()["tokens"]]
    assert new.remap(old).tolist() == expected
    assert new.remap(new).tolist() == list(range(new.size))
    assert new.remap(old).dtype == np.int64


@given(st.lists(any_text).filter(any), st.integers(1, 3), st.integers(2, 8), special_tokens)
def test_min_count_and_max_size_keep_the_most_frequent(
    texts: list[str], min_count: int, max_size: int, roles: list[Any]
) -> None:
    counts = Counter("".join(texts))
    ranked = sorted((c for c in counts if counts[c] >= min_count), key=lambda c: (-counts[c], c))
    expected = sorted(ranked[: max(0, max_size - len(roles))])
    if expected:
        vocabulary = Vocabulary.from_text(texts, min_count=min_count, max_size=max_size, special_tokens=roles)
        assert vocabulary.symbols == tuple(expected)
        assert vocabulary.size <= max_size
    else:
        with pytest.raises(ValueError, match="no character is left"):
            Vocabulary.from_text(texts, min_count=min_count, max_size=max_size, special_tokens=roles)


def test_whole_numbers_may_be_those_of_numpy() -> None:
    assert Vocabulary.from_text("banana", min_count=np.int64(2), max_size=np.uint8(1)) == Vocabulary("a")  # type: ignore[arg-type]  # what len and counting give in NumPy


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"min_count": 0}, ValueError),
        ({"min_count": 1.5}, TypeError),
        ({"max_size": 0}, ValueError),
        ({"max_size": True}, TypeError),
    ],
)
def test_limits_of_a_vocabulary_are_checked(settings: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{next(iter(settings))} must be"):
        Vocabulary.from_text("abc", **settings)


def test_special_tokens_take_their_room_from_the_characters() -> None:
    roles: list[Any] = ["pad", "eos"]
    vocabulary = Vocabulary.from_text("aab", max_size=3, special_tokens=roles)
    assert (vocabulary.symbols, vocabulary.special_tokens) == (("a",), {"pad": 1, "eos": 2})
    assert Vocabulary.from_text("aab", max_size=1).symbols == ("a",)
    with pytest.raises(ValueError, match="no character is left"):
        Vocabulary.from_text("aab", max_size=2, special_tokens=roles)


@given(st.text(min_size=1), special_tokens)
def test_a_vocabulary_of_a_file_is_that_of_its_text(
    tmp_path_factory: pytest.TempPathFactory, text: str, roles: list[Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "text.txt"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "CHUNK_BYTES", 3)
        assert Vocabulary.from_file(path, special_tokens=roles) == Vocabulary.from_text(text, special_tokens=roles)


@pytest.mark.parametrize("settings", [{}, {"min_count": 2}, {"max_size": 2}])
def test_an_empty_file_is_named(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match=r"empty\.txt': text is empty"):
        Vocabulary.from_file(tmp_path / "empty.txt", **settings)


def test_limits_hold_for_a_file_as_for_a_text(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("abacab", encoding="utf-8")
    assert Vocabulary.from_file(path, min_count=2).symbols == ("a", "b")
    assert Vocabulary.from_file(path, max_size=1).symbols == ("a",)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"0123456789" * 3_000_000)
    tracemalloc.start()
    try:
        assert Vocabulary.from_file(path).size == 10
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("character", ["x", "\u4e00", "\U0001f600"])
def test_encoding_needs_less_than_six_bytes_a_character(character: str) -> None:
    text = character * 3_000_000
    vocabulary = Vocabulary(map(chr, range(0x20000)))
    tracemalloc.start()
    try:
        vocabulary.encode(text)
        assert tracemalloc.get_traced_memory()[1] <= 6 * len(text)
    finally:
        tracemalloc.stop()
