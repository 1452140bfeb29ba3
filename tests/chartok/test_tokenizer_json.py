"""The exported tokenizer, in the hands of the libraries that it is for."""

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import Vocabulary, VocabularyError
from strategies import special_tokens

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


def test_a_surrogate_cannot_be_exported_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b"old")
    with pytest.raises(VocabularyError, match=r"U\+D800 .* \(id 1\) is a surrogate"):
        Vocabulary("a\ud800").to_tokenizer_json(path)
    assert path.read_bytes() == b"old"
