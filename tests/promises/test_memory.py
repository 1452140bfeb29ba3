"""What reading a file can take: at most ``FACTOR`` times its size and a little more, whatever is in it."""

import hashlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chartok import Vocabulary
from chartok.files.envelope import sealed
from chartok.token_file import MAGIC
from little_memory import READERS
from torture import TORTURE

FACTOR = 16
MOST_GROWTH = 64 << 20
"""As in ``test_hostile``."""
SIZE = 12 << 20 if TORTURE else 6 << 20
VALUES = {
    "lists": "[]",
    "objects": "{}",
    "nested": "[[[[]]]]",
    "short": '"\u4e2d"',
    "numbers": "4321",
    "fractions": "0.1",
    "letters": '"a"',
}
NESTINGS: dict[str, Callable[[str], bytes]] = {
    "a vocabulary": lambda values: vocabulary_of(values).encode(),
    "a token file": lambda values: token_file(vocabulary_of(values).encode()),
    "the header of tensors": lambda values: tensor_file(f'{{"__metadata__": {{}}, "a": {values}}}'.encode()),
    "the description of a model": lambda values: tensor_file(
        json.dumps({"__metadata__": {"charlm": f'{{"version": 1, "vocabulary": {vocabulary_of(values)}}}'}}).encode()
    ),
    "an object": lambda values: ('{"version": 1, ' + keyed(values) + "}").encode(),
}


def vocabulary_of(tokens: str) -> str:
    return f'{{"format": "chartok.vocabulary", "version": 1, "tokens": {tokens}}}'


def token_file(header: bytes) -> bytes:
    return MAGIC + len(header).to_bytes(8, "little") + hashlib.sha256(header).digest() + header


def tensor_file(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def keyed(values: str) -> str:
    return ",".join(f'"{number}":{value}' for number, value in enumerate(values[1:-1].split(",")))


def read_with_little_memory(most: int, paths: list[Path]) -> subprocess.CompletedProcess[str]:
    program = Path(__file__).parents[1] / "support" / "little_memory.py"
    return subprocess.run(
        [sys.executable, program, str(most), *paths],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell what a process holds")
@pytest.mark.parametrize("kind", VALUES if TORTURE else ["objects", "letters"])
def test_values_beyond_number_are_refused_in_memory_for_sixteen_files(tmp_path: Path, kind: str) -> None:
    value = VALUES[kind]
    values = f"[{','.join([value] * (SIZE // (len(value) + 1)))}]"
    paths = [tmp_path / name.replace(" ", "-") for name in NESTINGS]
    for path, nested in zip(paths, NESTINGS.values(), strict=True):
        path.write_bytes(nested(values) + b"\n")
    done = read_with_little_memory(FACTOR * min(path.stat().st_size for path in paths) + MOST_GROWTH, paths)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{path.name} is no {reader}" for path in paths for reader in READERS]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell what a process holds")
def test_a_mixture_that_says_it_has_thousands_of_layers_is_not_made(tmp_path: Path) -> None:
    shape = {"vocab_size": 2, "block_size": 2, "n_layers": 256, "n_heads": 1, "width": 2, "hash_rows": 0}
    models = [{"family": "gpt", "settings": shape}] * 32
    content = {
        "version": 1,
        "family": "mixture",
        "settings": {"models": models},
        "vocabulary": Vocabulary("ab").to_dict(),
        "library": "1",
    }
    header = json.dumps({"__metadata__": {"charlm": json.dumps(sealed(content))}}).encode()
    (tmp_path / "hostile").write_bytes(tensor_file(header))
    done = read_with_little_memory(MOST_GROWTH, [tmp_path / "hostile"])
    assert done.stderr == ""
    assert "hostile is no model" in done.stdout


def test_a_vocabulary_of_every_code_point_is_not_too_large(tmp_path: Path) -> None:
    vocabulary = Vocabulary(map(chr, range(0x110000)), special_tokens=["bos", "eos", "pad", "unk"])
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary
