"""Symbols of several characters: from left to right, the longest at each place."""

import pickle
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import UnknownCharacterError, Vocabulary, VocabularyError, codepoints, longest_match, symbol_table
from chartok import vocabulary as vocabulary_module
from chartok.ragged import encode_joined, split_joined
from strategies import any_character, any_text, symbol_vocabularies, text_of_symbols, vocabularies

WOMAN, JOINER, GIRL = "\U0001f469", "\u200d", "\U0001f467"
FAMILY = JOINER.join([WOMAN, WOMAN, GIRL])
both = st.one_of(vocabularies, symbol_vocabularies)


def slowly(vocabulary: Vocabulary, text: str) -> list[tuple[int, int, int | None]]:
    """Returns start, end and id of each part of a text, by the rule as it is written."""
    symbols = sorted(vocabulary.symbols, key=len, reverse=True)
    parts: list[tuple[int, int, int | None]] = []
    start = 0
    while start < len(text):
        symbol = next((symbol for symbol in symbols if text.startswith(symbol, start)), None)
        end = start + len(symbol or "?")
        parts.append((start, end, None if symbol is None else vocabulary.id_of(symbol)))
        start = end
    return parts


@pytest.fixture(params=[1 << 20, 0], ids=["table", "sorted"])
def small_pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes texts of a few characters go through in pieces, with each way to look up an edge."""
    monkeypatch.setattr(longest_match, "LARGEST_TABLE", request.param)
    for module in (codepoints, symbol_table, vocabulary_module):
        monkeypatch.setattr(module, "PIECE", 5)


@pytest.mark.usefixtures("small_pieces")
@given(symbol_vocabularies, text_of_symbols | any_text)
def test_from_left_to_right_the_longest_symbol_counts(vocabulary: Vocabulary, text: str) -> None:
    vocabulary = pickle.loads(pickle.dumps(vocabulary))  # noqa: S301 - our own; builds the tables as patched
    parts = slowly(vocabulary, text)
    known = [token_id for _, _, token_id in parts if token_id is not None]
    assert vocabulary.encode(text, "ignore").tolist() == known
    if "unk" in vocabulary.special_tokens:
        unk = vocabulary.special_tokens["unk"]
        assert vocabulary.encode(text, "replace").tolist() == [
            unk if token_id is None else token_id for _, _, token_id in parts
        ]
    unknown = [start for start, _, token_id in parts if token_id is None]
    if unknown:
        with pytest.raises(UnknownCharacterError) as caught:
            vocabulary.encode(text)
        assert (caught.value.position, caught.value.character) == (unknown[0], text[unknown[0]])
    else:
        assert vocabulary.decode(vocabulary.encode(text)) == text


@pytest.mark.usefixtures("small_pieces")
@given(st.lists(st.text(any_character, min_size=2, max_size=5), unique=True, max_size=20), any_text.filter(bool))
def test_decode_undoes_encode_for_every_text_and_any_symbols(symbols: list[str], text: str) -> None:
    text += "".join(symbols) + text
    vocabulary = Vocabulary.from_text(text, symbols=symbols)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert [vocabulary.symbol_of(token_id) for token_id in ids] == [text[a:b] for a, b, _ in slowly(vocabulary, text)]


@pytest.mark.usefixtures("small_pieces")
@given(both, text_of_symbols | any_text, st.sampled_from(["strict", "replace", "ignore"]))
def test_offsets_say_where_each_id_comes_from_and_back(vocabulary: Vocabulary, text: str, errors: Any) -> None:
    parts = slowly(vocabulary, text)
    if errors == "replace":
        vocabulary = vocabulary.extend("", special_tokens=["unk"])
    if errors == "strict":
        text = text[: next((start for start, _, token_id in parts if token_id is None), len(text))]
        parts = slowly(vocabulary, text)
    if errors == "ignore":
        parts = [part for part in parts if part[2] is not None]
    offsets = vocabulary.char_offsets(text, errors)
    assert offsets.dtype == np.int64
    assert offsets.tolist() == [[start, end] for start, end, _ in parts]
    assert len(offsets) == len(vocabulary.encode(text, errors))
    expected = [-1] * len(text)
    for position, (start, end, _) in enumerate(parts):
        expected[start:end] = [position] * (end - start)
    assert vocabulary.id_positions(text, errors).tolist() == expected


def test_offsets_are_as_strict_as_encode() -> None:
    for method in (Vocabulary("ab").char_offsets, Vocabulary("ab").id_positions):
        with pytest.raises(UnknownCharacterError, match=r"text\[1\]"):
            method("ax")
        with pytest.raises(ValueError, match="needs an unk token"):
            method("ab", "replace")
        with pytest.raises(TypeError, match="text must be a str"):
            method(5)  # type: ignore[arg-type]  # the promise under test


@given(both, st.lists(text_of_symbols), st.sampled_from(["replace", "ignore"]))
def test_no_symbol_goes_across_the_border_of_two_texts(vocabulary: Vocabulary, texts: list[str], errors: Any) -> None:
    vocabulary = vocabulary.extend("", special_tokens=["unk", "pad", "eos"])
    eos = vocabulary.special_tokens["eos"]
    rows = [[*vocabulary.encode(text, errors).tolist(), eos] for text in texts]
    ids, lengths = encode_joined(vocabulary, texts, errors, eos=eos)
    assert [part.tolist() for part in split_joined(ids, lengths)] == rows
    padded, lengths = vocabulary.encode_batch(texts, eos=True, errors=errors)
    assert [row[:length].tolist() for row, length in zip(padded, lengths, strict=True)] == rows
    assert vocabulary.decode_batch(padded) == [vocabulary.decode(row) for row in rows]


@given(both, text_of_symbols, st.lists(st.integers(0, 6)), st.sampled_from(["strict", "ignore"]))
def test_a_text_in_pieces_has_the_ids_of_the_whole(
    vocabulary: Vocabulary, text: str, cuts: list[int], errors: Any
) -> None:
    def in_pieces() -> list[int]:
        encoder = vocabulary.incremental_encoder(errors)
        ends = np.cumsum([0, *cuts]).tolist()
        pieces = [text[start:end] for start, end in pairwise([*ends, len(text)])]
        return [*chain(*(encoder.encode(piece).tolist() for piece in pieces)), *encoder.finish().tolist()]

    try:
        expected = vocabulary.encode(text, errors).tolist()
    except UnknownCharacterError as error:
        with pytest.raises(UnknownCharacterError) as caught:
            in_pieces()
        assert caught.value.args == error.args  # noqa: PT017 - what was raised elsewhere, not what is tested
    else:
        assert in_pieces() == expected


@given(symbol_vocabularies, symbol_vocabularies)
def test_every_form_of_a_vocabulary_has_its_symbols(vocabulary: Vocabulary, other: Vocabulary) -> None:
    for again in (Vocabulary.from_dict(vocabulary.to_dict()), pickle.loads(pickle.dumps(vocabulary))):  # noqa: S301
        assert again == vocabulary
        assert hash(again) == hash(vocabulary)
        assert again.fingerprint == vocabulary.fingerprint
        assert again.symbols == vocabulary.symbols
    assert (vocabulary == other) == (vocabulary.fingerprint == other.fingerprint)
    namespace = {"Vocabulary": Vocabulary}
    assert eval(repr(vocabulary), namespace) == vocabulary  # noqa: S307 - our own


@given(symbol_vocabularies, symbol_vocabularies)
def test_extend_keeps_ids_and_remap_translates_them(old: Vocabulary, other: Vocabulary) -> None:
    new = old.extend("", symbols=other.symbols, special_tokens=list(other.special_tokens))
    for vocabulary in (old, other):
        expected = [new.id_of(symbol) for symbol in vocabulary.symbols]
        expected += [new.special_tokens[name] for name in vocabulary.special_tokens]
        assert new.remap(vocabulary).tolist() == expected
    assert new.remap(old).tolist() == list(range(old.size))
    assert (old.remap(new) >= 0).sum() == old.size


def test_chlorine_and_bromine_are_one_symbol_each() -> None:
    texts = ["CCl", "BrCC"]
    vocabulary = Vocabulary.from_text(texts, symbols=["Cl", "Br"])
    assert vocabulary.symbols == ("B", "C", "l", "r", "Cl", "Br")
    assert [vocabulary.encode(text).tolist() for text in texts] == [[1, 4], [5, 1, 1]]
    assert [vocabulary.decode(vocabulary.encode(text)) for text in texts] == texts


def test_graphemes_are_what_a_reader_takes_for_characters(tmp_path: Any) -> None:
    pytest.importorskip("regex")
    text = f"{FAMILY} e\u0301"
    vocabulary = Vocabulary.from_text(text, unit="grapheme")
    assert vocabulary.symbols == (" ", "e\u0301", FAMILY)
    ids = vocabulary.encode(text)
    assert ids.tolist() == [2, 0, 1]
    assert vocabulary.decode(ids) == text
    (tmp_path / "text.txt").write_bytes(text.encode())
    assert Vocabulary.from_file(tmp_path / "text.txt", unit="grapheme") == vocabulary
    assert Vocabulary(" ").extend(text, unit="grapheme").symbols == (" ", "e\u0301", FAMILY)


@given(st.lists(st.text(st.sampled_from("e\u0301\u200d\U0001f469\U0001f1e9\U0001f1ea\r\n\u0915\u094d\u093f\ud800"))))
def test_graphemes_do_not_depend_on_where_pieces_end(texts: list[str]) -> None:
    regex = pytest.importorskip("regex")
    text = "".join(texts)
    if text:
        expected = set(regex.findall(r"\X", text))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("chartok.codepoints.PIECE", 3)
            patch.setattr("chartok.codepoints.pieces.__defaults__", (3,))
            vocabulary = Vocabulary.from_text(text, unit="grapheme")
        assert set(vocabulary.symbols) == expected
        assert vocabulary.decode(vocabulary.encode(text)) == text


def test_min_count_counts_graphemes_and_given_symbols_always_stay() -> None:
    pytest.importorskip("regex")
    text = "e\u0301e\u0301ee\u0301x"
    assert Vocabulary.from_text(text, unit="grapheme", min_count=2).symbols == ("e\u0301",)
    assert Vocabulary.from_text("aab", symbols=["zz", "b"], min_count=2).symbols == ("a", "zz", "b")
    assert Vocabulary.from_text("aabb", symbols=["zz"], max_size=2).symbols == ("a", "zz")
    assert Vocabulary.from_text("", symbols=["zz"]).symbols == ("zz",)


def test_graphemes_without_their_package_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "regex", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chartok\[graphemes\]'"):
        Vocabulary.from_text("a", unit="grapheme")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Vocabulary(["a", ""]), VocabularyError, r"symbols\[1\] is empty"),
        (lambda: Vocabulary(["Cl", "a", "Cl"]), VocabularyError, "'Cl' occurs at both 0 and 2"),
        (lambda: Vocabulary(["Cl", "a", "a"]), VocabularyError, "U\\+0061 'a' occurs at both 1 and 2"),
        (lambda: Vocabulary(["Cl", 5]), TypeError, r"symbols\[1\] must be a str, got int"),  # type: ignore[list-item]  # the promise under test
        (lambda: Vocabulary.from_text("a", symbols="Cl"), TypeError, "put it in a list"),
        (lambda: Vocabulary.from_text("a", symbols=["Cl", "Cl"]), VocabularyError, r"symbols\[1\] repeats 'Cl'"),
        (lambda: Vocabulary.from_text("a", symbols=["Cl", ""]), VocabularyError, r"symbols\[1\] is empty"),
        (lambda: Vocabulary.from_text("a", symbols=[5]), TypeError, r"symbols\[0\] must be a str, got int"),  # type: ignore[list-item]  # likewise
        (lambda: Vocabulary.from_text("a", unit="word"), ValueError, "'character' or 'grapheme', got 'word'"),  # type: ignore[arg-type]  # likewise
        (lambda: Vocabulary("a").incremental_encoder("replace"), ValueError, "needs an unk token"),
        (lambda: Vocabulary("a").incremental_encoder().encode(5), TypeError, "piece must be a str"),  # type: ignore[arg-type]  # likewise
    ],
)
def test_bad_symbols_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_vocabulary_never_has_more_than_its_largest_size() -> None:
    with pytest.raises(ValueError, match="max_size 2 has no room for the 3 symbols and 0 special tokens"):
        Vocabulary.from_text("aaabbc", symbols=["xy", "zw", "qq"], max_size=2)
    assert Vocabulary.from_text("aaabbc", symbols=["xy"], max_size=2).symbols == ("a", "xy")
