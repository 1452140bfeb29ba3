"""Every reader meets files that are nearly what was written, and answers with an error that it documents, or a value.

``make torture`` sets ``CHARTOK_EXECUTIONS`` far higher.
"""

import os
import random
import re
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from command_readers import OF_A_MODEL
from fuzzing import SIGNED, Reader
from opening_functions import called, opening_functions
from readers import all_readers
from torture import TORTURE

EXECUTIONS = int(os.environ.get("CHARTOK_EXECUTIONS", "40"))
FEWEST = 8
"""What is left of them for a slow reader."""
MOST_GROWTH = 300 << 20
"""Bytes by which the most memory that was ever held may grow while one reader is tried."""
FLIPS = 50
"""How many bits of a file are flipped, and at how many lengths it is cut, unless it is all of them."""

KINDS_OF_MODELS = [
    "bigram", "ngram", "kneser-ney", "pruned", "compact", "interpolated", "calibrated", "gpt", "gpt with a prior",
    "classic-gpt", "mixture",
]  # fmt: skip
DESCRIPTIONS = [
    "classifier.json", *(f"estimator.json of {name}" for name in ("classifier", "density", "features", "outliers")),
]  # fmt: skip
WITH_CHECKSUMS = [
    "token file", "token file of records", *(f"{kind} file" for kind in KINDS_OF_MODELS), "compressed file",
    "compressed file with a model", *DESCRIPTIONS, "checkpoint, manifest", "checkpoint, tensors",
]  # fmt: skip
READERS = [
    *WITH_CHECKSUMS, *(f"{name}{SIGNED}" for name in WITH_CHECKSUMS),
    "vocabulary", "vocabulary, values", "vocabulary of long symbols, values", "vocabulary of any file", "meta.pkl",
    "tokenizer.json", "tokenizer.json, values",
    "text", "text, encoded", "text, its vocabulary", "text in UTF-16", "text in some encoding", "records",
    "records, encoded", "counts",
    *(f"{kind} table" for kind in ("csv", "tsv", "jsonl", "parquet")),
    *(f"{kind} data" for kind in ("gzip", "bz2", "xz", "zstd")), "gzip data, encoded", "compressed data, signed",
    "zip archive", "zip archive, signed", "tar archive",
    "ARPA file", "nanoGPT checkpoint", "nanoGPT checkpoint, values", "minGPT checkpoint", "GPT-2 config.json",
    "GPT-2 weights", "model to start from, signed", "log", "log, values", "run.json", "run.json, values", "flags",
    *(f"charlm {command}" for command in OF_A_MODEL), "charlm decompress", "charlm prepare", "charlm classify",
    "charlm import, ckpt.pt", "charlm import, model.arpa", "charlm --config", "charlm report, run",
    "charlm report, log",
]  # fmt: skip
FILES = [
    name for name in READERS if not name.startswith("charlm") and not name.endswith(("signed", "values", "any file"))
    and name != "text in some encoding"
]  # fmt: skip
OF_OTHER_PROGRAMS = ["parquet table", "nanoGPT checkpoint", "minGPT checkpoint", "GPT-2 weights", "tar archive"]
"""Files of formats that other programs define, which have thousands of bytes for little content."""


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    return all_readers(tmp_path_factory.mktemp("sound"))


def refusals(reader: Reader, path: Path, files: Iterable[bytes]) -> Iterator[bool]:
    """Yields whether each file is refused as documented; any other error is passed on, and the file shown."""
    for data in files:
        path.write_bytes(data)
        try:
            reader.read(path)
        except reader.documented:
            yield True
        except BaseException:
            print(f"what was read: {data!r}")  # noqa: T201 - what to make a regression test of
            raise
        else:
            yield False


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_refused_as_documented(
    readers: dict[str, Reader], tmp_path: Path, name: str, record_property: Callable[[str, int], None]
) -> None:
    reader = readers[name]
    generator = random.Random(name)  # noqa: S311 - damage
    before = peak_memory()
    executions = max(FEWEST, int(EXECUTIONS * reader.share))
    files = (reader.damaged(generator) for _ in range(executions))
    refused = sum(refusals(reader, tmp_path / "damaged", files))
    assert refused > executions // 40
    assert peak_memory() - before < MOST_GROWTH
    record_property("a damaged file is read", executions)


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_found_where_there_is_a_checksum(
    readers: dict[str, Reader], tmp_path: Path, name: str, record_property: Callable[[str, int], None]
) -> None:
    reader = readers[name]
    bits: Sequence[int] = range(8 * len(reader.sound))
    if not TORTURE or name in OF_OTHER_PROGRAMS:
        bits = random.Random(0).sample(bits, min(FLIPS, len(bits)))  # noqa: S311 - damage
    found = list(refusals(reader, tmp_path / "damaged", (flipped(reader.sound, bit) for bit in bits)))
    missed = [bit for bit, is_refused in zip(bits, found, strict=True) if not is_refused]
    assert not reader.has_checksum or all(makes_an_exponent_capital(reader.sound, bit) for bit in missed)
    record_property("a bit of a file is flipped", len(found))


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_at_every_length_is_found_where_there_is_a_checksum(
    readers: dict[str, Reader], tmp_path: Path, name: str, record_property: Callable[[str, int], None]
) -> None:
    reader = readers[name]
    every = TORTURE and name not in OF_OTHER_PROGRAMS
    lengths = range(0, len(reader.sound), 1 if every else 1 + len(reader.sound) // FLIPS)
    found = list(refusals(reader, tmp_path / "damaged", (reader.sound[:length] for length in lengths)))
    assert all(found) or not reader.has_checksum
    record_property("a file is truncated", len(found))


def test_every_reader_is_tried_and_what_has_a_checksum_is_signed_too(readers: dict[str, Reader]) -> None:
    assert set(readers) == set(READERS)
    assert {name for name, reader in readers.items() if reader.has_checksum} <= set(WITH_CHECKSUMS)


def test_every_function_that_opens_a_file_is_fuzzed(readers: dict[str, Reader], tmp_path: Path) -> None:
    """A new format cannot be forgotten: what opens its files would not be among what the readers call."""

    def read_all() -> None:
        for number, reader in enumerate(readers.values()):
            generator = random.Random(number)  # noqa: S311 - damage
            (tmp_path / f"{number}").mkdir()
            files = [reader.sound or reader.damaged(generator), reader.damaged(generator)]
            list(refusals(reader, tmp_path / f"{number}" / "damaged", files))

    reached = called(read_all)
    assert opening_functions() - reached == set()


def test_a_torture_reads_a_million_damaged_files(readers: dict[str, Reader]) -> None:
    if not TORTURE:
        pytest.skip("this is no torture")
    assert sum(max(FEWEST, int(EXECUTIONS * reader.share)) for reader in readers.values()) >= 1_000_000


def makes_an_exponent_capital(sound: bytes, bit: int) -> bool:
    """Returns whether 1e-9 becomes 1E-9, which is the same number, when a bit is flipped."""
    place = bit // 8
    return bit % 8 == 5 and re.fullmatch(rb"\de[-+]?\d", sound[place - 1 : place + 3]) is not None


def flipped(sound: bytes, bit: int) -> bytes:
    damaged = bytearray(sound)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
