"""Writes the report of a run, or of several."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.files.model_facts import told_sizes
from charlm.models.registry import FAMILIES
from charlm.report.attention import attention
from charlm.report.comparison import comparison
from charlm.report.document import Document
from charlm.report.embeddings import embeddings
from charlm.report.growth import growth
from charlm.report.heat_map import transition_section
from charlm.report.learning import learning
from charlm.report.places import places
from charlm.report.reliability import reliability
from charlm.report.reported_run import ReportedRun
from charlm.report.samples import generated, samples
from charlm.report.scored import Scored
from charlm.report.settings import settings
from charlm.report.surprise import surprise
from charlm.report.transitions import transitions
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import file_path
from chartok.files.atomic import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch

BEGINS_WHERE_SPLIT = "The text begins where it was split, even in the middle of a word."
BEGINS_ANYWHERE = "A model of text begins anywhere in a text, even in the middle of a word."
COMPARISON = "comparison.html"
"""The name of the report of several runs, by default."""


def write_report(
    run: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str] | None = None,
    *,
    text: str | Iterable[str] | None = None,
    stride: int | None = None,
    seed: int | None = 0,
    device: str | torch.device = "cpu",
) -> Path:
    """Writes one HTML file that shows a run, or compares several, and returns its path.

    An existing file is replaced atomically.

    Args:
        run: A run folder or a model file. Or several, whose losses the report overlays, along with what differs between
            them.
        path: The file to write; by default ``report.html`` in the run folder, or beside the model file under its name;
            of several, ``comparison.html`` beside the first.
        text: The text to score and to color by surprise, of which the first 10,000 characters count, or several records
            for a model of records; by default part of the validation split, or a sample if that is not known.
        stride: Of a model with a limited context, for the scores; see ``charlm.score``.
        seed: Seeds the samples; None draws a new one, which the logger ``charlm`` reports.
        device: The device to compute on.

    Raises:
        OSError: A run cannot be read, or the file cannot be written.
        CheckpointCorruptError: A model file is damaged.
        CheckpointVersionError: It was written by a newer version.
        CheckpointMismatchError: The family of a model is not one of charlm's.
        ValueError: The log or the description of a run is invalid; ``path`` is a file of a run; there are several texts
            and the model is one of text, or ``text`` is empty; ``stride`` is below 1 or above the block, or the model
            has none; there is no run, or one is given twice; or a text or a stride is given for several.

    Example:
        >>> import tempfile
        >>> from charlm import CharLM
        >>> folder = Path(tempfile.mkdtemp())
        >>> CharLM.fit("the cat sat on the mat. " * 50).save(folder / "cats.safetensors")
        >>> write_report(folder / "cats.safetensors").name
        'cats.html'
        >>> (folder / "cats.html").read_text("utf-8").startswith("<!doctype html>")
        True
    """
    paths = [run] if isinstance(run, str | os.PathLike) else list(run)
    _check_runs(paths, text=text, stride=stride)
    first = Path(paths[0])
    beside = first.absolute() if first.name in ("", "..") else first
    default = beside.parent / COMPARISON
    if len(paths) == 1:
        default = first / "report.html" if first.is_dir() else first.with_suffix(".html")
    out = default if path is None else file_path("path", path)
    runs = [ReportedRun.read(each, device=device) for each in paths]
    for each in runs:
        each.folder.refuse_to_replace(out)
    seed = seed_or_new(seed)
    document = comparison(runs, seed=seed) if len(runs) > 1 else _of_one(runs[0], text=text, stride=stride, seed=seed)
    with replace_file(out, follow_links=path is not None) as file:
        file.write(document.to_html().encode("utf-8"))
    return out


def _check_runs(
    paths: Sequence[str | os.PathLike[str]], *, text: str | Iterable[str] | None, stride: int | None
) -> None:
    """Checks that a report can be made of some runs."""
    if not paths:
        raise ValueError("run is empty: give at least one run folder or model file")
    if len(paths) == 1:
        return
    for name, given in (("text", text), ("stride", stride)):
        if given is not None:
            raise ValueError(f"{name} is for the report of one run, got {len(paths)} runs: leave it out")
    seen = set[Path]()
    for path in paths:
        resolved = Path(path).resolve()
        if resolved in seen:
            raise ValueError(f"{os.fspath(path)!a} is given twice: give each run once")
        seen.add(resolved)


def _of_one(run: ReportedRun, *, text: str | Iterable[str] | None, stride: int | None, seed: int) -> Document:
    written = generated(run.lm, seed)
    scored = _scored(run, text, written, stride)
    table = transitions(run.lm, scored.texts)
    sections = [
        learning(run.entries, without=_without_log(run)),
        surprise(scored),
        samples(written, run.entries, note="" if run.lm.is_of_records else BEGINS_ANYWHERE),
        places(run.lm, scored),
        reliability(scored),
        growth(run.lm, scored),
        attention(run.lm, scored),
        embeddings(run.lm, table.symbols),
        transition_section(table),
        settings(run.lm, run.description),
    ]
    return Document(name=run.name, lead=run.in_words(), figures=_figures(run), sections=sections)


def _without_log(run: ReportedRun) -> str:
    """Returns why there is no log; nothing for a model that counts, which has no steps."""
    if run.lm.family in FAMILIES and FAMILIES[run.lm.family].counted is not None:
        return ""
    lacking = "the run folder has none" if run.folder.path.is_dir() else "a model file alone has none"
    return f"There is no training log: {lacking}."


def _scored(run: ReportedRun, text: str | Iterable[str] | None, written: list[str], stride: int | None) -> Scored:
    """Returns the text of a report with the scores of the model.

    Raises:
        ValueError: There are several texts, and the model is one of text; or there is nothing to score.
    """
    lm = run.lm
    if text is not None:
        if not (isinstance(text, str) or lm.is_of_records):
            raise ValueError("text must be one str for a model of text: join the texts")
        texts = [text] if isinstance(text, str) else list(text)
        if not texts or (texts == [""] and not lm.is_of_records):
            raise ValueError("text is empty: there is nothing to score")
        return Scored.of(lm, texts, "the given text", stride=stride)
    if run.held_out:
        told = "records from the validation split" if lm.is_of_records else "the beginning of the validation split"
        begins = "" if lm.is_of_records else BEGINS_WHERE_SPLIT
        return Scored.of(lm, run.held_out, told, stride=stride, note=begins)
    own = written[0].split("\n") if lm.is_of_records else written[:1]
    return Scored.of(lm, own, "a sample of its own", stride=stride, is_own=True)


def _figures(run: ReportedRun) -> dict[str, str]:
    """Returns the key figures at the top of the page."""
    figures = told_sizes(run.lm.facts())
    loss = run.validation_loss
    if loss is not None:
        figures |= {"bits per character, validation": f"{loss / math.log(2):.3f}"}
        figures |= {"nats per character, validation": f"{loss:.3f}"}
    if run.entries:
        figures["steps"] = f"{run.entries[-1].step:,}"
    if run.seconds is not None:
        figures["seconds of training" if run.entries else "seconds of counting"] = run.seconds_in_words
    return figures
