"""The exported tokenizer, in the hands of the libraries that it is for."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import Vocabulary, VocabularyError
from strategies import special_tokens, symbol_vocabularies, text_of_symbols

tokenizers = pytest.importorskip("tokenizers")

scalars = st.characters(exclude_categories=["Cs"])
scalar_text = st.text(st.one_of(st.sampled_from("ab <>\n\t\r\0\u0301\u200d\U0001f600"), scalars))
"""Any text without surrogates, which Rust's strings cannot hold; rich in what tokenizers like to lose."""


@given(st.lists(scalars, unique=True, min_size=1), special_tokens, scalar_text, st.data())
def test_the_exported_tokenizer_gives_the_same_ids_and_the_same_text(
    tmp_path_factory: pytest.TempPathFactory, characters: list[str], roles: list[Any], text: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "tokenizer.json"
    vocabulary = Vocabulary(characters, special_tokens=roles)
    vocabulary.to_tokenizer_json(path)
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    assert tokenizer.get_vocab_size() == vocabulary.size

    known = data.draw(st.text(st.sampled_from(characters)))
    assert tokenizer.encode(known).ids == vocabulary.encode(known).tolist()
    assert tokenizer.decode(vocabulary.encode(known).tolist()) == known

    policy: Any = "replace" if "unk" in roles else "ignore"
    assert tokenizer.encode(text).ids == vocabulary.encode(text, errors=policy).tolist()


def exported(vocabulary: Vocabulary, folder: Path) -> Any:
    vocabulary.to_tokenizer_json(folder / "tokenizer.json")
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@given(st.one_of(symbol_vocabularies), text_of_symbols | scalar_text, st.data())
def test_the_exported_tokenizer_finds_the_longest_symbol_and_decodes_as_the_vocabulary(
    tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary, text: str, data: st.DataObject
) -> None:
    symbols = [symbol.replace("\ud800", "|") for symbol in vocabulary.symbols]
    special = data.draw(st.permutations(range(len(set(symbols)) + len(vocabulary.special_tokens))))
    ids = dict(zip(vocabulary.special_tokens, special, strict=False))
    vocabulary = Vocabulary(dict.fromkeys(symbols), special_tokens=ids)
    tokenizer = exported(vocabulary, tmp_path_factory.getbasetemp())
    text = text.replace("\ud800", "|")
    policy: Any = "replace" if "unk" in vocabulary.special_tokens else "ignore"
    encoding = tokenizer.encode(text)
    assert encoding.ids == vocabulary.encode(text, policy).tolist()
    offsets = vocabulary.char_offsets(text, policy)
    if int(np.diff(offsets).sum()) == len(text):  # tokenizers counts from the last token, not from what it left out
        assert encoding.offsets == [tuple(row) for row in offsets.tolist()]
    if vocabulary.size:
        drawn = data.draw(st.lists(st.integers(0, vocabulary.size - 1)))
        for skip in (True, False):
            assert tokenizer.decode(drawn, skip_special_tokens=skip) == vocabulary.decode(drawn)
    path = tmp_path_factory.getbasetemp() / "tokenizer.json"
    assert Vocabulary.from_tokenizer_json(path) == vocabulary
    tokenizer.save(str(path))
    assert Vocabulary.from_tokenizer_json(path) == vocabulary


def test_special_tokens_in_text_stay_text_and_decode_to_nothing(tmp_path: Path) -> None:
    text = "<pad><mask>Cl"
    vocabulary = Vocabulary.from_text(text, symbols=["Cl"], special_tokens={"pad": 0, "<mask>": 1, "unk": 2})
    tokenizer = exported(vocabulary, tmp_path)
    assert tokenizer.encode(text).ids == vocabulary.encode(text).tolist()
    assert tokenizer.token_to_id("<mask>") == 1
    ids = [0, *vocabulary.encode(text).tolist(), 1, 2]
    assert tokenizer.decode(ids, skip_special_tokens=True) == vocabulary.decode(ids) == text + "\ufffd"


@pytest.mark.parametrize(
    ("symbols", "special", "name"),
    [(["a", "<mask>"], ["<mask>"], "<mask>"), (["a"], ["b"], "b"), (["<pad>"], ["pad"], "<pad>")],
)
def test_a_special_token_that_text_could_have_cannot_be_exported(
    tmp_path: Path, symbols: list[str], special: list[str], name: str
) -> None:
    with pytest.raises(VocabularyError, match=f"the special token '{name}' would be read as a symbol"):
        Vocabulary(symbols, special_tokens=special).to_tokenizer_json(tmp_path / "tokenizer.json")


def test_a_tokenizer_by_character_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "tokenizer.json")
    model = tokenizers.models.WordLevel({"[UNK]": 0, "a": 1, "b": 2}, unk_token="[UNK]")  # noqa: S106 - no password
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.save(path)
    assert Vocabulary.from_tokenizer_json(path) == Vocabulary("ab", special_tokens={"unk": 0, "<s>": 3})


