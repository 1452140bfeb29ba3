"""Writes the page of a run, or of several, on the command line: ``report``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charlm.cli.command import OF_READING
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_line
from charlm.cli.reading import admitted_records, check_unused, for_kind, reading_of, tell_note, without_shared
from charlm.data.framing import Framing
from charlm.files.vocabularies import read_vocabulary
from charlm.report.page import write_report
from chartok import read_text
from chartok.files.sources import check_not_source, expand_sources

if TYPE_CHECKING:
    from charlm.cli.flags import Report


def report(settings: Report) -> None:
    """Writes one HTML file that shows a run, or compares several."""
    _check_runs(settings)
    if not settings.text:
        settings = without_shared(settings, (*OF_READING, "errors"))
    reading = reading_of(settings.reading)
    text: str | list[str] | None = None
    if settings.text:
        if settings.out is not None:
            check_not_source(settings.out, expand_sources(settings.text, reading.pattern))
        text = _text_to_color(settings)
        if not text:
            raise ValueError(f"{' '.join(settings.text)!a}: text is empty: there is nothing to color")
    elif settings.errors is not None:
        raise UsageError("--errors is for a text that you give: give --text too, or leave it out")
    else:
        check_unused(settings.reading, "--text")
    given: Any = {"text": text, "stride": settings.stride, "seed": settings.seed, "device": settings.device}
    out = write_report(settings.models, settings.out, **given)
    print_line(f"saved to {out}")


def _check_runs(settings: Report) -> None:
    """Checks that there is a run, and a single one if there is a text to color."""
    if not settings.models:
        raise ValueError("models: give a run folder or a model file, or several to compare")
    if settings.text and len(settings.models) > 1:
        raise UsageError(f"--text is for the report of one run, got {len(settings.models)} runs: leave out --text")


def _text_to_color(settings: Report) -> str | list[str]:
    """Returns the text of a report, or its records where the model is one of records."""
    framing = Framing(read_vocabulary(settings.models[0]))
    reading = reading_of(for_kind(settings, records=framing.is_of_records).reading)
    if not framing.is_of_records:
        return framing.admitted(read_text(settings.text, reading, note=tell_note), settings.errors)
    return admitted_records(framing, settings.text, reading, settings.errors)
