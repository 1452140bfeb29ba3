"""Every reader meets files that are nearly what was written, and answers with an error that it documents, or a value.

Damage comes in two kinds: to the bytes, which a checksum finds, and to what stands in a file whose checksum somebody
has made anew, which the checks behind it must find. ``make torture`` sets ``CHARTOK_EXECUTIONS`` far higher.
"""

import hashlib
import json
import os
import random
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
import safetensors
import safetensors.torch
import torch

from charlm import (
    GPT,
    ArpaFileError,
    BatchSampler,
    BigramLanguageModel,
    CheckpointCorruptError,
    CheckpointMismatchError,
    CheckpointVersionError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextDataset,
    Trainer,
    TrainerConfig,
    load_arpa,
    load_model,
    read_records,
    save_arpa,
    save_model,
)
from charlm.checkpoint import MANIFEST, TENSORS, _as_json, read_checkpoint
from charlm.configfile import ConfigFileError, read_flags
from charlm.flags import COMMANDS
from charlm.modelfile import _digest
from charlm.runfile import RunDescription
from chartok import TokenFile, TokenFileError, Vocabulary, VocabularyError, encode_file
from chartok.tokenfile import MAGIC, PREFIX
from mutations import as_json, mutated, mutated_json

EXECUTIONS = int(os.environ.get("CHARTOK_EXECUTIONS", "150"))
MOST_GROWTH = 300 << 20
"""Bytes by which the most memory that was ever held may grow while one reader is tried."""

VOCABULARY = Vocabulary("ab \n\ud83d", special_tokens=["bos", "unk"])


Damage: TypeAlias = Callable[[random.Random], bytes]
"""Makes a damaged file."""


class Reader(NamedTuple):
    """A way to read a file, and damaged files for it."""

    read: Callable[[Path], object]
    documented: tuple[type[Exception], ...]
    damaged: Damage


def of_bytes(sound: bytes) -> Damage:
    return lambda generator: mutated(sound, generator)


def vocabulary_of_a_file(path: Path) -> object:
    vocabulary = Vocabulary.load(path)
    assert vocabulary.decode(range(len(vocabulary.characters))) is not None
    return vocabulary.fingerprint


def all_ids_of_a_token_file(path: Path) -> object:
    with TokenFile(path) as tokens:
        return tokens.read(0, len(tokens)).sum()


def signed_token_file(sound: bytes) -> Damage:
    length = int.from_bytes(sound[len(MAGIC) : len(MAGIC) + 8], "little")
    header, ids = json.loads(sound[PREFIX : PREFIX + length]), sound[PREFIX + length :]

    def damaged(generator: random.Random) -> bytes:
        encoded = as_json(mutated_json(header, generator))
        return MAGIC + len(encoded).to_bytes(8, "little") + hashlib.sha256(encoded).digest() + encoded + ids

    return damaged


def a_prediction_of_a_model_file(path: Path) -> object:
    model, vocabulary = load_model(path)
    assert model.vocab_size == vocabulary.size
    return model.eval().logits(torch.tensor([[0]]))


