"""Every way in which the library reads a file, and damaged files for each.

Damage comes in two kinds: to the bytes, which a checksum finds, and to what stands in a file whose checksum somebody
has made anew, which the checks behind it must find.
"""

import gzip
import hashlib
import io
import json
import random
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
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
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    NonFiniteLossError,
    TextDataset,
    Trainer,
    TrainerConfig,
    load_arpa,
    load_model,
    read_log,
    save_arpa,
    save_model,
)
from charlm.cli.app import main
from charlm.cli.config_file import ConfigFileError, read_flags
from charlm.cli.flags import COMMANDS
from charlm.files.model_arrays import hashed_parts
from charlm.files.model_file import load_stored_model
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import CheckpointFolder, RunFolder
from charlm.training.checkpoint import _as_json, _manifest, read_checkpoint
from chartok import (
    FileDecodeError,
    SourceError,
    TokenFile,
    TokenFileError,
    Vocabulary,
    VocabularyError,
    encode_file,
    read_text,
)
from chartok.files.envelope import sealed
from chartok.files.reading import Compression
from chartok.token_file import MAGIC, PREFIX
from mutations import as_json, mutated, mutated_json

TEXT = "ab ab\nba\u00e9\u4e00\U0001f600\r\n"
FLAGS = b'device = "cpu"\n[train]\nmax-steps = 5\nema_decay = 0.5\n[generate]\nstop = ["a", "b"]\njson = true\n'
COMMAND_LINES = {"info": "", "score": "OTHER", "evaluate": "OTHER", "generate": "--max-new-tokens 4"}
CORRUPT = (CheckpointCorruptError, CheckpointVersionError, CheckpointMismatchError)
VOCABULARY = Vocabulary("ab \n\ud83d", special_tokens=["bos", "unk"])
HELD_OUT = TextDataset([0, 1, 2, 2] * 3, block_size=2)


Damage: TypeAlias = Callable[[random.Random], bytes]
"""Makes a damaged file."""


class Reader(NamedTuple):
    """A way to read a file, and damaged files for it."""

    read: Callable[[Path], object]
    documented: tuple[type[Exception], ...]
    damaged: Damage
    share: float = 1
    """Of the executions of a fast reader: a slow one gets fewer."""
    sound: bytes = b""
    """The file as it was written; empty where a signature must be made with the damage."""
    has_checksum: bool = False
    """Over all of it, so that no bit may change."""


class EmptyTextError(ValueError):
    """A text is empty, which ``encode_file`` says by a plain ``ValueError``."""


class OneLineError(Exception):
    """The command line said in one line what is wrong, as it should."""


def of_bytes(
    sound: bytes,
    read: Callable[[Path], object],
    *documented: type[Exception],
    share: float = 1,
    has_checksum: bool = False,
) -> Reader:
    return Reader(read, documented, lambda generator: mutated(sound, generator), share, sound, has_checksum)


def of_values(values: Any, read: Callable[[Path], object], *documented: type[Exception]) -> Reader:
    return Reader(read, documented, lambda generator: as_json(mutated_json(values, generator)))


def vocabulary_of_a_file(path: Path) -> object:
    vocabulary = Vocabulary.load(path)
    assert vocabulary.decode(range(len(vocabulary.symbols))) is not None
    return vocabulary.fingerprint


def tokens_of_a_text(path: Path, *, compression: Compression = "none") -> object:
    try:
        with encode_file(path, path.with_suffix(".tokens"), compression=compression) as tokens:
            return tokens.sha256
    except ValueError as error:
        if "text is empty" in str(error):
            raise EmptyTextError from None
        raise


def tokens_of_gzip_data(path: Path) -> object:
    return tokens_of_a_text(path, compression="gzip")


def command_line(command: str, other: Path) -> Callable[[Path], object]:
    """Returns what runs a command on a file; the other one is OTHER."""

    def read(path: Path) -> object:
        said, wrong = io.StringIO(), io.StringIO()
        arguments = [{"FILE": str(path), "OTHER": str(other)}.get(word, word) for word in command.split()]
        with redirect_stdout(said), redirect_stderr(wrong):
            code = main(arguments)
        if code == 0:
            assert not wrong.getvalue()
            return said.getvalue()
        assert code in (1, 2)
        assert re.fullmatch("charlm: .+\n", wrong.getvalue())
        raise OneLineError(wrong.getvalue())

    return read


def report_with(name: str, model: Path) -> Callable[[Path], object]:
    """Returns what makes the report of a run folder that holds a model and the damaged file."""
    report = command_line("report FILE", model)

    def read(path: Path) -> object:
        folder = path.with_suffix(".run")
        folder.mkdir(exist_ok=True)
        shutil.copy(model, RunFolder(folder).model_path)
        path.replace(folder / name)
        return report(folder)

    return read


