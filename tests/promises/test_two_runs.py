"""One run a folder: a second one is refused, and nothing of the first is renamed, mixed or replaced."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from charlm import BatchSampler, BigramLanguageModel, CharLM, TextDataset, Trainer, TrainerConfig, write_report
from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from charlm.training.log import LogEntry
from chartok import Vocabulary

TEXT = "the cat sat on the mat. " * 40
CONFIG = TrainerConfig(max_steps=4, learning_rate=0.05, checkpoint_interval=2, log_interval=1)


def batches() -> BatchSampler:
    return BatchSampler(TextDataset([0, 1, 2] * 50, block_size=8), batch_size=4, seed=0)


def trainer(folder: Path) -> Trainer:
    return Trainer(BigramLanguageModel(3), batches(), config=CONFIG, folder=folder, vocabulary=Vocabulary("abc"))


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.lock")
    return {os.fspath(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def train_command(text: Path, folder: Path) -> list[str]:
    command = ["train", os.fspath(text), "--out", os.fspath(folder), "--model", "trained-bigram"]
    return [*command, "--max-steps", "20", "--device", "cpu"]


def test_a_trainer_that_comes_second_does_not_train_in_the_folder_of_the_first(tmp_path: Path) -> None:
    first, second = trainer(tmp_path), trainer(tmp_path)
    first.fit()
    before = contents(tmp_path)
    for work in (second.fit, second.save_checkpoint, lambda: trainer(tmp_path)):
        with pytest.raises(FileExistsError, match="already contains a run"):
            work()
    assert contents(tmp_path) == before


def test_two_that_resume_one_run_do_not_take_each_others_checkpoints_for_damaged(tmp_path: Path) -> None:
    trainer(tmp_path).fit()
    longer = TrainerConfig(max_steps=8, learning_rate=0.05, checkpoint_interval=2, log_interval=1)
    first, second = (Trainer.resume(tmp_path, batches(), config=longer) for _ in range(2))
    first.fit()
    before = contents(tmp_path)
    del before["log.jsonl"]
    with pytest.raises(FileExistsError, match="another trainer has written this checkpoint"):
        second.fit()
    assert before.items() <= contents(tmp_path).items()
    assert not list(tmp_path.rglob("damaged-*"))


def test_while_a_run_is_going_another_is_refused_and_readers_see_a_whole_one(tmp_path: Path) -> None:
    seen = []

    def look(entry: LogEntry) -> None:
        with pytest.raises(BlockingIOError, match=f"process {os.getpid()} on .* is writing to this folder"):
            trainer(tmp_path)
        if entry.step > CONFIG.checkpoint_interval:
            with pytest.raises(BlockingIOError):
                Trainer.resume(tmp_path, batches())
            seen.append(CharLM.load(tmp_path).family)
            write_report(tmp_path, tmp_path / "elsewhere.html")

    one = trainer(tmp_path)
    one.on_log = look
    one.fit()
    assert seen == ["bigram", "bigram"]
    assert not (tmp_path / "run.lock").exists()


def test_the_command_line_says_who_is_writing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, folder = tmp_path / "text.txt", tmp_path / "run"
    text.write_text(TEXT, encoding="utf-8")
    for model in ("ngram", "trained-bigram"):
        with RunFolder(folder).locked():
            assert main(["train", os.fspath(text), "--out", os.fspath(folder), "--model", model]) == 1
        assert f"charlm: {folder}: process {os.getpid()} on " in capsys.readouterr().err
        assert list(folder.iterdir()) == []


def test_of_two_commands_at_once_one_trains(tmp_path: Path) -> None:
    text, folder = tmp_path / "text.txt", tmp_path / "run"
    text.write_text(TEXT, encoding="utf-8")
    program = [sys.executable, "-m", "charlm", *train_command(text, folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    both = [
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], said
    assert CharLM.load(folder).family == "bigram"
    assert not (folder / "run.lock").exists()
    assert not list(folder.rglob("damaged-*"))
