import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import Vocabulary, VocabularyError
from strategies import any_character, special_tokens, vocabularies


@given(st.lists(any_character, unique=True, min_size=1), special_tokens)
def test_vocabularies_are_equal_by_content(characters: list[str], roles: list[Any]) -> None:
    first = Vocabulary(characters, special_tokens=roles)
    same = Vocabulary("".join(characters), special_tokens=roles)
    assert first == same
    assert hash(first) == hash(same)
    assert first != Vocabulary([*characters[1:], characters[0]], special_tokens=roles) or len(characters) == 1
    assert first != Vocabulary(characters, special_tokens=[*roles, "unk"] if "unk" not in roles else [])
    assert first != "".join(characters)


def test_hashes_tell_vocabularies_apart() -> None:
    assert len({hash(Vocabulary(characters)) for characters in ("a", "b", "ab", "ba", "abc")}) == 5


@given(vocabularies)
def test_pickle_and_dict_keep_a_vocabulary(vocabulary: Vocabulary) -> None:
    assert pickle.loads(pickle.dumps(vocabulary)) == vocabulary  # noqa: S301 - our own bytes
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "format"),
        ([], "format"),
        ({"format": "chartok.vocabulary"}, "version"),
        ({"format": "chartok.vocabulary", "version": True, "tokens": []}, "version"),
        ({"format": "chartok.vocabulary", "version": 2, "tokens": []}, "newer"),
        ({"format": "chartok.vocabulary", "version": 1}, "keys"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [97], "more": 1}, "keys"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": "ab"}, "list of tokens"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [97, 0x110000]}, r"tokens\[1\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [-1]}, r"tokens\[0\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [True]}, r"tokens\[0\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [97.0]}, r"tokens\[0\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": ["PAD"]}, "looks like the role pad"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [""]}, "must be a name"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [[97]]}, r"tokens\[0\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [[97, -1]]}, r"tokens\[0\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [[97, 98], [97, 98]]}, "repeats the symbol 'ab'"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [["pad"]]}, r"tokens\[0\]"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": [97, 97]}, "both 0 and 1"),
        ({"format": "chartok.vocabulary", "version": 1, "tokens": ["pad", "pad"]}, "repeats pad"),
    ],
)
def test_a_malformed_description_is_refused(content: Any, message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        Vocabulary.from_dict(content)


@given(vocabularies)
def test_save_and_load_keep_a_vocabulary(tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary) -> None:
    path = tmp_path_factory.getbasetemp() / "vocabulary.json"
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert Vocabulary.load(path).fingerprint == vocabulary.fingerprint
    assert path.read_bytes().isascii()


def test_a_pair_of_lone_surrogates_does_not_merge_in_a_file(tmp_path: Path) -> None:
    pair = Vocabulary("\ud83d\ude00")
    pair.save(tmp_path / "pair.json")
    assert Vocabulary.load(tmp_path / "pair.json").symbols == ("\ud83d", "\ude00")
    assert pair != Vocabulary("\U0001f600")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"format": "chartok.vocabulary", "version": 1, "tokens": [97], "tokens": [98]}', "repeats the key 'tokens'"),
        (
            b'{"format": "chartok.vocabulary", "version": 2, "tokens": [97], "more": []}',
            "version 2 is newer than version 1",
        ),
        (b'{"format": "chartok.vocabulary", "version": 1, "tokens": [1114112]}', r"tokens\[0\]"),
        (b'{"format": "chartok.vocabulary", "version": 1, "tokens": [NaN]}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_damaged_file_is_named_and_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "damaged.json").write_bytes(content)
    with pytest.raises(VocabularyError, match=rf"damaged\.json.*{message}"):
        Vocabulary.load(tmp_path / "damaged.json")


@given(vocabularies, vocabularies)
def test_fingerprints_are_equal_when_vocabularies_are(first: Vocabulary, second: Vocabulary) -> None:
    assert (first.fingerprint == second.fingerprint) == (first == second)


def test_a_fingerprint_can_be_made_from_the_description_alone() -> None:
    vocabulary = Vocabulary("ab\u4e00", special_tokens=["pad"])
    text = '{"format":"chartok.vocabulary","version":1,"tokens":[97,98,19968,"pad"]}'
    assert vocabulary.fingerprint == hashlib.sha256(text.encode()).hexdigest()


def test_the_repr_shows_the_characters_and_the_special_tokens() -> None:
    assert repr(Vocabulary("b\na")) == r"Vocabulary('b\na')"
    assert (
        repr(Vocabulary("ab", special_tokens=["unk", "pad"])) == "Vocabulary('ab', special_tokens={'unk': 2, 'pad': 3})"
    )


def test_the_repr_shows_a_hundred_characters_and_counts_the_rest() -> None:
    characters = [chr(0x4E00 + number) for number in range(5000)]
    shown = ascii("".join(characters[:100]))
    assert repr(Vocabulary(characters[:100])) == f"Vocabulary({shown})"
    assert repr(Vocabulary(characters[:101])) == f"Vocabulary({shown} and 1 more)"
    assert repr(Vocabulary(characters)) == f"Vocabulary({shown} and 4900 more)"


def test_a_tokenizer_json_that_is_no_vocabulary_says_what_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    Vocabulary("abc").to_tokenizer_json(path)
    with pytest.raises(VocabularyError, match=r"it is a tokenizer\.json: Vocabulary\.from_tokenizer_json reads it$"):
        Vocabulary.load(path)
