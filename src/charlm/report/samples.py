"""The section of what the model writes, now and at each evaluation of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.report.elements import paragraph, passage, section
from chartok.markup import escaped

if TYPE_CHECKING:
    from charlm.lm import CharLM
    from charlm.training.log import LogEntry

SAMPLES = 3
LENGTH = 400
RECORDS = 10
LENGTH_OF_RECORD = 100
"""How many records there are in a sample of them, and how long each is at most."""
MOST_SHOWN = 8
"""Of how many evaluations the samples are shown, the first and the last among them."""


def generated(lm: CharLM, seed: int) -> list[str]:
    """Returns a few samples; of a model of records, each has several, one a line."""
    seeds = [seed + place for place in range(SAMPLES)]
    if not lm.is_of_records:
        return [lm.generate(max_new_tokens=LENGTH, seed=each) for each in seeds]
    return ["\n".join(lm.generate(n_samples=RECORDS, max_new_tokens=LENGTH_OF_RECORD, seed=each)) for each in seeds]


def samples(texts: list[str], entries: list[LogEntry], *, note: str = "") -> str:
    """Returns the section.

    Args:
        texts: What the finished model generates.
        entries: The log of the run, which has samples of its own; those that only repeat ``texts`` are left out.
        note: What to say of the texts, if anything.
    """
    finished = "".join(passage(text, f"Sample {place}") for place, text in enumerate(texts, 1))
    shown = f'<div class="several">{finished}</div>' if texts else ""
    new = [entry for entry in entries if entry.sample and not any(text.startswith(entry.sample) for text in texts)]
    return section("samples", "Samples", (paragraph(note) if note else "") + shown + _on_the_way(new))


def _on_the_way(written: list[LogEntry]) -> str:
    if not written:
        return ""
    last = len(written) - 1
    places = sorted({round(place * last / (MOST_SHOWN - 1)) for place in range(MOST_SHOWN)})
    shown = "".join(_step(written[place]) for place in places)
    told = "What the model wrote at each evaluation, with the same random numbers each time:"
    return f'<h3>During training</h3>{paragraph(told)}<ol class="steps-written">{shown}</ol>'


def _step(entry: LogEntry) -> str:
    loss = "" if entry.validation_loss is None else f", {entry.validation_loss:.3f} nats per character"
    text = passage(entry.sample or "", f"Sample at step {entry.step:,}")
    return f"<li><p>{escaped(f'Step {entry.step:,}{loss}')}</p>{text}</li>"
