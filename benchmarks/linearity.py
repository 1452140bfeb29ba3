"""How what the library does grows with the length of a text, for texts of several shapes: 1, 4 and 16 times as long.

Each subject is called on a text of each shape and length. What counts are ratios within one run: a subject that takes
time in proportion takes 16 times as long, one that sorts a little more, and one that is quadratic 256 times.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io

import sys
import time
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    GPTConfig,
    LogEntry,
    MixtureLanguageModel,
    NGramCounts,
    NGramLanguageModel,
    RecordDataset,
    TextDataset,
    classify,
    evaluate,
    generate,
    load_arpa,
    load_model,
    read_log,
    save_arpa,
    save_model,
    score,
    write_report,
)
from charlm.cli.app import main as charlm
from charlm.models.ngram.table import NGramTable
from charlm.training.log import append_entry
from chartok import TokenFile, Vocabulary, count_characters, encode_file, encode_files
from scratch import scratch_folder
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LENGTHS = (1 << 16, 1 << 18)
"""Characters of the shortest text: the second where a call with the first is quick, and mostly makes and clears memory."""
QUICK = 0.01
TIMES = (1, 4, 16)
MOST = 40.0
"""How many times as long a text of 16 times the length may take: more is neither n log n nor noise."""
LEAST_SECONDS = 0.05
"""A quicker call is repeated that long."""
ORDER = 5
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
    def ids(self) -> Any:
        """Its ids."""
        return self.vocabulary.encode(self.text)

    @cached_property
    def path(self) -> Path:
        """A file of it."""
        path = self.folder / "text.txt"
        path.write_bytes(self.text.encode())
        return path

    @cached_property
    def tokens(self) -> TokenFile:
        """A token file of it."""
        return encode_file(self.path, self.folder / "text.tokens")

    @cached_property
    def records(self) -> RecordDataset:
        """Its lines as records."""
        return RecordDataset(self.lines, self.vocabulary)

    @cached_property
    def lm(self) -> CharLM:
        """An n-gram model of it."""
        return CharLM.fit(self.text, order=ORDER)

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
    def shards(self) -> list[TokenFile]:
        """Token files of a thousand characters each."""
        sources = self.folder / "sources"
        sources.mkdir(exist_ok=True)
        for number, start in enumerate(range(0, len(self.text), 1000)):
            (sources / f"{number:06}.txt").write_bytes(self.text[start : start + 1000].encode())
        return encode_files(sources / "*.txt", self.folder / "shards", self.vocabulary)

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
            peak_memory_bytes=0,
        )
        for step in range(len(self.text) // 100):
            append_entry(self.folder / "log.jsonl", dataclasses.replace(entry, step=step))
        return self.folder / "log.jsonl"


Subject: TypeAlias = "Callable[[Sample], Callable[[], object]]"


def _command(*arguments: str) -> Subject:
    """Returns a command of the command line; ``text.txt`` and others stand for the files of the sample."""

    def prepared(sample: Sample) -> Callable[[], object]:
        paths = {"TEXT": sample.path, "MODEL": sample.model, "OUT": sample.folder / "out"}
        typed = [str(paths.get(argument, argument)) for argument in arguments]

        def run() -> None:
            with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.redirect_stderr(io.StringIO()):
                if charlm(typed):
                    raise RuntimeError(f"charlm {typed} has failed")

        return run

    return prepared


def _scored_from_a_pipe(sample: Sample) -> Callable[[], object]:
    """Scores what arrives in pieces of a kilobyte."""
    encoded = sample.text.encode()

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self._place = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            piece = encoded[self._place : self._place + 1024]
            buffer[: len(piece)] = piece
            self._place += len(piece)
            return len(piece)

    scored = _command("score", "MODEL")(sample)

    def run() -> None:
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BufferedReader(Pipe()))
        scored()
        sys.stdin = before

    return run


def _gpt(sample: Sample) -> GPT:
    return GPT(GPTConfig(vocab_size=sample.vocabulary.size, block_size=64, n_layers=1, n_heads=1, width=16))


def _batches(sample: Sample) -> Callable[[], object]:
    batches = BatchSampler(TextDataset(sample.ids, block_size=8), 512, order="shuffled")
    return lambda: [next(batches) for _ in range(len(sample.ids) // 512)]


def _generated(**settings: Any) -> Subject:
    return lambda sample: partial(
        CharLM.generate, sample.lm, max_new_tokens=len(sample.text) // 16, **{k: v(sample) for k, v in settings.items()}
    )


SUBJECTS: dict[str, Subject] = {
    "Vocabulary.from_text": lambda it: lambda: Vocabulary.from_text(it.text),
    "Vocabulary.from_text, of lines": lambda it: lambda: Vocabulary.from_text(it.lines),
    "Vocabulary.from_file": lambda it: lambda: Vocabulary.from_file(it.path),
    "Vocabulary.extend": lambda it: lambda: Vocabulary("a").extend(it.lines),
    "count_characters": lambda it: lambda: count_characters(it.lines),
    "Vocabulary.encode": lambda it: lambda: it.vocabulary.encode(it.text),
    "Vocabulary.encode, replace": lambda it: lambda: Vocabulary("a", special_tokens=["unk"]).encode(it.text, "replace"),
    "Vocabulary.encode, ignore": lambda it: lambda: Vocabulary("a").encode(it.text, "ignore"),
    "Vocabulary.decode": lambda it: lambda: it.vocabulary.decode(it.ids),
    "encode_batch": lambda it: lambda: it.vocabulary.encode_batch(it.lines, bos=True, max_length=100),
    "encode_batch, ignore": lambda it: lambda: Vocabulary("a", special_tokens=["pad"]).encode_batch(
        it.lines, errors="ignore", max_length=100
    ),
    "decode_batch": lambda it: lambda: it.vocabulary.decode_batch(it.ids[:, None]),
    "encode_file": lambda it: lambda: encode_file(it.path, it.folder / "out"),
    "TokenFile.verify": lambda it: it.tokens.verify,
    "RecordDataset": lambda it: lambda: RecordDataset(it.lines),
    "RecordDataset.split": lambda it: lambda: it.records.split(0.5) if len(it.records) > 1 else None,
    "RecordDataset.fingerprint": lambda it: it.records.fingerprint,
    "TextDataset of shards, ids": lambda it: lambda: TextDataset(it.shards, 8).ids,
    "evaluate, of shards": lambda it: partial(
        evaluate, NGramLanguageModel(it.vocabulary.size, order=2).fit([0, 1]), TextDataset(it.shards, 8)
    ),
    "BatchSampler": _batches,
    "CharLM.fit": lambda it: lambda: CharLM.fit(it.text, order=ORDER),
    "CharLM.fit, records": lambda it: lambda: CharLM.fit(it.lines, order=ORDER),
    "CharLM.fit, bigram": lambda it: lambda: CharLM.fit(it.text, "bigram"),
    "NGramCounts, order 40": lambda it: lambda: NGramCounts.from_tokens(
        it.ids[: len(it.ids) // 16], vocab_size=it.vocabulary.size, order=40
    ),
    "NGramLanguageModel.update": lambda it: lambda: it.table.update(it.lm.vocabulary.encode(it.text)),
    "NGramLanguageModel.prune": lambda it: lambda: it.table.prune(2),
    "MixtureLanguageModel.fit, records": lambda it: lambda: MixtureLanguageModel(
        [
            NGramLanguageModel(it.vocabulary.size, order=2).fit(it.records),
            BigramLanguageModel(it.vocabulary.size),
        ]
    ).fit(it.records),
    "score_samples": lambda it: lambda: it.lm.score_samples(it.lines),
    "log_probabilities": lambda it: lambda: it.lm.log_probabilities(it.text),
    "CharLM.evaluate": lambda it: lambda: it.lm.evaluate(it.text),
    "CharLM.inspect": lambda it: lambda: it.lm.inspect(it.text[: len(it.text) // 64])._repr_html_(),
    "next_characters": lambda it: lambda: it.lm.next_characters(it.text),
    "classify": lambda it: lambda: classify({"a": it.lm, "b": it.lm}, it.lines),
    "score, bigram": lambda it: lambda: score(
        BigramLanguageModel(it.vocabulary.size), [it.vocabulary.encode(line) for line in it.lines]
    ),
    "score, Transformer": lambda it: lambda: score(
        _gpt(it), [it.vocabulary.encode(line) for line in it.lines]
    ),
    "generate": _generated(),
    "generate, after a long prompt": _generated(prompt=lambda it: it.text),
    "generate, penalty": _generated(repetition_penalty=lambda _: 1.1),
    "generate, long stop": _generated(stop=lambda it: [it.text[: len(it.text) // 16] + it.text[:1]]),
    "generate, many samples": lambda it: partial(
        CharLM.generate, it.lm, it.text[:9], n_samples=len(it.text) // 256, max_new_tokens=9
    ),
    "generate, Transformer": lambda it: partial(generate, _gpt(it), it.ids, max_new_tokens=len(it.text) // 256),
    "stream": lambda it: lambda: "".join(it.lm.stream(max_new_tokens=len(it.text) // 16, stop=["zzz"])),
    "save_model": lambda it: partial(it.lm.save, it.folder / "out"),
    "CharLM.load": lambda it: partial(CharLM.load, it.model),
    "load_model": lambda it: partial(load_model, it.model),
    "save_arpa": lambda it: partial(save_arpa, it.folder / "out", it.lm.stored, it.lm.vocabulary),
    "load_arpa": lambda it: partial(load_arpa, it.arpa),
    "read_log": lambda it: partial(read_log, it.log),
    "write_report": lambda it: partial(write_report, it.model, it.folder / "out", text=it.text),
    "charlm prepare": _command("prepare", "TEXT", "--out", "OUT"),
    "charlm evaluate": _command("evaluate", "MODEL", "TEXT"),
    "charlm evaluate --records": _command("evaluate", "MODEL", "TEXT", "--records"),
    "charlm score": _command("score", "MODEL", "TEXT"),
    "charlm score --json": _command("score", "MODEL", "TEXT", "--json"),
    "charlm score, from a pipe": _scored_from_a_pipe,
    "charlm info": _command("info", "MODEL"),
    "charlm report": _command("report", "MODEL", "--text", "TEXT", "--out", "OUT"),
    "charlm export arpa": _command("export", "MODEL", "--format", "arpa", "--out", "OUT"),
    "charlm export tokenizer-json": _command("export", "MODEL", "--format", "tokenizer-json", "--out", "OUT"),
}


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
    several = "\n".join(text[start:end] for start, end in zip(ends, ends[1:], strict=False) if end < len(text))
    return _short_lines(length // 4) + "\n" + several + "\n" + _one_line(length // 2)


SHAPES: dict[str, Callable[[int], str]] = {
    "one line": _one_line,
    "short lines": _short_lines,
    "uneven lines": _uneven_lines,
    "one symbol": lambda length: "a" * length,
}


def seconds(function: Callable[[], object]) -> float:
    """Returns the time of the processor that the quickest call takes; the first is not counted, which makes what the sample has to have."""
    function()
    best, spent = float("inf"), 0.0
    while spent < LEAST_SECONDS:
        started = time.process_time()
        function()
        taken = time.process_time() - started
        best, spent = min(best, taken), spent + taken
    return best


def rows(names: list[str]) -> Iterator[dict[str, Any]]:
    """Yields for each subject and shape how many times as long the longer texts take."""
    for shape, text_of in SHAPES.items():
        made = {
            times * length: Sample(text_of(times * length), scratch_folder()) for times in TIMES for length in LENGTHS
        }
        for name, subject in SUBJECTS.items():
            if names and name not in names:
                continue
            length = LENGTHS[seconds(subject(made[LENGTHS[0]])) < QUICK]
            samples = [made[times * length] for times in TIMES]
            calls = [subject(sample) for sample in samples]
            taken = [seconds(call) for call in calls]
            yield {
                "what": name,
                "shape": shape,
                "seconds": taken[0],
                "ratios": [later / taken[0] for later in taken[1:]],
            }


def main(*names: str) -> None:
    """Prints what is measured, and marks what grows too fast."""
    torch.set_num_threads(1)
    for row in rows(list(names)):
        too_fast = "  <---" if row["ratios"][-1] > MOST else ""
        ratios = " ".join(f"{ratio:7.1f}" for ratio in row["ratios"])
        print(f"{row['what']:36} {row['shape']:12} {row['seconds']:9.5f} s {ratios}{too_fast}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
