"""The life of a model: trained, stopped, extended, started from, resumed by two processes, exported and imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charlm import CharLM, TextDataset, evaluate, read_log
from charlm.cli.app import EXIT_INTERRUPTED, main
from charlm.training.log import LogEntry
from charlm.training.observers import Progress

TINY = ["--n-layers", "1", "--n-heads", "2", "--width", "8", "--block-size", "8", "--device", "cpu"]
OFTEN = ["--log-interval", "1", "--evaluation-interval", "1", "--checkpoint-interval", "2", "--schedule", "constant"]
OLD = ["old.txt", "--model", "classic-gpt", "--out", "run", *TINY, *OFTEN]
NEW = ["new.txt", "--init-from", "run", "--out", "next", "--batch-size", "4", "--device", "cpu", *OFTEN]


def run(*arguments: str, code: int = 0) -> None:
    assert main([*arguments]) == code


def best_of_log(folder: str) -> float:
    return min(entry.validation_loss for entry in read_log(folder) if entry.validation_loss is not None)


def loss_of(lm: CharLM, text: str) -> float:
    """The loss on the validation part of a text, as a run computes it."""
    ids = lm.vocabulary.encode(text)
    return evaluate(lm.model, TextDataset(ids[int(len(ids) * 0.9) :], block_size=8)).nats_per_character


def stop_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupts a run as it shows a step; the next one is finished first."""
    shown = Progress.__call__

    def show(self: Progress, entry: LogEntry) -> None:
        shown(self, entry)
        if entry.step == step:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "__call__", show)


@pytest.mark.skipif(os.name == "nt", reason="torchrun's agents are those of POSIX")
@pytest.mark.filterwarnings("default:nanogpt has no ids that are never predicted")
def test_the_whole_life_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.txt").write_text("the cat sat on the mat. " * 40, encoding="utf-8")
    Path("new.txt").write_text("die Katze saß auf der Fußmatte. " * 40, encoding="utf-8")

    with monkeypatch.context() as patched:
        stop_after(2, patched)
        run("train", *OLD, "--max-steps", "4", code=EXIT_INTERRUPTED)
    run("train", *OLD, "--max-steps", "4", "--resume")
    with monkeypatch.context() as patched:
        stop_after(6, patched)
        run("train", *OLD, "--max-steps", "9", "--resume", code=EXIT_INTERRUPTED)
    assert [entry.step for entry in read_log("run")] == [1, 2, 3, 4, 5, 6, 7]
    before = CharLM.load("run")
    assert loss_of(before, "the cat sat on the mat. " * 40) == pytest.approx(best_of_log("run"), rel=1e-5)

    run("train", *NEW, "--max-steps", "3")
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "charlm"]
    resumed = subprocess.run(
        [sys.executable, "-m", *torchrun, "train", *NEW, "--max-steps", "6", "--resume"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    assert "resuming after step 3" in resumed.stdout, resumed.stderr
    assert [entry.step for entry in read_log("next")] == [1, 2, 3, 4, 5, 6]
    lm = CharLM.load("next")
    assert np.array_equal(lm.vocabulary.remap(before.vocabulary), np.arange(before.vocabulary.size))
    assert {"K", "ß"} <= set(lm.vocabulary.symbols) - set(before.vocabulary.symbols)

    run("export", "next", "--format", "nanogpt", "--out", "ckpt.pt")
    run("export", "next", "--format", "vocabulary", "--out", "vocabulary.json")
    run("import", "ckpt.pt", "--vocabulary", "vocabulary.json", "--out", "imported.safetensors")
    imported = CharLM.load("imported.safetensors")
    texts = ["die Katze", "the mat", "Fuß"]
    assert imported.score_samples(texts) == pytest.approx(lm.score_samples(texts), rel=1e-6)
    assert imported.generate("die ", max_new_tokens=20, seed=1) == lm.generate("die ", max_new_tokens=20, seed=1)
