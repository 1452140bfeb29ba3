"""Repeatedly kills and resumes a run that saves every step: ``killed_runs.py FOLDER KILLS``.

Prints after how many of the kills the run resumed, and whether its losses equal those of a run that was never killed.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from charlm import BatchSampler, TextDataset, Trainer, TrainerConfig, read_log
from charlm.files.model_file import read_model_file
from charlm.files.run_folder import RunFolder
from charlm.training.checkpoint import newest_checkpoint, read_model
from chartok import Vocabulary
from two_layers import TwoLayers


def trainer(folder: Path, max_steps: int) -> Trainer:
    """Returns the run as it stands in the folder, or a new one."""
    train, validation = TextDataset([0, 1, 2, 1] * 50, block_size=8).split(0.8)
    batches = BatchSampler(train, batch_size=4, seed=0)
    config = TrainerConfig(
        max_steps=max_steps,
        learning_rate=0.05,
        schedule="constant",
        log_interval=1,
        evaluation_interval=7,
        checkpoint_interval=1,
    )
    model = TwoLayers(3, dropout=0.5)
    if RunFolder(folder).checkpoint_paths():
        return Trainer.resume(folder, batches, model=model, validation=validation, config=config)
    return Trainer(model, batches, validation=validation, config=config, folder=folder, vocabulary=Vocabulary("abc"))


def train_until_killed(folder: Path) -> None:
    """Trains without end in this process."""
    trainer(folder, 10**9).fit()


def main(folder: Path, kills: int) -> None:
    """Kills and counts."""
    torch.set_num_threads(1)  # a fork has no other threads
    trainer(folder.with_name("warm-up"), 10).fit()  # loads what would take each child a second
    delays = random.Random(0)  # noqa: S311 - a test
    sound = step = 0
    while sound < kills:
        child = os.fork()
        if child == 0:
            train_until_killed(folder)
        time.sleep(delays.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            sys.exit(f"kill {sound + 1} found a run that had ended by itself")
        if RunFolder(folder).model_path.exists():
            read_model_file(RunFolder(folder).model_path)  # is whole
        if RunFolder(folder).checkpoint_paths():
            newest = newest_checkpoint(folder).values["step"]
            if newest < step:
                sys.exit(f"kill {sound + 1} threw the run back from step {step} to {newest}")
            step = newest
        sound += 1
    last = trainer(folder, step + 3).fit()
    if last.best_checkpoint is None or RunFolder(folder).model_path.read_bytes() != read_model(last.best_checkpoint):
        sys.exit("the model of the run is not that of its best checkpoint")
    whole = trainer(folder.with_name("whole"), step + 3).fit()
    found = [(entry.step, entry.train_loss, entry.validation_loss) for entry in read_log(folder)]
    expected = [(entry.step, entry.train_loss, entry.validation_loss) for entry in whole.log]
    print(f"{sound} of {kills} killed runs resumed; {step} steps; losses {'equal' if found == expected else 'differ'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
