"""Texts of several shapes and any length, and what is made from them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm import CharLM, LogEntry, RecordDataset, save_arpa
from charlm.models.ngram.table import NGramTable
from charlm.training.log import append_entry
from chartok import TokenFile, Vocabulary, encode_file, encode_files
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

ORDER = 5
PIECES = 32
ROLES: Any = ["bos", "eos", "pad", "unk"]


@dataclass(frozen=True)
class Sample:
    """A text of one shape and length, and what is made from it before anything is measured."""

    text: str
    folder: Path

    @cached_property
    def lines(self) -> list[str]:
        """Its lines, none of them empty."""
        return list(filter(None, self.text.split("\n")))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its vocabulary, with all special tokens."""
        return Vocabulary.from_text(self.text, special_tokens=ROLES)

    @cached_property
    def ids(self) -> NDArray[np.unsignedinteger[Any]]:
        """Its ids."""
        return self.vocabulary.encode(self.text)

    @cached_property
    def path(self) -> Path:
        """A file of it."""
        path = self.folder / "text.txt"
        path.write_bytes(self.text.encode())
        return path

    @cached_property
    def path_of_lines(self) -> Path:
        """A file of its lines, and of two more: a part of them is held out."""
        path = self.folder / "lines.txt"
        path.write_bytes("\n".join([*self.lines, "one", "two"]).encode())
        return path

    @cached_property
    def tokens(self) -> TokenFile:
        """A token file of it."""
        return encode_file(self.path, self.folder / "text.tokens")

    @cached_property
    def tokens_of_lines(self) -> TokenFile:
        """A token file of its lines as records."""
        return encode_file(self.path_of_lines, self.folder / "lines.tokens", records=True)

    @cached_property
    def records(self) -> RecordDataset:
        """Its lines as records."""
        return RecordDataset(self.lines, self.vocabulary)

    @cached_property
    def lm(self) -> CharLM:
        """An n-gram model of it."""
        return CharLM.fit(self.text, order=ORDER)

    @cached_property
    def pieces(self) -> list[str]:
        """The text cut into pieces of equal length, each on one line."""
        size = -(-len(self.text) // PIECES)
        return [self.text[start : start + size].replace("\n", " ") for start in range(0, len(self.text), size)]

    @cached_property
    def path_of_pieces(self) -> Path:
        """A file of its pieces."""
        path = self.folder / "pieces.txt"
        path.write_bytes("\n".join(self.pieces).encode())
        return path

    @cached_property
    def calibrated(self) -> CharLM:
        """A model of it that is calibrated."""
        return CharLM(self.lm.stored, self.lm.vocabulary).calibrate(self.pieces)

    @cached_property
    def calibrated_model(self) -> Path:
        """The file of that model."""
        path = self.folder / "calibrated.safetensors"
        self.calibrated.save(path)
        return path

    @property
    def table(self) -> NGramTable:
        """Its table."""
        assert isinstance(self.lm.stored, NGramTable)  # noqa: S101 - it is made so
        return self.lm.stored

    @cached_property
    def model(self) -> Path:
        """A file of that model."""
        self.lm.save(self.folder / "model.safetensors")
        return self.folder / "model.safetensors"

    @cached_property
    def arpa(self) -> Path:
        """The same in the ARPA format."""
        save_arpa(self.folder / "model.arpa", self.lm.stored, self.lm.vocabulary)
        return self.folder / "model.arpa"

    @cached_property
    def lm_of_lines(self) -> CharLM:
        """A model of its lines."""
        return CharLM.fit([line[:99] for line in self.lines], order=ORDER)

    @cached_property
    def sources(self) -> str:
        """A pattern of files of a thousand characters each."""
        sources = self.folder / "sources"
        sources.mkdir(exist_ok=True)
        for number, start in enumerate(range(0, len(self.text), 1000)):
            (sources / f"{number:06}.txt").write_bytes(self.text[start : start + 1000].encode())
        return f"{sources}/*.txt"

    @cached_property
    def shards(self) -> list[TokenFile]:
        """Token files of them."""
        return encode_files(self.sources, self.folder / "shards", self.vocabulary)

    @cached_property
    def log(self) -> Path:
        """A log of an entry for each hundred characters."""
        entry = LogEntry(
            step=1,
            train_loss=2.0,
            validation_loss=2.0,
            learning_rate=0.1,
            characters_per_second=1e6,
            elapsed_seconds=1.0,
            gradient_norm=0.3,
            peak_memory_bytes=0,
        )
        for step in range(len(self.text) // 100):
            append_entry(self.folder / "log.jsonl", dataclasses.replace(entry, step=step))
        return self.folder / "log.jsonl"


def _one_line(length: int) -> str:
    """Returns a text in which one character in ten is drawn at random, so that n-grams are new to its end."""
    code_points = np.frombuffer(sample_text(length).replace("\n", " ").encode("latin-1", "replace"), np.uint8).copy()
    generator = np.random.default_rng(0)
    places = generator.integers(length, size=length // 10)
    code_points[places] = generator.integers(ord("a"), ord("z") + 1, size=len(places))
    return code_points.tobytes().decode("latin-1")


def _short_lines(length: int) -> str:
    text = _one_line(length)
    return "\n".join(text[start : start + 7] for start in range(0, length, 8))


def _uneven_lines(length: int) -> str:
    """Returns short lines, and lines of every length up to the square root, and one that is half of the text."""
    text, ends = _one_line(length // 4), np.cumsum(np.arange(1, int((length // 2) ** 0.5)))
    several = "\n".join(text[start:end] for start, end in pairwise(ends.tolist()) if end < len(text))
    return _short_lines(length // 4) + "\n" + several + "\n" + _one_line(length // 2)


SHAPES: dict[str, Callable[[int], str]] = {
    "one line": _one_line,
    "short lines": _short_lines,
    "uneven lines": _uneven_lines,
    "one symbol": lambda length: "a" * length,
}
