"""Every reader meets files that are nearly what was written, and answers with an error that it documents, or a value.

``make torture`` sets ``CHARTOK_EXECUTIONS`` far higher.
"""

import os
import random
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from readers import COMMAND_LINES, Reader, all_readers
from torture import TORTURE

EXECUTIONS = int(os.environ.get("CHARTOK_EXECUTIONS", "150"))
FEWEST = 40
"""What is left of them for a slow reader."""
MOST_GROWTH = 300 << 20
"""Bytes by which the most memory that was ever held may grow while one reader is tried."""
FLIPS = 200
"""Bits of a file that are flipped, unless it is all of them."""

READERS = [
    "vocabulary", "vocabulary, values", "token file", "token file, signed",
    *(f"{kind} file" for kind in ("bigram", "ngram", "gpt", "classic-gpt", "mixture")),
    *(f"{kind} file, signed" for kind in ("bigram", "ngram", "gpt", "classic-gpt", "mixture")),
    "checkpoint, manifest", "checkpoint, tensors", "checkpoint, signed", "log", "flags",
    "ARPA file", "run.json", "run.json, values", "text", "text, encoded", "gzip data, encoded", "checkpoint, resumed",
    *(f"charlm {command}" for command in COMMAND_LINES), "charlm --config",
    "charlm report, run", "charlm report, log",
]  # fmt: skip
FILES = [name for name in READERS if not name.endswith(("signed", "values", "resumed")) and "charlm" not in name]


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
    assert set(readers) == set(READERS)
    reader = readers[name]
    generator = random.Random(name)  # noqa: S311 - damage
    before = peak_memory()
    executions = max(FEWEST, int(EXECUTIONS * reader.share))
    files = (reader.damaged(generator) for _ in range(executions))
    refused = sum(refusals(reader, tmp_path / "damaged", files))
    assert refused > executions // 20
    assert peak_memory() - before < MOST_GROWTH
    record_property("a damaged file is read", executions)


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_found_where_there_is_a_checksum(
    readers: dict[str, Reader], tmp_path: Path, name: str, record_property: Callable[[str, int], None]
) -> None:
    reader = readers[name]
    bits: Sequence[int] = range(8 * len(reader.sound))
    if not TORTURE:
        bits = random.Random(0).sample(bits, FLIPS)  # noqa: S311 - damage
    found = list(refusals(reader, tmp_path / "damaged", (flipped(reader.sound, bit) for bit in bits)))
    assert all(found) or not reader.has_checksum
    record_property("a bit of a file is flipped", len(found))


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_at_every_length_is_found_where_there_is_a_checksum(
    readers: dict[str, Reader], tmp_path: Path, name: str, record_property: Callable[[str, int], None]
) -> None:
    reader = readers[name]
    lengths = range(0, len(reader.sound), 1 if TORTURE else 1 + len(reader.sound) // FLIPS)
    found = list(refusals(reader, tmp_path / "damaged", (reader.sound[:length] for length in lengths)))
    assert all(found) or not reader.has_checksum
    record_property("a file is truncated", len(found))


def test_a_torture_reads_a_million_damaged_files(readers: dict[str, Reader]) -> None:
    if not TORTURE:
        pytest.skip("this is no torture")
    assert sum(max(FEWEST, int(EXECUTIONS * reader.share)) for reader in readers.values()) >= 1_000_000


def flipped(sound: bytes, bit: int) -> bytes:
    damaged = bytearray(sound)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
