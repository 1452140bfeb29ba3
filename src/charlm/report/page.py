"""The HTML page of a report, which shows a run section by section."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.report.transitions import heat_map, transitions
from charlm.runtime.seeds import seed_or_new
from charlm.training.curves import Axis, Curve, chart
from charlm.training.log import LogEntry, read_log
from charlm.training.run_status import IN_BITS, loss_curves
from chartok import __version__
from chartok.files.atomic import replace_file
from chartok.markup import escaped

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    import torch

    from charlm.files.run_description import RunDescription

SAMPLES = 3
SAMPLE_LENGTH = 400
RECORDS_A_SAMPLE = 10
LONGEST_TEXT = 5_000
"""The maximum number of characters that are colored."""
ROWS = 20
"""The approximate number of log entries listed as numbers."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def write_report(
    run: str | os.PathLike[str],
    path: str | os.PathLike[str] | None = None,
    *,
    text: str | Iterable[str] | None = None,
    stride: int | None = None,
    seed: int | None = 0,
    device: str | torch.device = "cpu",
) -> Path:
    """Writes one HTML file that shows a run, and returns its path; an existing file is replaced atomically.

    Args:
        run: A run folder or a model file.
        path: The file to write; by default ``report.html`` in the run folder, or beside the model file under its name.
        text: The text to color by surprise, its first 5,000 characters, or several records for a model of records; by
            default the beginning of the validation part, or a sample if that is not known.
        stride: Of a model with a limited context, for the colors; see ``charlm.score``.
        seed: Seeds the samples; None draws a new one, which the logger ``charlm`` tells.
        device: The device to compute on.

    Raises:
        OSError: The run cannot be read, or the file cannot be written.
        CheckpointCorruptError: The model file is damaged.
        CheckpointVersionError: It was written by a newer version.
        CheckpointMismatchError: The family of the model is not one of charlm's.
        ValueError: The log or the description of the run is invalid, ``path`` is a file of the run, there are several
            texts and the model is one of text, or ``stride`` is below 1 or above the block, or the model has none.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> CharLM.fit("the cat sat on the mat. " * 50).save(folder / "cats.safetensors")
        >>> write_report(folder / "cats.safetensors").name
        'cats.html'
        >>> (folder / "cats.html").read_text("utf-8").startswith("<!doctype html>")
        True
    """
    folder = RunFolder(run)
    default = folder.report_path if folder.path.is_dir() else folder.path.with_suffix(".html")
    out = default if path is None else Path(path)
    folder.refuse_to_replace(out)
    lm = CharLM.load(run, device=device)
    if not (text is None or isinstance(text, str) or lm.is_of_records):
        raise ValueError("text must be one str for a model of text: join the texts")
    entries = read_log(folder.log_path) if folder.log_path.is_file() else []
    description, samples = folder.read_description(), _samples(lm, seed_or_new(seed))
    if text is None:
        text = samples[0] if description is None or not description.excerpt else description.excerpt
        text = text.split("\n") if lm.is_of_records else text
    surprise = _surprise(lm, [text] if isinstance(text, str) else text, stride)
    content = _page(folder.path.resolve().name, lm, entries, description, surprise, samples)
    with replace_file(out, follow_links=path is not None) as file:
        file.write(content.encode("utf-8"))
    return out


