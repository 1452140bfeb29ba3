"""How what the library does grows with the length of a text, for texts of several shapes: 1, 4 and 16 times as long.

Each subject is called on a text of each shape and length. What counts are ratios within one run: a subject that takes
time in proportion takes 16 times as long, one that sorts a little more, and one that is quadratic 256 times.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shutil
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    ErrorSpotter,
    GPTConfig,
    MixtureLanguageModel,
    NGramCounts,
    NGramLanguageModel,
    RecordDataset,
    TextDataset,
    classify,
    compress,
    ctc_decode,
    ctc_decode_batch,
    decompress,
    evaluate,
    generate,
    load_arpa,
    load_model,
    read_log,
    save_arpa,
    save_javascript,
    score,
    stream_ids,
    write_play,
    write_report,
)
from charlm.cli.app import main as charlm
from chartok import (
    Vocabulary,
    count_characters,
    encode_file,
    encode_files,
    encode_texts,
    read_counts,
    read_records,
    read_text,
)
from environment import environment
from page import LINEARITY, PAGE, page
from scratch import scratch_folder
from shapes import ORDER, SHAPES, Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from typing_extensions import Buffer  # in collections.abc from Python 3.12 on

LENGTHS = (1 << 15, 1 << 17)
"""Characters of the shortest text: the second if a call with the first takes less than ``QUICK`` seconds."""
QUICK = 0.01
TIMES = (1, 4, 16)
MOST = 50.0
"""How many times as long a text of 16 times the length may take. Sorting it takes 21 times as long, and memory that no
longer fits in a cache twice that; n to the power of 1.5 would be 64."""
LEAST_SECONDS = 0.03
"""A quicker call is repeated for that long."""
LABELS = ["", "a", "b", "c"]


Subject: TypeAlias = "Callable[[Sample], Callable[[], object]]"


def _command(*arguments: str) -> Subject:
    """Returns a command of the command line; names in capitals stand for the files of a sample, and for its length."""

    def prepared(sample: Sample) -> Callable[[], object]:
        out = sample.folder / arguments[0]
        given: dict[str, object] = {
            "TEXT": sample.path,
            "LINES": sample.path_of_lines,
            "MODEL": sample.model,
            "CALIBRATED": sample.calibrated_model,
            "PIECES": sample.path_of_pieces,
            "ARPA": sample.arpa,
            "OUT": out,
        }
        given |= {"LENGTH": len(sample.text) // 16}
        typed = [str(given.get(argument, argument)) for argument in arguments]

        def run() -> None:
            shutil.rmtree(out, ignore_errors=True)
            with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.redirect_stderr(io.StringIO()):
                if charlm(typed):
                    raise RuntimeError(f"charlm {typed} has failed")

        return run

    return prepared


def _of_a_column(sample: Sample) -> Callable[[], object]:
    """Reads the lines as the cells of a table."""
    path = sample.folder / "lines.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([line] for line in sample.lines)])
    return partial(read_records, path, column="text")


def _of_counts(sample: Sample) -> Callable[[], object]:
    """Reads the lines as those of a list of frequencies."""
    path = sample.folder / "counts.tsv"
    path.write_text("".join(f"{line}\t3\n" for line in sample.lines), encoding="utf-8", newline="")
    return partial(read_counts, path)


def _shards(sample: Sample) -> Callable[[], object]:
    """Encodes several files, each to one of its own."""

    def run() -> None:
        shutil.rmtree(sample.folder / "encoded", ignore_errors=True)
        encode_files(sample.sources, sample.folder / "encoded")

    return run


class _Pipe(io.RawIOBase):
    """What arrives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        return self._content.readinto(memoryview(buffer)[:32])


def _scored_from_a_pipe(sample: Sample) -> Callable[[], object]:
    scored = _command("score", "MODEL")(sample)

    def run() -> None:
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BufferedReader(_Pipe(sample.text.encode())))
        scored()
        sys.stdin = before

    return run


def _decompressed_file(sample: Sample) -> Callable[[], object]:
    path = sample.folder / "text.ctk"
    path.write_bytes(compress(sample.text.encode()))
    return _command("decompress", str(path), "--out", "OUT")(sample)


