"""Corrects lines on the command line: ``correct``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.cli.output import print_json, shown_line
from charlm.cli.reading import for_kind, reading_of, tell_note, without_shared
from charlm.decoding.channel import Channel
from charlm.lm import CharLM
from chartok.files.records import batched_records
from chartok.files.sources import STANDARD_INPUT, expand_sources

if TYPE_CHECKING:
    from charlm.cli.scoring_flags import Correct

LINES_AT_ONCE = 64
"""How many lines are corrected before they are printed."""


def correct(settings: Correct) -> None:
    """Prints the likeliest true text behind each line, as it comes."""
    settings = without_shared(for_kind(settings, records=True), ("blank_lines",))
    reading = reading_of(settings.reading)
    if reading.blank_lines == "skip":
        raise ValueError("correct answers every line, and --blank-lines skip leaves some out: leave it out")
    lm = CharLM.load(settings.model, device=settings.device)
    channel = _channel(settings, lm)
    context = "\n" if not lm.is_of_records and "\n" in lm.vocabulary else ""
    for name in expand_sources(settings.texts or STANDARD_INPUT, reading.pattern):
        for lines in batched_records(name, reading, tell_note, may_grow=True):
            for start in range(0, len(lines), LINES_AT_ONCE):
                some = lines[start : start + LINES_AT_ONCE]
                corrected = lm.correct(some, channel=channel, context=context, beam_width=settings.beam_width)
                for line, text in zip(some, corrected, strict=True):
                    if settings.json:
                        print_json(text=line, corrected=text)
                    else:
                        print(shown_line(text))
                print(end="", flush=True)  # the next lines take their time


def _channel(settings: Correct, lm: CharLM) -> Channel:
    """Returns the channel that was asked for.

    Raises:
        ValueError: It has no errors, and a probability of errors was given, or that is out of range; or it has nothing
            to do with the alphabet of the model.
    """
    if settings.error is None:
        return Channel.named(settings.channel, lm.vocabulary.symbols)
    if settings.channel == "keyboard":
        return Channel.keyboard(settings.error)
    if settings.channel == "ocr":
        return Channel.ocr(settings.error)
    raise ValueError(f"--error is for the channels keyboard and ocr: with --channel {settings.channel}, leave it out")