def all_ids_of_a_token_file(path: Path) -> object:
    with TokenFile(path) as tokens:
        total = tokens.read(0, len(tokens)).sum()
        tokens.verify()
        return total


def signed_token_file(sound: bytes) -> Damage:
    length = int.from_bytes(sound[len(MAGIC) : len(MAGIC) + 8], "little")
    header, ids = json.loads(sound[PREFIX : PREFIX + length]), sound[PREFIX + length :]

    def damaged(generator: random.Random) -> bytes:
        encoded = as_json(mutated_json(header, generator))
        return MAGIC + len(encoded).to_bytes(8, "little") + hashlib.sha256(encoded).digest() + encoded + ids

    return damaged


def a_prediction_of_a_model_file(path: Path) -> object:
    """Returns the logits of the model; what is loaded without PyTorch predicts the same, or is refused as well."""
    try:
        counted = load_stored_model(path)
    except CORRUPT as refused:
        with pytest.raises(type(refused)):
            load_model(path)
        raise
    model, vocabulary = load_model(path)
    assert model.vocab_size == vocabulary.size
    logits = model.eval().logits(torch.tensor([[0]])).detach()
    if not isinstance(counted[0], LanguageModel):
        (row,) = counted[0].distributions(np.array([0]))
        shares = np.exp(row) / np.exp(row).sum()  # a hostile table need not sum to 1
        np.testing.assert_allclose(shares, logits[0].softmax(dim=-1), rtol=0, atol=1e-2)  # half precision
        assert counted[1] == vocabulary
    return logits


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
            changed = sealed(changed, more=hashed_parts(parts))
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


def signed_state(checkpoint: Path) -> Damage:
    """Damages what a checkpoint holds of a run beside the model; the damaged file is that of the tensors and values."""
    values = read_checkpoint(checkpoint).values
    tensors = safetensors.torch.load_file(CheckpointFolder(checkpoint).tensors_path)

    def damaged(generator: random.Random) -> bytes:
        changed, parts = values, dict(tensors)
        if generator.random() < 0.6:
            changed = mutated_json(values, generator)
        if generator.random() < 0.6:
            name = generator.choice(list(parts))
            parts[name] = odd_tensor(parts[name], generator)
        return safetensors.torch.save(parts, {"values": json.dumps(changed)})

    return damaged


def models() -> Iterator[LanguageModel]:
    size, never = VOCABULARY.size, (VOCABULARY.special_tokens["bos"],)
    ngram = NGramLanguageModel(size, order=3, context_only=never).fit([0, 1, 2, 0, 1, 3, 4, 2, 5, 0])
    config = GPTConfig(vocab_size=size, block_size=4, n_layers=1, n_heads=1, width=4, hash_rows=2, context_only=never)
    gpt = GPT(config)
    classic = ClassicGPT(
        ClassicGPTConfig(vocab_size=size, block_size=4, n_layers=1, n_heads=1, width=4, context_only=never)
    )
    bigram = BigramLanguageModel(size, seed=1, context_only=never)
    yield from (bigram, ngram, gpt, classic, MixtureLanguageModel([gpt, ngram]))


def all_readers(folder: Path) -> dict[str, Reader]:
    """Returns the readers by name; sound files that they need are made in a folder."""
    (folder / "input.txt").write_text("ab ab\nba" * 9, encoding="utf-8", newline="")
    return {
        **readers_of_chartok(folder),
        **readers_of_models(folder),
        **readers_of_runs(folder),
        **readers_of_command_lines(folder),
    }


def readers_of_chartok(folder: Path) -> dict[str, Reader]:
    description = VOCABULARY.to_dict()
    encode_file(folder / "input.txt", folder / "input.tokens").close()
    tokens = (folder / "input.tokens").read_bytes()
    text = (TEXT * 9).encode()
    compressed = gzip.compress(text, mtime=0)
    refusals = (FileDecodeError, SourceError, EmptyTextError)
    return {
        "vocabulary": of_bytes(as_json(description), vocabulary_of_a_file, VocabularyError),
        "vocabulary, values": of_values(description, vocabulary_of_a_file, VocabularyError),
        "token file": of_bytes(tokens, all_ids_of_a_token_file, TokenFileError, has_checksum=True),
        "token file, signed": Reader(all_ids_of_a_token_file, (TokenFileError,), signed_token_file(tokens)),
        "text": of_bytes(text, read_text, FileDecodeError, SourceError),
        "text, encoded": of_bytes(text, tokens_of_a_text, *refusals, share=0.1),
        "gzip data, encoded": of_bytes(compressed, tokens_of_gzip_data, *refusals, share=0.1),
    }


