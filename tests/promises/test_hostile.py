"""Files that somebody made to do harm: they are refused by name, nothing is executed, and little memory is taken."""

import json
import os
import pickle
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm import CharLM, CheckpointCorruptError, load_model
from charlm.files.model_file import load_stored_model
from charlm.files.run_folder import RunFolder
from charlm.training.checkpoint import newest_checkpoint, read_checkpoint
from chartok import TokenFile, TokenFileError, Vocabulary, VocabularyError, encode_file
from chartok.files.reading import Compression
from chartok.token_file import MAGIC
from little_memory import READERS
from signing import COMPRESSIONS
from torture import TORTURE

MOST_GROWTH = 64 << 20
"""Bytes that a refusal may take."""


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return (Path.touch, (self.path,))


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < MOST_GROWTH


def refused(path: Path) -> None:
    """Makes sure that no reader takes a file."""
    with pytest.raises(CheckpointCorruptError, match=path.name):
        load_model(path)
    with pytest.raises(CheckpointCorruptError, match=path.name):
        load_stored_model(path)
    with pytest.raises(CheckpointCorruptError, match=path.name):
        CharLM.load(path)
    with pytest.raises(TokenFileError, match=path.name):
        TokenFile(path)
    with pytest.raises(VocabularyError, match=path.name):
        Vocabulary.load(path)


@pytest.mark.parametrize("name", ["model.safetensors", "corpus.tokens", "vocabulary.json"])
def test_a_pickle_under_our_suffix_is_not_unpickled(tmp_path: Path, name: str) -> None:
    bomb = Bomb(tmp_path / "exploded")
    for data in (pickle.dumps(bomb), pickle.dumps({"model": bomb}, protocol=0)):
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name)
    torch.save({"model": bomb}, tmp_path / name)
    refused(tmp_path / name)
    np.save(tmp_path / "array.npy", np.array([bomb], dtype=object), allow_pickle=True)
    (tmp_path / "array.npy").replace(tmp_path / name)
    refused(tmp_path / name)
    assert not bomb.path.exists()


@pytest.mark.parametrize("length", [0, 1, 100_000_001, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_header_that_says_it_is_huge_is_not_allocated(tmp_path: Path, length: int) -> None:
    (tmp_path / "file").write_bytes(struct.pack("<Q", length) + b'{"a":1}')
    refused(tmp_path / "file")
    (tmp_path / "file").write_bytes(MAGIC + struct.pack("<Q", length) + bytes(32) + b'{"a":1}')
    refused(tmp_path / "file")


@pytest.mark.parametrize("shape", [[2**62], [2**32, 2**32], [2**20] * 9, [-1], [10**30]])
def test_a_tensor_that_says_it_is_huge_is_not_allocated(tmp_path: Path, shape: list[int]) -> None:
    header = json.dumps({"table": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    (tmp_path / "file").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refused(tmp_path / "file")


@pytest.mark.parametrize("text", ["[" * 1_000_000, '{"a":' * 100_000, '{"version": ' + "9" * 1_000_000 + "}"])
def test_deep_and_long_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vocabulary.json").write_text(text)
    refused(tmp_path / "vocabulary.json")


@pytest.mark.parametrize("kind", COMPRESSIONS if TORTURE else ["gzip"])
def test_a_text_that_unpacks_a_thousandfold_takes_no_memory(tmp_path: Path, kind: Compression) -> None:
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(COMPRESSIONS[kind](b"a" * (1 << 20)) * 128)  # one stream after the other
    assert path.stat().st_size < 256_000
    refused(path)
    with encode_file(path, tmp_path / "bomb.tokens", compression=kind) as tokens:
        assert len(tokens) == 128 << 20


def test_a_checkpoint_names_no_file_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "checkpoints" / "step-0000000001"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    manifest = {"version": 1, "files": {"../../../secret": {"bytes": 6, "sha256": "0" * 64}}, "values": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointCorruptError) as caught:
        read_checkpoint(folder)
    assert "secret" not in str(caught.value).replace(str(tmp_path), "")


def test_a_checkpoint_that_is_a_link_to_itself_is_no_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "step-0000000001").symlink_to(folder / "step-0000000001")
    with pytest.raises(CheckpointCorruptError, match=r"no checkpoint in .* is valid"):
        newest_checkpoint(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell what a process holds")
def test_a_process_that_can_have_little_memory_refuses_every_hostile_file(tmp_path: Path) -> None:
    tensor = json.dumps({"table": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    hostile = {
        "deep": b"[" * 1_000_000,
        "header": struct.pack("<Q", 2**63) + b"{}",
        "tensor": struct.pack("<Q", len(tensor)) + tensor,
        "tokens": MAGIC + struct.pack("<Q", 2**62) + bytes(32),
        "sparse": b"[",
        "sparse-tensor": struct.pack("<Q", len(tensor)) + tensor,
        "sparse-tokens": MAGIC + struct.pack("<Q", 2**39) + bytes(32),
    }
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content + b"\n")
        if name.startswith("sparse"):
            os.truncate(tmp_path / name, 2**40)
    program = Path(__file__).parents[1] / "support" / "little_memory.py"
    done = subprocess.run(
        [sys.executable, program, str(MOST_GROWTH), *(tmp_path / name for name in hostile)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{name} is no {kind}" for name in hostile for kind in READERS]


def test_a_file_that_is_far_too_large_for_json_is_not_read(tmp_path: Path) -> None:
    for name in ("vocabulary.json", "run.json"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 2**40)
    with pytest.raises(VocabularyError, match=r"vocabulary\.json.*longer than 67,108,864 bytes"):
        Vocabulary.load(tmp_path / "vocabulary.json")
    with pytest.raises(ValueError, match=r"run\.json.*longer than 67,108,864 bytes"):
        RunFolder(tmp_path).read_description()
