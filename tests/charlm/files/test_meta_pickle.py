"""The vocabulary of nanoGPT is read out of its pickle, of which nothing is run."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import BigramTable, CharLM
from charlm.files.meta_pickle import is_pickle, read_meta_pickle
from charlm.files.vocabularies import read_vocabulary
from chartok import Vocabulary, VocabularyError
from strategies import costly
from torture import TORTURE

characters = st.text(min_size=1, max_size=300).map(lambda text: sorted(set(text)))
protocols = st.integers(2, 5)


def meta_of(symbols: list[str]) -> dict[str, Any]:
    """What nanoGPT's ``prepare.py`` pickles."""
    by_id = dict(enumerate(symbols))
    return {"vocab_size": len(symbols), "itos": by_id, "stoi": {symbol: place for place, symbol in by_id.items()}}


@costly()
@given(symbols=characters, protocol=protocols)
def test_the_characters_are_those_that_were_pickled(
    tmp_path_factory: pytest.TempPathFactory, symbols: list[str], protocol: int
) -> None:
    path = tmp_path_factory.mktemp("meta") / "meta.pkl"
    path.write_bytes(pickle.dumps(meta_of(symbols), protocol=protocol))
    assert is_pickle(path)
    assert read_vocabulary(path) == Vocabulary(symbols)


def test_the_vocabulary_of_every_code_point_is_read(tmp_path: Path) -> None:
    symbols = [chr(code) for code in range(0, 0x110000, 1 if TORTURE else 16)]
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta_of(symbols)))
    assert read_meta_pickle(tmp_path / "meta.pkl").size == len(symbols)


class Call:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("function", [os.mkdir, Path.touch])
def test_code_in_it_is_refused_and_does_not_run(tmp_path: Path, protocol: int, function: Callable[..., object]) -> None:
    path, trace = tmp_path / "meta.pkl", tmp_path / "exploded"
    for content in (Call(function, trace), meta_of(["a"]) | {"stoi": Call(function, trace)}):
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        with pytest.raises(
            VocabularyError, match=r"meta\.pkl' is not a meta\.pkl .* it has the instruction \w+, which"
        ):
            read_vocabulary(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "it has the instruction EMPTY_LIST, which is not run"),
        ({}, "it has no itos"),
        ("itos", "it has no itos"),
        ({"itos": {0: "a", 2: "b"}}, "it has no itos that maps each id from 0 to a character"),
        ({"itos": {"0": "a"}}, "it has no itos"),
        ({"stoi": {"a": 0}}, "it has no itos"),
        ({"itos": {0: "a", 1: "a"}}, "a"),
        ({"itos": {0: 7}}, "."),
        ({"itos": {0: "a"}, "more": 1.5}, "it has the instruction BINFLOAT, which is not run"),
        ({"itos": {0: "a"}, "more": None}, "it has the instruction NONE, which is not run"),
    ],
)
def test_what_has_no_characters_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(
        VocabularyError, match=rf"meta\.pkl' is not a meta\.pkl of characters as nanoGPT writes it: .*{message}"
    ):
        read_meta_pickle(tmp_path / "meta.pkl")


def test_damage_is_refused_by_name(tmp_path: Path) -> None:
    path, generator = tmp_path / "meta.pkl", np.random.default_rng(1)
    sound = pickle.dumps(meta_of(list("abcdefgh")))
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(VocabularyError, match=r"meta\.pkl'"):
            read_meta_pickle(path)
    for _ in range(2000):
        damaged = bytearray(sound)
        for place in generator.integers(2, len(sound), generator.integers(1, 4)):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            read_meta_pickle(path)
        except VocabularyError as error:
            assert "meta.pkl" in str(error)  # noqa: PT017 - it may also be sound


@pytest.mark.parametrize("data", [b"S'\\\xac'\n.", b"S'never closed", b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."])
def test_an_instruction_that_is_not_followed_is_refused_before_its_argument_is_read(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "meta.pkl").write_bytes(data)
    with pytest.raises(VocabularyError, match=r"has the instruction (STRING|BINUNICODE8), which is not run"):
        read_meta_pickle(tmp_path / "meta.pkl")


@pytest.mark.parametrize("start", [b"", b"\x80", b"\x80\x01", b"\x80\x06", b"{}", b"abc"])
def test_other_files_are_no_pickles(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "file").write_bytes(start)
    assert not is_pickle(tmp_path / "file")


def test_a_model_whose_header_is_as_long_as_a_pickle_begins_is_a_model(tmp_path: Path) -> None:
    path, starts = tmp_path / "model", set[bytes]()
    for n_symbols in range(2, 120):
        symbols = [chr(0x4E00 + place) for place in range(n_symbols)]
        model = CharLM(BigramTable.fit(range(n_symbols), vocab_size=n_symbols), Vocabulary(symbols))
        model.save(path)
        assert read_vocabulary(path) == model.vocabulary
        starts.add(path.read_bytes()[:2])
    assert starts & {bytes([0x80, protocol]) for protocol in range(2, 6)}
