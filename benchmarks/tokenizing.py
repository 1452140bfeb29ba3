"""chartok compared with the notebook's own code and with ``tokenizers``."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

import numpy as np
import tokenizers
import torch

from chartok import Vocabulary, read_text
from comparison import Comparison
from texts import first_names, tiny_shakespeare

LENGTH = 10_000_000
DECODE_WHY = (
    "Python stores text with emoji in four bytes per character, and merely copying these 40 MB takes most of the time."
)


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on ten million characters unless the name says otherwise."""
    latin, wide = sample_text(LENGTH), _wide_text()
    return [
        *_on_text("Latin-1", latin, encode_target=80, vocabulary_target=5),
        *_on_text("CJK and emoji", wide, encode_target=20, vocabulary_target=2, decode_why=DECODE_WHY),
        _against_tokenizers(latin[:1_000_000]),
        *_of_symbols(),
        _batch(_names()),
        _short_call("five Latin-1 characters", latin, "hello"),
        _short_call("five CJK characters", wide, wide[:5]),
    ]


def _on_text(
    kind: str, text: str, *, encode_target: float, vocabulary_target: float, decode_why: str = ""
) -> list[Comparison]:
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    listed = ids.tolist()
    character_of = dict(enumerate(vocabulary.symbols))

    def decode_as_the_notebook() -> str:
        return "".join([character_of[i] for i in listed])

    return [
        Comparison(
            name=f"encode, {kind}",
            ours=lambda: vocabulary.encode(text),
            rival_name="notebook",
            rival=lambda: encode_as_the_notebook(text, vocabulary),
            target=encode_target,
        ),
        Comparison(
            name=f"decode, {kind}",
            ours=lambda: vocabulary.decode(ids),
            rival_name="notebook",
            rival=decode_as_the_notebook,
            target=20,
            why=decode_why,
        ),
        Comparison(
            name=f"vocabulary, {kind}",
            ours=lambda: Vocabulary.from_text(text),
            rival_name="notebook",
            rival=lambda: sorted(set(text)),
            target=vocabulary_target,
        ),
    ]


def encode_as_the_notebook(text: str, vocabulary: Vocabulary) -> torch.Tensor:
    """Returns the ids of a text as int64."""
    id_of = {character: i for i, character in enumerate(vocabulary.symbols)}
    return torch.tensor([id_of[character] for character in text], dtype=torch.long)


def _against_tokenizers(text: str) -> Comparison:
    vocabulary = Vocabulary.from_text(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        vocabulary.to_tokenizer_json(path)
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    return Comparison(
        name="encode, 1 M characters",
        ours=lambda: vocabulary.encode(text),
        rival_name="tokenizers",
        rival=lambda: tokenizer.encode(text).ids,
        target=300,
    )


def _of_symbols() -> list[Comparison]:
    """Returns the comparisons on a million characters of SMILES, where Cl, Br and [nH] are a symbol each."""
    generator = random.Random(0)  # noqa: S311 - a text to measure on
    text = "".join(generator.choices([*"CCCCccccNOO()()12=nos", "Cl", "Br", "[nH]"], k=1_000_000))
    vocabulary = Vocabulary.from_text(text, symbols=["Cl", "Br", "[nH]"])
    ids = vocabulary.encode(text)
    symbols, listed = vocabulary.symbols, ids.tolist()
    find = re.compile("Cl|Br|\\[nH\\]|.", re.DOTALL).findall
    id_of = {symbol: i for i, symbol in enumerate(symbols)}

    def encode_by_expression() -> np.ndarray:
        return np.array([id_of[symbol] for symbol in find(text)], dtype=np.uint8)

    assert np.array_equal(ids, encode_by_expression())  # noqa: S101 - both do the same
    return [
        Comparison(
            name="encode, SMILES",
            ours=lambda: vocabulary.encode(text),
            rival_name="re",
            rival=encode_by_expression,
            target=5,
        ),
        Comparison(
            name="decode, SMILES",
            ours=lambda: vocabulary.decode(ids),
            rival_name="Python list",
            rival=lambda: "".join([symbols[i] for i in listed]),
            target=1.5,
        ),
    ]


def _batch(names: list[str]) -> Comparison:
    vocabulary = Vocabulary.from_text(names, special_tokens=["pad"])
    id_of = {character: i for i, character in enumerate(vocabulary.symbols)}
    pad = vocabulary.special_tokens["pad"]

    def pad_in_a_loop() -> np.ndarray:
        rows = np.full((len(names), max(map(len, names))), pad, dtype=np.uint8)
        for row, name in zip(rows, names, strict=True):
            row[: len(name)] = [id_of[character] for character in name]
        return rows

    assert np.array_equal(vocabulary.encode_batch(names)[0], pad_in_a_loop())  # noqa: S101 - both do the same
    return Comparison(
        name=f"encode_batch, {len(names):,} names",
        ours=lambda: vocabulary.encode_batch(names),
        rival_name="Python loop",
        rival=pad_in_a_loop,
        target=10,
    )


def _short_call(kind: str, text: str, short: str) -> Comparison:
    vocabulary = Vocabulary.from_text(text)
    id_of = {character: i for i, character in enumerate(vocabulary.symbols)}
    return Comparison(
        name=f"encode, {kind} (limit 3 µs)",
        ours=lambda: vocabulary.encode(short),
        rival_name="notebook",
        rival=lambda: torch.tensor([id_of[character] for character in short], dtype=torch.long),
        target=1,
    )


def sample_text(length: int) -> str:
    """Returns Tiny Shakespeare, repeated up to the given length."""
    text = read_text(tiny_shakespeare())
    return (text * (length // len(text) + 1))[:length]


def _wide_text() -> str:
    generator = random.Random(0)  # noqa: S311 - a text to measure on
    characters = [*map(chr, range(0x4E00, 0x6000)), *map(chr, range(0x1F600, 0x1F640)), *"abcdefgh ,.\n" * 100]
    return "".join(generator.choices(characters, k=LENGTH))


def _names() -> list[str]:
    return read_text(first_names()).splitlines()
