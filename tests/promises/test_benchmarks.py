"""What the documentation says of speed and loss is what was measured, and the guard sees what became worse."""

import json
import os
import sys
from inspect import isfunction
from pathlib import Path
from typing import Literal

import pytest

import charlm
import chartok
import linearity
import loss_and_seconds
import page
import quotes
import run
import texts
from busy import BusyProcesses
from charlm.cli.flags import COMMANDS
from comparison import Comparison, Result, compare, markdown_table
from regression import failures


def compared(ours: float, rival: float, *, target: float = 1.0, why: str = "") -> Comparison:
    return Comparison(
        name="a thing",
        ours=lambda: ours,
        rival_name="theirs",
        rival=lambda: rival,
        target=target,
        unit="bytes",
        samples=3,
        why=why,
    )


def is_stopped(process: int) -> bool:
    """Tells whether a child was stopped or went on last, once it has."""
    _, status = os.waitpid(process, os.WUNTRACED | os.WCONTINUED)
    return os.WIFSTOPPED(status)


def test_the_page_is_made_of_the_figures() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_the_figures_in_the_docs_are_those_that_were_measured() -> None:
    page_text = quotes.QUOTING.read_text(encoding="utf-8")
    assert quotes.quoted(page_text) == page_text


def test_every_function_and_command_is_timed_with_longer_texts() -> None:
    timed = set(" ".join(linearity.SUBJECTS).replace(",", "").split())
    functions = {name for module in (chartok, charlm) for name in module.__all__ if isfunction(getattr(module, name))}
    without_text = {"python_docs", "tiny_shakespeare", "save_onnx", "load_classic_gpt", "save_classic_gpt"}
    assert functions - timed == without_text
    assert set(COMMANDS) - timed == {"demo", "completion"}


def test_nothing_is_shown_to_grow_faster_than_n_log_n() -> None:
    measured = json.loads(page.LINEARITY.read_text(encoding="utf-8"))["growth"]
    assert list(measured) == list(linearity.SUBJECTS)
    assert all(ratio <= linearity.MOST for ratios in measured.values() for ratio in ratios.values())


def test_another_figure_in_the_docs_is_put_right() -> None:
    page_text = quotes.QUOTING.read_text(encoding="utf-8")
    wrong = page_text.replace("nats per character, compared with 2.", "nats per character, compared with 1.")
    assert wrong != page_text
    assert quotes.quoted(wrong) == page_text


def test_a_page_without_one_of_the_sentences_is_refused() -> None:
    page_text = quotes.QUOTING.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"expected .* once, found it 0 times"):
        quotes.quoted(page_text.replace("for a bigram", "for the bigram"))


def test_a_ratio_says_how_many_times_more_the_rival_takes() -> None:
    result = compare(compared(ours=2, rival=10))
    assert (result.ours, result.rival, result.ratio) == (2, 10, 5)


@pytest.mark.parametrize(("target", "is_shown"), [(4.0, False), (5.0, False), (6.0, True)])
def test_a_reason_is_shown_only_below_the_target(target: float, is_shown: bool) -> None:
    result = compare(compared(ours=2, rival=10, target=target, why="It must be so."))
    assert bool(result.explanation) == is_shown


def test_the_guard_lets_pass_what_is_as_it_was_and_what_is_better() -> None:
    assert failures([compared(ours=2, rival=10)], {("a thing", "theirs"): 5.0}) == []
    assert failures([compared(ours=1, rival=10)], {("a thing", "theirs"): 5.0}) == []


def test_the_guard_names_what_takes_more_than_it_did() -> None:
    assert failures([compared(ours=4, rival=10)], {("a thing", "theirs"): 5.0}) == ["a thing: 2.5 times theirs, was 5"]


def test_the_guard_names_what_is_new_and_what_is_gone() -> None:
    assert failures([compared(ours=1, rival=1)], {("another", "theirs"): 5.0}) == [
        "a thing, against theirs, is new: run make bench",
        "another, against theirs, is no longer measured",
    ]


@pytest.mark.parametrize(("unit", "ratio", "is_failure"), [("bytes", 0.8, True), ("seconds", 0.8, False)])
def test_the_guard_is_stricter_with_memory_than_with_seconds(
    monkeypatch: pytest.MonkeyPatch, unit: Literal["bytes", "seconds"], ratio: float, is_failure: bool
) -> None:
    def measured(comparison: Comparison) -> Result:
        shares = {"ours": 1.0, "ours_spread": 0.0, "rival": ratio, "rival_spread": 0.0, "ratio": ratio, "target": 1.0}
        return Result(name=comparison.name, rival_name=comparison.rival_name, unit=comparison.unit, why="", **shares)

    monkeypatch.setattr("regression.compare", measured)
    comparison = Comparison(name="a thing", ours=lambda: 1, rival_name="theirs", rival=lambda: 1, target=1.0, unit=unit)
    assert bool(failures([comparison], {("a thing", "theirs"): 1.0})) == is_failure


def test_a_table_shows_what_is_left_beside_a_busy_process() -> None:
    with BusyProcesses(1) as busy:
        timed = compare(Comparison(name="a", ours=int, rival_name="b", rival=list, target=1, samples=2), busy)
        counted = compare(compared(ours=2, rival=10), busy)
    assert timed.ours_beside is not None
    assert counted.ours_beside is None
    assert "beside one busy process" in markdown_table([timed, counted])
    assert "beside" not in markdown_table([counted])


def test_busy_processes_run_for_the_block_alone() -> None:
    with BusyProcesses(1) as busy:
        (process,) = busy.processes
        assert is_stopped(process.pid)
        with busy.beside(1):
            assert not is_stopped(process.pid)
        assert is_stopped(process.pid)
    assert process.returncode is not None


def test_a_run_of_some_tables_keeps_the_others_and_both_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"date": "2026-11-27", "processor": "a"}
    monkeypatch.setattr("environment.environment", lambda: here)
    monkeypatch.setattr(run, "rivals", lambda: {"kenlm": "2"})
    earlier = {"machine": here | {"date": "2026-11-26"}, "rivals": {"nltk": "1"}, "comparisons": {"Files": []}}
    merged = run.merged(earlier)
    assert merged["machine"]["date"] == "2026-11-26 to 2026-11-27"
    assert merged["rivals"] == {"nltk": "1", "kenlm": "2"}
    assert merged["comparisons"] == {"Files": []}
    with pytest.raises(SystemExit, match="processor differ"):
        run.merged(earlier | {"machine": here | {"processor": "b"}})


@pytest.mark.parametrize("name", ["n-gramm", "bigram, counted"])
def test_nothing_is_written_for_an_unknown_contestant_nor_on_another_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"machine": {"processor": "another"}, "points": {}}), encoding="utf-8")
    monkeypatch.setattr(loss_and_seconds, "LOSS_AND_SECONDS", figures)
    with pytest.raises(SystemExit, match=r"choose from: bigram|processor.* differ"):
        loss_and_seconds.main(name)
    assert json.loads(figures.read_text(encoding="utf-8"))["machine"] == {"processor": "another"}


def test_a_text_that_is_neither_there_nor_to_be_downloaded_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(SystemExit, match=r"tinyshakespeare\.txt is missing .*\n.* CHARTOK_TEST_DATA"):
        texts.tiny_shakespeare()