def readers_of_models(folder: Path) -> dict[str, Reader]:
    found = {}
    for model in models():
        path = folder / f"{model.family}.safetensors"
        save_model(path, model, VOCABULARY)
        read = a_prediction_of_a_model_file
        found[f"{model.family} file"] = of_bytes(path.read_bytes(), read, *CORRUPT, has_checksum=True)
        found[f"{model.family} file, signed"] = Reader(read, CORRUPT, signed_model_file(path))
    of_records = NGramLanguageModel(4, order=3, context_only=[3]).fit([3, 0, 1, 2, 0, 1, 3, 1, 2])
    save_arpa(folder / "model.arpa", of_records, Vocabulary("ab\n", special_tokens=["bos"]))
    found["ARPA file"] = of_bytes((folder / "model.arpa").read_bytes(), load_arpa, ArpaFileError)
    return found


def readers_of_runs(folder: Path) -> dict[str, Reader]:
    checkpoint = a_run(folder / "run").save_checkpoint()
    files = CheckpointFolder(checkpoint).manifest_path, CheckpointFolder(checkpoint).tensors_path
    manifest, tensors = (file.read_bytes() for file in files)
    manifest_read, tensors_read = (checkpoint_with(checkpoint, file.name) for file in files)
    resumed = (*CORRUPT, CheckpointMismatchError, NonFiniteLossError)
    description = RunDescription(text="a.txt", characters=9, symbols=3, excerpt="ab", settings={"order": 3})
    RunFolder(folder).write_description(description)
    described = (folder / "run.json").read_bytes()
    return {
        "checkpoint, manifest": of_bytes(manifest, manifest_read, *CORRUPT, has_checksum=True),
        "checkpoint, tensors": of_bytes(tensors, tensors_read, *CORRUPT, has_checksum=True),
        "checkpoint, signed": Reader(manifest_read, (*CORRUPT, OSError), signed_manifest(manifest)),
        "checkpoint, resumed": Reader(a_run_that_goes_on, resumed, signed_state(checkpoint), share=0.05),
        "log": of_bytes((folder / "run" / "log.jsonl").read_bytes(), read_log, ValueError),
        "run.json": of_bytes(described, run_description, ValueError),
        "run.json, values": of_values(json.loads(described), run_description, ValueError),
        "flags": of_bytes(FLAGS, lambda path: read_flags(path, "train", COMMANDS), ConfigFileError),
    }


def readers_of_command_lines(folder: Path) -> dict[str, Reader]:
    model, text = folder / "bigram.safetensors", folder / "input.txt"
    refused = (OneLineError,)
    damaged = signed_model_file(folder / "ngram.safetensors")
    found = {
        f"charlm {command}": Reader(command_line(f"{command} FILE {rest}", text), refused, damaged, share=0.01)
        for command, rest in COMMAND_LINES.items()
    }
    with_flags = command_line("generate OTHER --max-new-tokens 4 --config FILE", model)
    found["charlm --config"] = of_bytes(FLAGS, with_flags, *refused, share=0.01)
    for name in ("run.json", "run/log.jsonl"):
        sound = folder / name
        found[f"charlm report, {sound.stem}"] = of_bytes(
            sound.read_bytes(), report_with(sound.name, model), *refused, share=0.01
        )
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


def batches() -> BatchSampler:
    return BatchSampler(TextDataset([0, 1, 2] * 9, block_size=2), batch_size=2, seed=0)


def a_run(folder: Path) -> Trainer:
    config = TrainerConfig(max_steps=2, learning_rate=0.05, log_interval=1, checkpoint_interval=1, ema_decay=0.5)
    model = BigramLanguageModel(VOCABULARY.size)
    trainer = Trainer(model, batches(), validation=HELD_OUT, config=config, folder=folder, vocabulary=VOCABULARY)
    return trainer.fit()


def a_run_that_goes_on(path: Path) -> object:
    """Goes on from a checkpoint with the damaged values and tensors, signed, for a step."""
    run = path.with_suffix(".run")
    if not run.exists():
        a_run(run)
    last = RunFolder(run).checkpoint_paths()[-1]
    with safetensors.safe_open(path, framework="pt") as file:
        values = json.loads(file.metadata()["values"])
    folder = path.with_suffix(".damaged")
    shutil.rmtree(folder, ignore_errors=True)
    checkpoint = CheckpointFolder(folder / last.relative_to(run))
    checkpoint.path.mkdir(parents=True)
    model, tensors = CheckpointFolder(last).model_path.read_bytes(), path.read_bytes()
    checkpoint.model_path.write_bytes(model)
    checkpoint.tensors_path.write_bytes(tensors)
    manifest = _manifest({checkpoint.model_path.name: model, checkpoint.tensors_path.name: tensors}, values)
    checkpoint.manifest_path.write_bytes(manifest)
    shutil.copy(run / "log.jsonl", folder)
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of settings of the machine
        trainer = Trainer.resume(folder, batches(), validation=HELD_OUT)
    with trainer._random.in_force():
        trainer._train_step()
        trainer._make_entry()
    return trainer.save_checkpoint()


def run_description(path: Path) -> object:
    path.replace(path.with_name("run.json"))
    return RunFolder(path.parent).read_description()
