"""Corrects lines on the command line: ``correct``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.cli.answers import answer_lines, for_every_line
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_json, shown_line
from charlm.decoding.channel import Channel
from charlm.lm import CharLM

if TYPE_CHECKING:
    from charlm.cli.scoring_flags import Correct

LINES_AT_ONCE = 64
"""How many lines are corrected before they are printed."""


def correct(settings: Correct) -> None:
    """Prints the likeliest true text behind each line, as it comes."""
    settings = for_every_line(settings, "correct")
    lm = CharLM.load(settings.model, device=settings.device)
    channel = _channel(settings, lm)
    context = "\n" if not lm.is_of_records and "\n" in lm.vocabulary else ""

    def answer(lines: list[str]) -> None:
        for start in range(0, len(lines), LINES_AT_ONCE):
            some = lines[start : start + LINES_AT_ONCE]
            corrected = lm.correct(some, channel=channel, context=context, beam_width=settings.beam_width)
            for line, text in zip(some, corrected, strict=True):
                if settings.json:
                    print_json(text=line, corrected=text)
                else:
                    print(shown_line(text))
            print(end="", flush=True)  # the next lines take their time

    answer_lines(settings.texts, settings.reading, answer)


def _channel(settings: Correct, lm: CharLM) -> Channel:
    """Returns the channel that was asked for.

    Raises:
        UsageError: It has no errors, and a probability of errors was given.
        ValueError: The probability is out of range; or it has nothing to do with the alphabet of the model.
    """
    if settings.channel == "spaces" and " " not in lm.vocabulary:
        raise ValueError("the vocabulary of this model has no space: there is none to restore")
    if settings.error is None:
        return Channel.named(settings.channel, lm.vocabulary.symbols)
    if settings.channel == "keyboard":
        return Channel.keyboard(settings.error)
    if settings.channel == "ocr":
        return Channel.ocr(settings.error)
    raise UsageError(f"--error is for the channels keyboard and ocr: with --channel {settings.channel}, leave it out")
