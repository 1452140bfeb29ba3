import re
from pathlib import Path
from typing import Any

import pytest

from charlm import TextDataset, TrainerConfig, evaluate, load_model
from charlm.cli.app import main
from charlm.cli.telling import Telling, tell, tell_sample
from charlm.files.run_folder import RunFolder
from charlm.recipes import events
from charlm.training.log import read_log
from log_entries import log_entry


def told(
    capsys: pytest.CaptureFixture[str],
    *,
    best: int | None,
    scored: int | None = None,
    is_out_of_patience: bool = False,
    **config: Any,
) -> Any:
    """Returns what is printed at the end of a run of 600 steps."""
    entry = None if best is None else log_entry(best, validation_loss=1.5)
    tell(
        events.TrainingEnded(
            entry=log_entry(600, validation_loss=9.0, train_loss=0.5),
            best=entry,
            scored=scored,
            is_out_of_patience=is_out_of_patience,
            config=TrainerConfig(**config),
        )
    )
    return capsys.readouterr().out.splitlines()


def test_the_end_of_a_run_gives_the_loss_of_the_weights_that_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, best=400) == [
        "trained for 1.0 s, 3,000 characters per second",
        "train loss       0.5000 nats, 0.7213 bits per character",
        "validation loss  1.5000 nats, 2.1640 bits per character",
        "                 at step 400, which is kept",
    ]


def test_whether_a_signal_has_stopped_the_run_is_known(tmp_path: Path) -> None:
    telling = Telling(RunFolder(tmp_path), with_tensorboard=False)
    with telling as hook:
        hook(events.Saved(folder=tmp_path))
        assert not telling.is_stopped
        hook(events.TrainingStopped(step=5, folder=tmp_path))
        hook(events.Saved(folder=tmp_path))
    assert telling.is_stopped


def test_a_run_that_stopped_early_says_when_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = told(capsys, best=400, is_out_of_patience=True, patience=2)
    assert first == "stopped after step 600: no improvement since step 400"
    assert rest == told(capsys, best=400)
    first, *_ = told(capsys, best=400, is_out_of_patience=True, patience=2, min_delta=0.01)
    assert first == "stopped after step 600: no improvement by more than 0.01 in 2 evaluations"


def test_a_loss_on_a_part_of_the_validation_data_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    *_, last = told(capsys, best=400, scored=10_000)
    assert last.endswith("at step 400, which is kept; on the first 10,000 symbols")
    *_, last = told(capsys, best=400, scored=1)
    assert last.endswith("at step 400, which is kept; on the first symbol")


@pytest.mark.parametrize(("characters", "is_of_all"), [(1, False), (88, False), (89, True), (100_000, True)])
def test_what_was_evaluated_on_all_validation_data_is_not_evaluated_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    characters: int,
    is_of_all: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("ab" * 400 + "abcc" * 25, newline="")
    flags = ["--max-steps", "2", "--evaluation-characters", str(characters)]
    assert main(["train", "input.txt", "--model", "trained-bigram", "--out", "run", *flags]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\nvalidation loss") == (1 if is_of_all else 2)
    assert ("; on the first" in shown) != is_of_all


def test_a_run_without_validation_data_has_no_such_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("validation" in line for line in told(capsys, best=None))


def test_what_train_prints_last_is_the_loss_of_the_saved_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("ab" * 400 + "abcc" * 25, newline="")
    flags = ["--learning-rate", "0.3", "--max-steps", "500", "--evaluation-interval", "2", "--patience", "3"]
    assert main(["train", "input.txt", "--model", "trained-bigram", "--out", "run", *flags]) == 0
    shown = capsys.readouterr().out
    stopped = re.search(r"^stopped after step (\d+): no improvement since step (\d+)$", shown, re.MULTILINE)
    kept = re.search(
        r"^validation loss +(\S+) nats, \S+ bits per character\n +at step (\d+), which is kept$", shown, re.MULTILINE
    )
    assert stopped is not None
    assert kept is not None
    assert int(stopped[1]) == int(stopped[2]) + 3 * 2 < 500
    assert kept[2] == stopped[2]
    log = read_log("run")
    assert float(kept[1]) == pytest.approx(min(entry.validation_loss or 9 for entry in log), abs=5e-5)
    model, vocabulary = load_model("run")
    assert RunFolder(Path("run")).checkpoint_path(int(kept[2])).exists()
    held_out = vocabulary.encode(Path("input.txt").read_text()[-90:])
    found = evaluate(model, TextDataset(held_out, block_size=8)).nats_per_character
    assert found == pytest.approx(float(kept[1]), abs=5e-5)


def test_a_run_resumed_with_fewer_steps_than_it_has_says_that_nothing_is_left_and_of_no_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("ab" * 400 + "abcc" * 25, newline="")
    train = ["train", "input.txt", "--model", "trained-bigram", "--out", "run"]
    assert main([*train, "--max-steps", "8"]) == 0
    kept = capsys.readouterr().out.splitlines()[-2]
    assert main([*train, "--max-steps", "4", "--resume"]) == 0
    shown = capsys.readouterr().out
    assert "nothing is left to train: the run already has 8 steps\n" in shown
    assert "stopped after" not in shown
    assert "resuming" not in shown
    assert kept in shown.splitlines()
    assert main([*train, "--max-steps", "8", "--resume"]) == 0
    shown = capsys.readouterr().out
    assert "resuming after step 8\n" in shown
    assert "stopped after" not in shown


def test_a_shape_is_given_in_flags_and_one_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("to be or not to be, " * 20, newline="")
    shape = ["--n-layers", "1", "--n-heads", "2", "--width", "8", "--dropout", "0.25", "--block-size", "8"]
    shared = ["train", "input.txt", "--model", "gpt", "--device", "cpu", "--max-steps", "1", "--out", "run"]
    assert main([*shared, *shape, "--n-heads", "3"]) == 2
    refused = (
        "--width must be a multiple of 2 * --n-heads, so that each head has an even size: got width 8 and --n-heads 3"
    )
    assert capsys.readouterr().err == f"charlm: {refused}\n"
    assert main([*shared, *shape]) == 0
    settings = load_model("run")[0].settings()
    own = {"n_layers": 1, "n_heads": 2, "width": 8, "dropout": 0.25, "block_size": 8}
    assert {name: settings[name] for name in own} == own
    described = RunFolder(Path("run")).read_description()
    assert described is not None
    assert {name: described.settings[name] for name in own} == own


def test_a_sample_is_one_line_that_a_terminal_does_not_obey(capsys: pytest.CaptureFixture[str]) -> None:
    tell_sample(log_entry(20, sample="to be\nor \x1b[2J\u202enot" + "x" * 200))
    tell_sample(log_entry(40))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sample  to be\\nor \\x1b[2J\\u202enot")
    assert len(line) < 80


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([f"city {number}" for number in range(63)], "since the text is too short to tune it on"),
        (["the same", "again"] * 2000, "since most of its records are equal"),
        ([f"{number:04} is a record of its own" for number in range(2000)], None),
    ],
)
def test_smoothing_that_is_not_tuned_comes_with_the_reason_that_applies(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: list[str],
    reason: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("records.txt").write_text("\n".join(lines), encoding="utf-8")
    assert main(["train", "records.txt", "--records", "--order", "2", "--out", "run"]) == 0
    (told,) = re.findall("smoothing: (.*)", capsys.readouterr().out)
    assert told == ("tuned" if reason is None else f"learned, {reason}")