def _beginning(sample: Sample) -> str:
    """Returns what decoders are given, which take their time for each character."""
    return sample.text[: len(sample.text) // 256]


def _frames(n_frames: int) -> NDArray[np.float64]:
    """Returns log-probabilities of labels in frames, ``(T, C)``."""
    logits = np.random.default_rng(0).standard_normal((n_frames, len(LABELS)))
    found: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return found


def _corrected_file(sample: Sample) -> Callable[[], object]:
    path = sample.folder / "beginning.txt"
    path.write_text(_beginning(sample), encoding="utf-8", newline="")
    return _command("correct", "MODEL", str(path))(sample)


def _gpt(sample: Sample) -> GPT:
    return GPT(GPTConfig(vocab_size=sample.vocabulary.size, block_size=64, n_layers=1, n_heads=1, width=16))


def _batches(sample: Sample) -> Callable[[], object]:
    batches = BatchSampler(TextDataset(sample.ids, block_size=8), 512, order="shuffled")
    return lambda: [next(batches) for _ in range(len(sample.ids) // 512)]


def _generated(settings_of: Callable[[Sample], dict[str, Any]]) -> Subject:
    return lambda sample: partial(
        CharLM.generate, sample.lm, max_new_tokens=len(sample.text) // 16, **settings_of(sample)
    )


def _of_long_symbols(sample: Sample) -> Vocabulary:
    return sample.vocabulary.extend("", symbols=["th", "the", "he", "aa", "xx", "in "])


UNTUNED = ("--smoothing", "learned")
"""Tuning takes up to 40 steps of a time that grows with the text, and may stop after one: its growth says nothing."""


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
    "Vocabulary.encode, long symbols": lambda it: partial(_of_long_symbols(it).encode, it.text),
    "Vocabulary.decode, long symbols": lambda it: partial(
        _of_long_symbols(it).decode, _of_long_symbols(it).encode(it.text)
    ),
    "Vocabulary.char_offsets": lambda it: partial(_of_long_symbols(it).char_offsets, it.text),
    "Vocabulary.from_text, graphemes": lambda it: lambda: Vocabulary.from_text(it.text, unit="grapheme"),
    "encode_batch": lambda it: lambda: it.vocabulary.encode_batch(it.lines, bos=True, max_length=100),
    "encode_batch, ignore": lambda it: (
        lambda: Vocabulary("a", special_tokens=["pad"]).encode_batch(it.lines, errors="ignore", max_length=100)
    ),
    "decode_batch": lambda it: lambda: it.vocabulary.decode_batch(it.ids[:, None]),
    "encode_file": lambda it: lambda: encode_file(it.path, it.folder / "out"),
    "encode_files": _shards,
    "encode_texts": lambda it: lambda: encode_texts(it.lines, it.folder / "out", records=True).close(),
    "read_text": lambda it: partial(read_text, it.path),
    "read_records": lambda it: partial(read_records, it.path),
    "read_counts": _of_counts,
    "read_records, of a column": _of_a_column,
    "read_records, another delimiter": lambda it: partial(read_records, it.path, delimiter="ab\n"),
    "TokenFile.verify": lambda it: it.tokens.verify,
    "RecordDataset": lambda it: lambda: RecordDataset(it.lines),
    "RecordDataset.from_file": lambda it: partial(RecordDataset.from_file, it.path_of_lines),
    "RecordDataset of a token file": lambda it: lambda: RecordDataset(it.tokens_of_lines).joined(),
    "RecordDataset.split": lambda it: lambda: it.records.split(0.5) if len(it.lines) > 1 else None,
    "RecordDataset.fingerprint": lambda it: it.records.fingerprint,
    "TextDataset of shards, ids": lambda it: lambda: TextDataset(it.shards, 8).ids,
    "evaluate, of shards": lambda it: partial(
        evaluate, NGramLanguageModel(it.vocabulary.size, order=2).fit([0, 1]), TextDataset(it.shards, 8)
    ),
    "BatchSampler": _batches,
    "CharLM.fit": lambda it: lambda: CharLM.fit(it.text, order=ORDER, smoothing="learned"),
    "CharLM.fit, records": lambda it: lambda: CharLM.fit(it.lines, order=ORDER, smoothing="learned"),
    "CharLM.fit, bigram": lambda it: lambda: CharLM.fit(it.text, "bigram"),
    "NGramCounts, on disk": lambda it: (
        lambda: NGramCounts.from_tokens(it.ids, vocab_size=it.vocabulary.size, order=ORDER, memory="20MB")
    ),
    "NGramCounts, order 40": lambda it: (
        lambda: NGramCounts.from_tokens(it.ids[: len(it.ids) // 16], vocab_size=it.vocabulary.size, order=40)
    ),
    "NGramLanguageModel.update": lambda it: lambda: it.table.update(it.lm.vocabulary.encode(it.text)),
    "NGramLanguageModel.prune": lambda it: lambda: it.table.prune(2),
    "MixtureLanguageModel.fit, records": lambda it: (
        lambda: MixtureLanguageModel(
            [
                NGramLanguageModel(it.vocabulary.size, order=2).fit(it.records),
                BigramLanguageModel(it.vocabulary.size),
            ]
        ).fit(it.records)
    ),
    "score_samples": lambda it: lambda: it.lm.score_samples(it.lines),
    "log_probabilities": lambda it: lambda: it.lm.log_probabilities(it.text),
    "CharLM.evaluate": lambda it: lambda: it.lm.evaluate(it.text),
    "CharLM.inspect": lambda it: lambda: it.lm.inspect(it.text[: len(it.text) // 64])._repr_html_(),
    "next_symbols": lambda it: lambda: it.lm.next_symbols(it.text),
    "CharLM.calibrate": lambda it: lambda: CharLM(it.lm.stored, it.lm.vocabulary).calibrate(it.pieces),
    "CharLM.p_values": lambda it: lambda: it.calibrated.p_values(it.lines),
    "CharLM.unusual_spans": lambda it: lambda: it.calibrated.unusual_spans(it.text, 0.05),
    "classify": lambda it: lambda: classify({"a": it.lm, "b": it.lm}, it.lines),
    "CharLM.start": lambda it: partial(it.lm.start, it.text[: len(it.text) // 16]),
    "CharLM.complete": lambda it: lambda: it.lm.complete(it.text, 3, max_new_tokens=2),
    "CharLM.guess_numbers": lambda it: lambda: it.lm_of_lines.guess_numbers(it.lines),
    "CharLM.correct": lambda it: partial(it.lm.correct, _beginning(it)),
    "ErrorSpotter": lambda it: lambda: ErrorSpotter(it.lm, it.lm).log_probabilities(it.text[: len(it.text) // 16]),
    "ctc_decode": lambda it: partial(ctc_decode, _frames(len(it.text) // 256), LABELS),
    "ctc_decode_batch": lambda it: partial(ctc_decode_batch, [_frames(8)] * (len(it.text) // 2048), LABELS),
    "score, bigram": lambda it: (
        lambda: score(BigramLanguageModel(it.vocabulary.size), [it.vocabulary.encode(line) for line in it.lines])
    ),
    "score, Transformer": lambda it: lambda: score(_gpt(it), [it.vocabulary.encode(line) for line in it.lines]),
    "generate": _generated(lambda _: {}),
    "generate, after a long prompt": _generated(lambda it: {"prompt": it.text}),
    "generate, penalty": _generated(lambda _: {"repetition_penalty": 1.1}),
    "generate, long stop": _generated(lambda it: {"stop": [it.text[: len(it.text) // 16]]}),
    "generate, many samples": lambda it: partial(
        CharLM.generate, it.lm, it.text[:9], n_samples=len(it.text) // 256, max_new_tokens=9
    ),
    "generate, many prompts": lambda it: partial(
        CharLM.generate,
        it.lm,
        [it.text[start : start + 1 + start // 256 % 40] for start in range(0, len(it.text) // 2, 256)],
        max_new_tokens=9,
        return_scores=True,
    ),
    "generate, Transformer": lambda it: partial(generate, _gpt(it), it.ids, max_new_tokens=len(it.text) // 256),
    "stream": lambda it: lambda: "".join(it.lm.stream(max_new_tokens=len(it.text) // 16, stop=["zzz"])),
    "stream_ids": lambda it: lambda: list(stream_ids(it.table, [0], max_new_tokens=len(it.text) // 16)),
    "CharLM.sample": lambda it: lambda: it.lm_of_lines.sample(len(it.text) // 256, unique=False),
    "save_model": lambda it: partial(it.lm.save, it.folder / "out"),
    "CharLM.load": lambda it: partial(CharLM.load, it.model),
    "load_model": lambda it: partial(load_model, it.model),
    "save_arpa": lambda it: partial(save_arpa, it.folder / "out", it.lm.stored, it.lm.vocabulary),
    "save_javascript": lambda it: partial(save_javascript, it.folder / "out.js", it.lm.stored, it.lm.vocabulary),
    "load_arpa": lambda it: partial(load_arpa, it.arpa),
    "compress": lambda it: partial(compress, it.text.encode()),
    "decompress": lambda it: partial(decompress, compress(it.text.encode())),
    "AdaptiveCharLM.log_probabilities": lambda it: lambda: it.lm.adaptive().log_probabilities(it.text),
    "read_log": lambda it: partial(read_log, it.log),
    "write_play": lambda it: partial(write_play, it.model, it.folder / "out"),
    "write_report": lambda it: partial(write_report, it.model, it.folder / "out", text=it.text),
    "charlm prepare": _command("prepare", "TEXT", "--out", "OUT"),
    "charlm prepare --records": _command("prepare", "LINES", "--out", "OUT", "--records"),
    "charlm train": _command("train", "TEXT", "--out", "OUT", *UNTUNED),
    "charlm train --records": _command("train", "LINES", "--out", "OUT", "--records", *UNTUNED),
    "charlm update": _command("update", "MODEL", "TEXT", "--out", "OUT"),
    "charlm play": _command("play", "MODEL", "--out", "OUT"),
    "charlm prune": _command("prune", "MODEL", "--entropy", "1e-7", "--compact", "--out", "OUT"),
    "CharLM.prune": lambda it: partial(it.lm.prune, entropy=1e-7),
    "CharLM.update": lambda it: partial(it.lm.update, it.text),
    "charlm merge": _command("merge", "MODEL", "MODEL", "--out", "OUT"),
    "charlm interpolate": _command("interpolate", "MODEL", "MODEL", "--held-out", "TEXT", "--out", "OUT"),
    "CharLM.merge": lambda it: partial(it.lm.merge, it.lm),
    "CharLM.interpolate": lambda it: partial(it.lm.interpolate, it.lm, held_out=it.text),
    "charlm generate": _command("generate", "MODEL", "--max-new-tokens", "LENGTH"),
    "charlm evaluate": _command("evaluate", "MODEL", "TEXT"),
    "charlm evaluate --records": _command("evaluate", "MODEL", "TEXT", "--records"),
    "charlm score": _command("score", "MODEL", "TEXT"),
    "charlm score --json": _command("score", "MODEL", "TEXT", "--json"),
    "charlm score, from a pipe": _scored_from_a_pipe,
    "charlm calibrate": _command("calibrate", "CALIBRATED", "PIECES"),
    "charlm score --unusual": _command("score", "CALIBRATED", "TEXT", "--unusual", "0.05", "--spans"),
    "charlm correct": _corrected_file,
    "charlm info": _command("info", "MODEL"),
    "charlm report": _command("report", "MODEL", "--text", "TEXT", "--out", "OUT"),
    "charlm export arpa": _command("export", "MODEL", "--format", "arpa", "--out", "OUT"),
    "charlm export tokenizer-json": _command("export", "MODEL", "--format", "tokenizer-json", "--out", "OUT"),
    "charlm compress": _command("compress", "TEXT", "--out", "OUT"),
    "charlm decompress": _decompressed_file,
    "charlm import": _command("import", "ARPA", "--out", "OUT"),
}


def seconds(function: Callable[[], object]) -> float:
    """Returns the processor time of the quickest call, not counting the first, which makes what is made once."""
    function()
    best, spent = float("inf"), 0.0
    while spent < LEAST_SECONDS:
        started = time.process_time()
        function()
        taken = time.process_time() - started
        best, spent = min(best, taken), spent + max(taken, 1e-6)
    return best


def growth(subject: Subject, samples: dict[int, Sample]) -> list[float]:
    """Returns how many times as long a subject takes with the longer texts as with the shortest."""
    length = LENGTHS[seconds(subject(samples[LENGTHS[0]])) < QUICK]
    shortest, *longer = (seconds(subject(samples[times * length])) for times in TIMES)
    return [taken / shortest for taken in longer]


def main(*names: str) -> int:
    """Measures all subjects, or those named; prints the table, and returns in how many places it grows too fast."""
    torch.set_num_threads(1)
    table: dict[str, dict[str, float]] = {name: {} for name in names or SUBJECTS}
    too_fast = 0
    for shape, text_of in SHAPES.items():
        lengths = sorted({times * length for times in TIMES for length in LENGTHS})
        samples = {length: Sample(text_of(length), scratch_folder()) for length in lengths}
        for name, growths in table.items():
            ratios = growth(SUBJECTS[name], samples)
            growths[shape] = round(ratios[-1], 1)
            too_fast += ratios[-1] > MOST
            mark = "  too fast" if ratios[-1] > MOST else ""
            print(f"{name:36} {shape:12}", *(f"{ratio:7.1f}" for ratio in ratios), mark, flush=True)
    if not names:
        LINEARITY.write_text(json.dumps({"machine": environment(), "growth": table}, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(), encoding="utf-8")
    return too_fast


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
