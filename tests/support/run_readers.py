"""How charlm reads the folder of a run, and goes on with it."""

import json
import shutil
import warnings
from pathlib import Path

import safetensors

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    CheckpointMismatchError,
    NonFiniteLossError,
    TextDataset,
    Trainer,
    TrainerConfig,
    read_log,
)
from charlm.cli.config_file import ConfigFileError, read_flags
from charlm.cli.flags import COMMANDS
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import CheckpointFolder, RunFolder
from charlm.training.checkpoint import _manifest, read_checkpoint
from fuzzing import CORRUPT, Damage, Read, Reader, of_bytes, of_values
from mutations import as_json, mutated_json
from signing import signed_manifest, signed_model_file, signed_state
from text_readers import VOCABULARY

FLAGS = b'device = "cpu"\n[train]\nmax-steps = 5\nema_decay = 0.5\n[generate]\nstop = ["a", "b"]\njson = true\n'
HELD_OUT = TextDataset([0, 1, 2, 2] * 3, block_size=2)
ONE_STEP = TrainerConfig(max_steps=1, log_interval=1)


def readers_of_runs(folder: Path) -> dict[str, Reader]:
    checkpoint = a_run(folder / "run").save_checkpoint()
    files = CheckpointFolder(checkpoint).manifest_path, CheckpointFolder(checkpoint).tensors_path
    manifest, tensors = (file.read_bytes() for file in files)
    manifest_read, tensors_read = (checkpoint_with(checkpoint, file.name) for file in files)
    resumed = (*CORRUPT, CheckpointMismatchError, NonFiniteLossError)
    description = RunDescription(text="a.txt", characters=9, symbols=3, excerpt="ab", settings={"order": 3})
    RunFolder(folder).write_description(description)
    described, log = (folder / "run.json").read_bytes(), (folder / "run" / "log.jsonl").read_bytes()
    started_from = RunFolder(folder / "run").model_path
    return {
        "checkpoint, manifest": of_bytes(manifest, manifest_read, *CORRUPT, has_checksum=True),
        "checkpoint, manifest, signed": Reader(
            manifest_read, (*CORRUPT, OSError), signed_manifest(manifest), share=0.3
        ),
        "checkpoint, tensors": of_bytes(tensors, tensors_read, *CORRUPT, has_checksum=True),
        "checkpoint, tensors, signed": Reader(a_run_that_goes_on, resumed, signed_state(checkpoint), share=0.05),
        "model to start from, signed": Reader(
            a_run_that_starts, (*resumed, ValueError), signed_model_file(started_from), share=0.02
        ),
        "log": of_bytes(log, read_log, ValueError),
        "log, values": Reader(read_log, (ValueError,), damaged_lines(log)),
        "run.json": of_bytes(described, run_description, ValueError),
        "run.json, values": of_values(json.loads(described), run_description, ValueError),
        "flags": of_bytes(FLAGS, lambda path: read_flags(path, "train", COMMANDS), ConfigFileError, share=0.1),
    }


def damaged_lines(log: bytes) -> Damage:
    """Damages the values in the lines of a log."""
    lines = [json.loads(line) for line in log.splitlines()]
    return lambda generator: b"".join(as_json(mutated_json(line, generator)) + b"\n" for line in lines)


def checkpoint_with(sound: Path, name: str) -> Read:
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


def a_run_that_starts(path: Path) -> object:
    """Starts from the damaged model, with a symbol more, for a step."""
    return CharLM.fit("ab c " * 9, init_from=path, block_size=2, config=ONE_STEP, progress=False)


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