def signed_model_file(path: Path) -> Damage:
    with safetensors.safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()["charlm"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    del content["sha256"]

    def damaged(generator: random.Random) -> bytes:
        changed, parts = mutated_json(content, generator), dict(tensors)
        if generator.random() < 0.5:
            name = generator.choice(list(parts))
            parts[name] = odd_tensor(parts[name], generator)
        if isinstance(changed, dict):
            changed["sha256"] = _digest(changed, parts)
        return safetensors.torch.save(parts, {"charlm": json.dumps(changed)})

    return damaged


def odd_tensor(tensor: torch.Tensor, generator: random.Random) -> torch.Tensor:
    """Returns a tensor of another shape or type, or with values that do not belong there."""
    match generator.randrange(5):
        case 0:
            return tensor[..., :-1].contiguous() if tensor.ndim and tensor.shape[-1] else tensor.reshape(1, -1)
        case 1:
            return tensor.to(generator.choice((torch.float16, torch.int32, torch.bool, torch.float64)))
        case 2:
            return tensor.flatten().flip(0).reshape(tensor.shape).contiguous()
        case 3:
            if tensor.is_floating_point():
                return torch.full_like(tensor, torch.nan)
            bounds = torch.iinfo(tensor.dtype)
            return torch.full_like(tensor, generator.choice((bounds.min, bounds.max, min(bounds.max, 2**40))))
        case _:
            return torch.zeros((0, *tensor.shape[1:]), dtype=tensor.dtype)


def signed_manifest(sound: bytes) -> Damage:
    content = json.loads(sound)
    del content["sha256"]

    def damaged(generator: random.Random) -> bytes:
        changed = mutated_json(content, generator)
        if not isinstance(changed, dict):
            return as_json(changed)
        return _as_json(changed | {"sha256": hashlib.sha256(_as_json(changed)).hexdigest()})

    return damaged


def models() -> Iterator[LanguageModel]:
    ngram = NGramLanguageModel(VOCABULARY.size, order=3).fit([0, 1, 2, 0, 1, 3, 4, 2, 0])
    gpt = GPT(GPTConfig(vocab_size=VOCABULARY.size, block_size=4, n_layers=1, n_heads=1, width=4, hash_rows=2))
    yield from (BigramLanguageModel(VOCABULARY.size, seed=1), ngram, gpt, MixtureLanguageModel([gpt, ngram]))


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    folder = tmp_path_factory.mktemp("sound")
    found: dict[str, Reader] = {}

    def add(
        name: str, read: Callable[[Path], object], documented: Any, damaged: Callable[[random.Random], bytes]
    ) -> None:
        found[name] = Reader(read, (documented,) if isinstance(documented, type) else documented, damaged)

    description = VOCABULARY.to_dict()
    add("vocabulary", vocabulary_of_a_file, VocabularyError, of_bytes(as_json(description)))
    add(
        "vocabulary, values",
        vocabulary_of_a_file,
        VocabularyError,
        lambda generator: as_json(mutated_json(description, generator)),
    )
    (folder / "input.txt").write_text("ab ab\nba" * 9, encoding="utf-8", newline="")
    encode_file(folder / "input.txt", folder / "input.tokens").close()
    tokens = (folder / "input.tokens").read_bytes()
    add("token file", all_ids_of_a_token_file, TokenFileError, of_bytes(tokens))
    add("token file, signed", all_ids_of_a_token_file, TokenFileError, signed_token_file(tokens))

    refusals = (CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError)
    for model in models():
        path = folder / f"{model.kind}.safetensors"
        save_model(path, model, VOCABULARY)
        add(f"{model.kind} file", a_prediction_of_a_model_file, refusals, of_bytes(path.read_bytes()))
        add(f"{model.kind} file, signed", a_prediction_of_a_model_file, refusals, signed_model_file(path))

    batches = BatchSampler(TextDataset([0, 1, 2] * 9, block_size=2), batch_size=2, seed=0)
    config = TrainerConfig(max_steps=2, record_interval=1, checkpoint_interval=1)
    trainer = Trainer(
        BigramLanguageModel(VOCABULARY.size), batches, config=config, folder=folder / "run", vocabulary=VOCABULARY
    ).fit()
    checkpoint = trainer.save_checkpoint()
    for name in (MANIFEST, TENSORS):
        add(
            f"checkpoint, {name}",
            checkpoint_with(checkpoint, name),
            refusals,
            of_bytes((checkpoint / name).read_bytes()),
        )
    manifest = (checkpoint / MANIFEST).read_bytes()
    add("checkpoint, signed", checkpoint_with(checkpoint, MANIFEST), (*refusals, OSError), signed_manifest(manifest))
    add("records", read_records, ValueError, of_bytes((folder / "run" / "records.jsonl").read_bytes()))
    toml = b'device = "cpu"\n[train]\nmax-steps = 5\nema_decay = 0.5\n[generate]\nstop = ["a", "b"]\njson = true\n'
    save_arpa(folder / "model.arpa", NGramLanguageModel(3, order=3).fit([0, 1, 2, 0, 1, 1, 2]), Vocabulary("ab\n"))
    add("ARPA file", load_arpa, ArpaFileError, of_bytes((folder / "model.arpa").read_bytes()))
    RunDescription(text="a.txt", characters=9, symbols=3, excerpt="ab", settings={"order": 3}).write(folder)
    run_file = (folder / "run.json").read_bytes()
    add("run.json", run_description, ValueError, of_bytes(run_file))
    run_values = json.loads(run_file)
    add("run.json, values", run_description, ValueError, lambda generator: as_json(mutated_json(run_values, generator)))
    add("flags", lambda path: read_flags(path, "train", COMMANDS), ConfigFileError, of_bytes(toml))
    return found


def checkpoint_with(sound: Path, name: str) -> Callable[[Path], object]:
    """Returns what reads a checkpoint that has another file in place of one of its own."""

    def read(path: Path) -> object:
        folder = path.with_suffix(".step")
        if not folder.exists():
            folder.mkdir()
            for file in sound.iterdir():
                (folder / file.name).write_bytes(file.read_bytes())
        (folder / name).write_bytes(path.read_bytes())
        return read_checkpoint(folder).values

    return read


def run_description(path: Path) -> object:
    path.replace(path.with_name("run.json"))
    return RunDescription.read(path.parent)


READERS = [
    "vocabulary", "vocabulary, values", "token file", "token file, signed",
    *(f"{kind} file{signed}" for kind in ("bigram", "ngram", "gpt", "mixture") for signed in ("", ", signed")),
    "checkpoint, manifest.json", "checkpoint, training.safetensors", "checkpoint, signed", "records", "flags",
    "ARPA file", "run.json", "run.json, values",
]  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_refused_as_documented(readers: dict[str, Reader], tmp_path: Path, name: str) -> None:
    assert set(readers) == set(READERS)
    reader = readers[name]
    path = tmp_path / "damaged"
    generator = random.Random(name)  # noqa: S311 - damage
    before = peak_memory()
    refused = 0
    for execution in range(EXECUTIONS):
        data = reader.damaged(generator)
        path.write_bytes(data)
        try:
            reader.read(path)
        except reader.documented:
            refused += 1
        except BaseException:
            print(f"execution {execution}: {data!r}")  # noqa: T201 - what to make a regression test of
            raise
    assert refused > EXECUTIONS // 20
    assert peak_memory() - before < MOST_GROWTH


def peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
