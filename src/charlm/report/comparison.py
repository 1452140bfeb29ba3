"""The report on several runs: their losses overlaid, and what differs between them."""

from __future__ import annotations

import math
from itertools import starmap
from typing import TYPE_CHECKING, Any

from charlm.files.model_facts import told_settings, told_sizes
from charlm.report.document import Document
from charlm.report.elements import figure, paragraph, passage, section, table
from charlm.report.reported_run import about_model
from charlm.report.samples import generated
from charlm.report.settings import in_utc
from charlm.training.curves import Curve, chart, color, legend
from charlm.training.run_status import IN_BITS, IN_NATS
from chartok.markup import shown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charlm.report.reported_run import ReportedRun

LARGE = 10_000
"""From this number on, thousands are set apart."""
OTHER_TEXTS = "These runs have different validation texts."
UNKNOWN_TEXTS = "Not every run recorded its validation text."
NOT_COMPARABLE = "Each loss is in bits per character of its own text: losses on different texts cannot be compared."


def comparison(runs: Sequence[ReportedRun], *, seed: int) -> Document:
    """Returns the report of several runs.

    Args:
        runs: At least two.
        seed: Seeds the samples.
    """
    names = names_of(runs)
    warning = _warning(runs)
    written = [generated(run.lm, seed)[0] for run in runs]
    sections = [
        section("losses", "Losses", warning + _losses(runs, names) + _results(runs, names)),
        section("differences", "What differs", _differences(runs, names)),
        section("samples", "Samples", "".join(starmap(_sample, zip(names, written, strict=True)))),
    ]
    best = {} if warning else _best(runs, names)
    return Document(
        name=" and ".join(names) if len(names) == 2 else f"{len(names)} runs",  # noqa: PLR2004 - both are named
        lead="A comparison of runs.",
        figures={"runs": str(len(runs)), **best},
        sections=sections,
    )


def names_of(runs: Sequence[ReportedRun]) -> list[str]:
    """Returns a name for each run: that of its folder, or its path where several have that name."""
    names = [run.name for run in runs]
    paths = [shown_name(str(run.folder.path)) for run in runs]
    return [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]


def _warning(runs: Sequence[ReportedRun]) -> str:
    """Returns what to say of runs that are not known to be evaluated on one text; nothing of others."""
    held_out = {run.description.fingerprints.get("validation") if run.description else None for run in runs}
    if held_out != {None} and len(held_out) == 1:
        return ""
    return paragraph(f"{UNKNOWN_TEXTS if None in held_out else OTHER_TEXTS} {NOT_COMPARABLE}", "warning")


def _best(runs: Sequence[ReportedRun], names: Sequence[str]) -> dict[str, str]:
    known = [(loss, name) for run, name in zip(runs, names, strict=True) if (loss := run.validation_loss) is not None]
    if not known:
        return {}
    loss, name = min(known)
    return {"lowest loss": name, "bits per character, validation": f"{loss / math.log(2):.3f}"}


def _losses(runs: Sequence[ReportedRun], names: Sequence[str]) -> str:
    charts = []
    for across, name in (("step", "Validation loss by step"), ("seconds", "Validation loss by seconds of training")):
        if curves := _curves(runs, names, across):
            charts.append(figure(chart(name, curves, IN_NATS, IN_BITS, across=across), legend(curves), title=name))
    if not charts:
        return paragraph("No run has a log or a validation loss.")
    without = [name for run, name in zip(runs, names, strict=True) if not run.entries]
    if 0 < len(without) < len(runs):
        charts.append(paragraph(f"Without a log of steps, and so not in the chart by step: {', '.join(without)}."))
    return "".join(charts)


def _curves(runs: Sequence[ReportedRun], names: Sequence[str], across: str) -> list[Curve]:
    """Returns the validation losses of each run, or the training losses where there are none.

    A model that counts has no steps: it is a dot at the seconds that counting took.
    """
    curves = []
    for place, (run, name) in enumerate(zip(runs, names, strict=True)):
        at = {entry.step: entry.step if across == "step" else entry.elapsed_seconds for entry in run.entries}
        points = [(at[entry.step], loss) for entry in run.entries if (loss := entry.validation_loss) is not None]
        is_training = bool(run.entries) and not points
        if is_training:
            points = [(at[entry.step], entry.train_loss) for entry in run.entries]
        elif not run.entries and across == "seconds" and run.seconds is not None and run.validation_loss is not None:
            points = [(run.seconds, run.validation_loss)]
        if points:
            curves.append(Curve(name=f"{name} (training)" if is_training else name, kind=color(place), points=points))
    return curves


def _results(runs: Sequence[ReportedRun], names: Sequence[str]) -> str:
    sizes = [told_sizes(run.lm.facts()) for run in runs]
    rows = [
        (
            name,
            about_model(run.lm.family, run.lm.settings).removeprefix("An ").removeprefix("A "),
            size.get("parameters", ""),
            size.get("n-grams", ""),
            f"{run.lm.facts()['bytes']:,}",
            "" if run.validation_loss is None else f"{run.validation_loss / math.log(2):.4f}",
            f"{run.entries[-1].step:,}" if run.entries else "",
            run.seconds_in_words,
        )
        for name, run, size in zip(names, runs, sizes, strict=True)
    ]
    head = ("run", "model", "parameters", "n-grams", "bytes", "validation, bits per character", "steps", "seconds")
    return table("The runs", rows, head)


def _differences(runs: Sequence[ReportedRun], names: Sequence[str]) -> str:
    facts = [facts_of(run) for run in runs]
    every = dict.fromkeys(name for each in facts for name in each)
    rows = [
        (shown_name(name), *(_shown(each.get(name)) for each in facts))
        for name in every
        if any(each.get(name) != facts[0].get(name) for each in facts)
    ]
    if not rows:
        return paragraph("Nothing that the runs recorded.")
    return table("Settings, texts and machines that differ", rows, ("", *names))


def facts_of(run: ReportedRun) -> dict[str, Any]:
    """Returns what is known about a run, by name: its model, its text, its settings and its machine."""
    facts: dict[str, Any] = {"family": run.lm.family, "learned from": run.lm.facts()["learned_from"]}
    facts |= {"symbols": len(run.lm.vocabulary.symbols)}
    if run.description is not None:
        described = run.description
        facts |= {"text": described.text, "characters": described.characters, "started": in_utc(described.began)}
        facts |= {f"SHA-256 of the {part} data": digest[:12] for part, digest in described.fingerprints.items()}
        facts |= described.settings | described.machine
        facts.pop("model", None)  # it is the family
    return facts | told_settings(run.lm.settings)


def _shown(value: object) -> str:
    return "" if value is None else f"{value:,}" if type(value) is int and value >= LARGE else shown_name(str(value))


def _sample(name: str, text: str) -> str:
    return f"{paragraph(name, 'name')}{passage(text, f'Sample of {name}')}"
