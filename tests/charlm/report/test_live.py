"""The page of a run that is still going shows what there is, reloads itself, and stops doing so however it ends."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from charlm.recipes import events
from charlm.recipes.corpus import Corpus
from charlm.recipes.presets import Recipe
from charlm.recipes.train import train
from charlm.report.live import LiveReport
from charlm.training.config import TrainerConfig
from log_entries import log_entry

TEXT = "the quick brown fox jumps over the lazy dog. " * 30
RELOADS = '<meta http-equiv="refresh"'
BEGAN: dict[str, Any] = {
    "family": "gpt",
    "parameters": 1,
    "device": "cpu",
    "first_step": 0,
    "next_entry": 30,
    "total_steps": 200,
    "batch_size": 1,
    "block_size": 1,
}
CONFIG = TrainerConfig(max_steps=6, log_interval=2, evaluation_interval=4)


def pages_of(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails_at: int | None = None) -> list[str]:
    """Returns the report after each entry of a run, and after its end."""
    monkeypatch.setattr("charlm.report.live.SHARE_OF_TIME", 1e9)  # writes every entry, however fast they come
    live, pages = LiveReport(RunFolder(folder)), list[str]()

    def watched(event: events.Event) -> None:
        live(event)
        if isinstance(event, events.EntryMade):
            pages.append((folder / "report.html").read_text("utf-8"))
            if event.entry.step == fails_at:
                raise KeyError(fails_at)

    corpus, held_out = Corpus.of_text(TEXT, ["unk"]).split(0.9)
    try:
        with live:
            recipe = Recipe(family="trained-bigram", block_size=8, config=CONFIG)
            train(corpus, recipe, validation=held_out, folder=RunFolder(folder), hook=watched)
    finally:
        pages.append((folder / "report.html").read_text("utf-8"))
    return pages


def test_every_entry_is_shown_and_the_end_is_the_whole_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third, end = pages_of(tmp_path / "run", monkeypatch)
    for page, step in ((first, 2), (second, 4), (third, 6)):
        assert f"<dd>{step} of 6</dd>" in page
        assert RELOADS in page
        assert re.search(r"Written at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: this page reloads itself", page)
    assert "During training" not in first
    assert "During training" in second
    assert RELOADS not in end
    assert "Surprise, character by character" in end


def test_a_run_that_fails_leaves_a_page_that_does_not_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        pages_of(tmp_path / "run", monkeypatch, fails_at=4)
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert RELOADS not in page
    assert "<dd>4 of 6</dd>" in page
    assert ", stopped after step 4." in page


def test_before_the_first_entry_the_page_says_when_it_comes(tmp_path: Path) -> None:
    live, path = LiveReport(RunFolder(tmp_path)), tmp_path / "report.html"
    with live:
        live(events.TrainingBegan(**BEGAN))
        assert "No entry yet: the first comes at step 30." in path.read_text("utf-8")
        live(events.StepDone(step=25))
    assert "The run ended before the first entry of its log." in path.read_text("utf-8")
    assert "A GPT in training, stopped after step 25." in path.read_text("utf-8")
    assert "<dd>25 of 200</dd>" in path.read_text("utf-8")


def test_a_run_that_is_resumed_begins_with_its_entries_up_to_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.log_path.write_text("".join(f"{json.dumps(asdict(log_entry(step)))}\n" for step in (10, 20, 30)))
    LiveReport(folder)(events.TrainingBegan(**(BEGAN | {"first_step": 25})))
    page = folder.report_path.read_text("utf-8")
    assert "<dd>25 of 200</dd>" in page
    assert '<th scope="row">20</th>' in page
    assert '<th scope="row">30</th>' not in page


def test_a_page_that_cannot_be_written_is_told_once_and_ends_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)

    def stopped_run() -> None:
        with LiveReport(folder) as live:
            folder.report_path.mkdir()
            live(events.TrainingBegan(**BEGAN))
            live(events.EntryMade(entry=log_entry(1)))
            live(events.Saved(folder=tmp_path))
            raise KeyboardInterrupt

    told_of = "the report of the run cannot be written: .*got a folder"
    with pytest.warns(UserWarning, match=told_of) as told, pytest.raises(KeyboardInterrupt):
        stopped_run()
    assert len(told) == 1


def test_a_folder_in_the_place_of_the_page_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(TEXT)
    Path("run/report.html").mkdir(parents=True)
    assert main(["train", "a.txt", "--model", "trained-bigram", "--out", "run", "--live"]) == 1
    assert "report.html: is a folder, and the report belongs there: move it away" in capsys.readouterr().err
    assert [path.name for path in Path("run").iterdir()] == ["report.html"]


def test_entries_that_come_fast_are_not_all_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10_000))  # writing takes one tick, and an entry comes with each
    monkeypatch.setattr("charlm.report.live.time.monotonic", lambda: next(ticks))
    live, path = LiveReport(RunFolder(tmp_path)), tmp_path / "report.html"
    live(events.TrainingBegan(**BEGAN))
    path.write_text("old")
    for step in range(1, 200):
        live(events.EntryMade(entry=log_entry(step)))
        if path.read_text("utf-8") != "old":
            break
    assert 80 < step < 120


def test_the_command_line_has_it_for_models_that_are_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(TEXT)
    typed = ["train", "a.txt", "--model", "trained-bigram", "--max-steps", "4", "--block-size", "8", "--out", "run"]
    assert main([*typed, "--live"]) == 0
    assert RELOADS not in Path("run/report.html").read_text("utf-8")
    assert main([*typed, "--max-steps", "6", "--resume", "--live"]) == 0
    assert "6" in Path("run/report.html").read_text("utf-8")
    assert main(["train", "a.txt", "--live"]) == 2