BY_CHARACTER: dict[str, Any] = {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "it has no model"),
        ({"model": {}}, "a vocab of tokens with ids"),
        ({"model": {"type": "BPE", "vocab": {"a": "0"}}}, "a vocab of tokens with ids"),
        ({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}, "merges them"),
        ({"model": {"type": "Unigram", "vocab": {"a": 0}}}, "merges them"),
        ({"model": {"type": "WordLevel", "vocab": {"a": 0}}}, "its pre_tokenizer does something else"),
        (BY_CHARACTER | {"normalizer": {"type": "NFC"}}, "has a normalizer"),
        (BY_CHARACTER | {"pre_tokenizer": {"type": "Whitespace"}}, "its pre_tokenizer does something else"),
        (BY_CHARACTER | {"added_tokens": [5]}, "an id and a content, got 5"),
        (BY_CHARACTER | {"added_tokens": [{"id": 5, "content": "<pad>"}]}, "without a gap"),
        (
            BY_CHARACTER | {"added_tokens": [{"id": 2, "content": "[pad]"}, {"id": 3, "content": "pad"}]},
            "a second token",
        ),
    ],
)
def test_a_tokenizer_of_anything_else_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(VocabularyError, match=rf"tokenizer\.json': .*{message}"):
        Vocabulary.from_tokenizer_json(path)


def test_a_special_tokens_name_in_the_text_stays_text(tmp_path: Path) -> None:
    vocabulary = Vocabulary("<pad>", special_tokens=["pad", "unk"])
    vocabulary.to_tokenizer_json(tmp_path / "tokenizer.json")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.encode("<pad>").ids == [0, 1, 2, 3, 4]
    assert tokenizer.token_to_id("<pad>") == vocabulary.special_tokens["pad"] == 5


def test_a_long_text_goes_through_whole(tmp_path: Path, shakespeare: str) -> None:
    vocabulary = Vocabulary.from_text(shakespeare)
    vocabulary.to_tokenizer_json(tmp_path / "tokenizer.json")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    text = shakespeare[:100_000]
    assert tokenizer.encode(text).ids == vocabulary.encode(text).tolist()
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_transformers_takes_it_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    transformers = pytest.importorskip("transformers")
    text = "na\u00efve \n\n\t  caf\u0065\u0301 \U0001f600 a . b , c ' s"
    vocabulary = Vocabulary.from_text(text, special_tokens=["pad", "unk"])
    vocabulary.to_tokenizer_json(tmp_path / "tokenizer.json")
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    ids = tokenizer(text)["input_ids"]
    assert ids == vocabulary.encode(text).tolist()
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    ids = [*ids, *vocabulary.special_tokens.values()]
    shown = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert shown == vocabulary.decode(ids)


def test_a_surrogate_cannot_be_exported_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b"old")
    with pytest.raises(VocabularyError, match=r"U\+D800 .* \(id 1\) is a surrogate"):
        Vocabulary("a\ud800").to_tokenizer_json(path)
    assert path.read_bytes() == b"old"