def _page(
    name: str,
    lm: CharLM,
    entries: list[LogEntry],
    description: RunDescription | None,
    surprise: str,
    samples: list[str],
) -> str:
    assets = files("charlm.report")
    title = f"{escaped(name)} · charlm"
    source = "" if description is None else f", trained on {escaped(Path(description.text).name)}"
    sections = [
        _section("learning", "Learning", _learning(entries)),
        _section("surprise", "Surprise, character by character", surprise),
        _section("transitions", "Character transitions", _transitions(lm)),
        _section("samples", "Samples", "".join(f'<pre dir="auto" tabindex="0">{escaped(s)}</pre>' for s in samples)),
        _section("settings", "Settings and machine", _settings(lm, description)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        f"<style>{(assets / 'page.css').read_text('utf-8')}</style></head><body>"
        '<a class="skip" href="#main">Skip to the report</a>'
        f"<header><p>charlm report</p><h1>{escaped(name)}</h1>"
        f'<p class="lead">A {escaped(lm.family)} model of {_of_what(lm)}{source}.</p>'
        f"{_figures(lm, entries)}</header>"
        f'<main id="main">{"".join(sections)}</main><footer>Made by charlm {__version__}.</footer>'
        f"<script>{(assets / 'page.js').read_text('utf-8')}</script></body></html>\n"
    )


def _section(name: str, title: str, content: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{content}</section>'


def _of_what(lm: CharLM) -> str:
    return f"{'records' if lm.is_of_records else 'text'} with {len(lm.vocabulary.symbols):,} different symbols"


def _figures(lm: CharLM, entries: list[LogEntry]) -> str:
    """Returns the key figures at the top of the page."""
    figures = {"parameters": f"{lm.facts()['parameters']:,}"}
    losses = [entry.validation_loss for entry in entries if entry.validation_loss is not None]
    if losses:
        figures["bits per character"] = f"{min(losses) / math.log(2):.3f}"
        figures["nats per character"] = f"{min(losses):.4f}"
    if entries:
        figures["steps"] = f"{entries[-1].step:,}"
        figures["seconds of training"] = f"{entries[-1].elapsed_seconds:,.1f}"
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures.items())
    return f'<dl class="figures">{tiles}</dl>'


def _learning(entries: list[LogEntry]) -> str:
    if not entries:
        return "<p>There is no training log: this is a count model, or its file is not in a run folder.</p>"
    curves = loss_curves(entries)
    rate = Curve(name="rate", points=[(entry.step, entry.learning_rate) for entry in entries])
    speed = Curve(name="speed", points=[(entry.step, entry.characters_per_second) for entry in entries])
    loss = chart("Loss", curves, Axis(label="nats per character"), IN_BITS, width=920)
    others = {
        "Learning rate": chart("Learning rate", [rate], Axis(label="learning rate")),
        "Speed": chart("Speed", [speed], Axis(label="characters per second")),
    }
    norms = [(entry.step, entry.gradient_norm) for entry in entries if entry.gradient_norm is not None]
    if norms:
        others["Gradient norm"] = chart("Gradient norm", [Curve(name="norm", points=norms)], Axis(label="norm"))
    pair = "".join(f"<figure>{svg}<figcaption>{title}</figcaption></figure>" for title, svg in others.items())
    legend = "".join(f'<span class="key {curve.name}">{curve.name}</span>' for curve in curves)
    return (
        f"<figure>{loss}<figcaption>Loss {legend}</figcaption></figure>"
        f'<div class="pair">{pair}</div>'
        f"<details><summary>Show the numbers</summary>{_log_table(entries)}</details>"
    )


def _log_table(entries: list[LogEntry]) -> str:
    every = max(1, len(entries) // ROWS)
    shown = [entry for place, entry in enumerate(entries) if place % every == 0 or entry.validation_loss is not None]
    shown = shown[:: max(1, len(shown) // (2 * ROWS))]
    if shown[-1] is not entries[-1]:
        shown.append(entries[-1])
    rows = [
        (
            f"{entry.step:,}",
            f"{entry.train_loss:.4f}",
            "" if entry.validation_loss is None else f"{entry.validation_loss:.4f}",
            f"{entry.learning_rate:.3g}",
            f"{entry.characters_per_second:,.0f}",
        )
        for entry in shown
    ]
    head = ("step", "train loss, nats", "validation loss, nats", "learning rate", "characters per second")
    return _table("Log of the run", rows, head)


def _surprise(lm: CharLM, texts: Iterable[str], stride: int | None) -> str:
    scored = [lm.inspect(text, stride=stride) for text in _beginning(texts)]
    bits = [surprise for one in scored for surprise in one.bits.tolist()]
    mean = sum(bits) / max(1, len(bits))
    return (
        f"<p>The stronger the color, the more surprised the model was: {mean:.2f} bits per character on average. Point "
        "at a character, or move with the arrow keys, to see which characters the model considered most likely.</p>"
        '<p class="scale" aria-hidden="true"><span>0 bits</span><i></i><span>10 bits or more</span></p>'
        f'<div class="text" id="text" tabindex="0" role="group" aria-label="The text, character by character">'
        f'{"<br>".join("".join(one.spans()) for one in scored)}</div><p class="told" id="text-told" role="status"></p>'
    )


def _beginning(texts: Iterable[str]) -> Iterator[str]:
    """Yields the texts, or records, that the first characters are in."""
    left = LONGEST_TEXT
    for text in texts:
        yield text[:left]
        left -= len(text) + 1
        if left <= 0:
            return


def _transitions(lm: CharLM) -> str:
    table = transitions(lm)
    rest = f" The {table.left_out:,} least frequent characters are left out." if table.left_out else ""
    return (
        "<p>The probability of each character after a single other one, in percent. Point at a cell, or move with the "
        f"arrow keys.{rest}</p>"
        '<div class="scroll" id="heat-box" tabindex="0" role="region" aria-label="Table of characters">'
        f"{heat_map(table)}</div>"
        '<p class="told" id="heat-told" role="status"></p>'
    )


def _samples(lm: CharLM, seed: int) -> list[str]:
    if not lm.is_of_records:
        return [lm.generate(max_new_tokens=SAMPLE_LENGTH, seed=seed + place) for place in range(SAMPLES)]
    return [
        "\n".join(lm.sample(RECORDS_A_SAMPLE, unique=False, max_length=SAMPLE_LENGTH, seed=seed + place))
        for place in range(SAMPLES)
    ]


def _settings(lm: CharLM, description: RunDescription | None) -> str:
    facts: dict[str, Any] = {"family": lm.family, **lm.settings, "fingerprint": lm.vocabulary.fingerprint}
    tables = [_table("Model", [(name, str(value)) for name, value in facts.items()])]
    if description is not None:
        run = {"text": description.text, "characters": f"{description.characters:,}", "started": description.began}
        run |= {name: str(value) for name, value in description.settings.items()}
        tables.append(_table("Run", list(run.items())))
        tables.append(_table("Machine", list(description.machine.items())))
    return f'<div class="tables">{"".join(tables)}</div>'


def _table(caption: str, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    columns = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escaped(first)}</th>{"".join(f"<td>{escaped(value)}</td>" for value in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table><caption>{escaped(caption)}</caption>'
        f"{f'<thead><tr>{columns}</tr></thead>' if head else ''}<tbody>{body}</tbody></table></div>"
    )
