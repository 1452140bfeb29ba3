"""Corrections beside a corrector of words, and transcriptions beside pyctcdecode; ``decoding.py`` has more."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from charlm import Channel, CharLM, ctc_decode_batch
from comparison import Comparison
from decoding import error_rate, frames_of, spread
from environment import is_installed
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable

CHARACTERS = 500_000
LINES = 40
TRANSCRIBED = 10
RATE = 0.05
BEAM_WIDTH = 64
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on lines of the last tenth of a text; with pyctcdecode where it is there."""
    text = sample_text(CHARACTERS)
    learned, rest = text[: CHARACTERS * 9 // 10], text[CHARACTERS * 9 // 10 :]
    lm = CharLM.fit(learned)
    lines = spread([line for line in rest.split("\n") if line], LINES)
    return [*_corrections(lm, learned, lines), *_transcriptions(lm, lines[:TRANSCRIBED])]


def _corrections(lm: CharLM, learned: str, lines: list[str]) -> list[Comparison]:
    seen = [Channel.keyboard(RATE).corrupt(line, seed=number) for number, line in enumerate(lines)]
    words = WordCorrector(learned)

    def ours() -> list[str]:
        return lm.correct(seen, context="\n")

    def theirs() -> list[str]:
        return [words.correct(line) for line in seen]

    amount = f"{LINES} lines, {sum(map(len, seen)):,} characters"
    rival_name = "nearest words, by frequency"
    return [
        Comparison(
            name=f"errors left in {amount}",
            ours=partial(_errors, ours, lines),
            rival_name=rival_name,
            rival=partial(_errors, theirs, lines),
            target=2,
            samples=3,
            unit="errors",
        ),
        Comparison(
            name=f"correct {amount}",
            ours=ours,
            rival_name=rival_name,
            rival=theirs,
            target=0.05,
            samples=3,
            why="The words are looked up one by one; a beam of whole lines, with all that may have been typed, is not.",
        ),
    ]


def _errors(correct: Callable[[], list[str]], lines: list[str]) -> int:
    return round(error_rate(correct(), lines) * sum(map(len, lines)))


class WordCorrector:
    """Replaces an unknown word by the most frequent one within an edit, as a well-known short program does.

    See Norvig, "How to write a spelling corrector" (2007), whose two edits are left out: they take seconds a line.

    Args:
        text: Whose words are known, with how often they occur.
    """

    def __init__(self, text: str) -> None:
        self._counts = Counter(re.findall(r"\w+", text))

    def correct(self, line: str) -> str:
        """Returns a line, corrected word by word."""
        return re.sub(r"\w+", lambda match: self._best(match[0]), line)

    def _best(self, word: str) -> str:
        if word in self._counts:
            return word
        return max(self._within_an_edit(word) & self._counts.keys(), key=self._counts.__getitem__, default=word)

    def _within_an_edit(self, word: str) -> set[str]:
        splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
        shorter = {before + after[1:] for before, after in splits if after}
        swapped = {before + after[1] + after[0] + after[2:] for before, after in splits if len(after) > 1}
        replaced = {before + letter + after[1:] for before, after in splits if after for letter in LETTERS}
        longer = {before + letter + after for before, after in splits for letter in LETTERS}
        return shorter | swapped | replaced | longer


def _transcriptions(lm: CharLM, lines: list[str]) -> list[Comparison]:
    if not is_installed("pyctcdecode"):
        print("pyctcdecode is skipped: it is not installed")
        return []
    alphabet = ["", *lm.vocabulary.symbols]
    frames = [frames_of(line, alphabet, number) for number, line in enumerate(lines)]
    decoder = importlib.import_module("pyctcdecode").build_ctcdecoder(alphabet)

    def theirs() -> list[str]:
        return [decoder.decode(each, beam_width=BEAM_WIDTH) for each in frames]

    def ours(model: CharLM | None) -> list[str]:
        return [best[0].text for best in ctc_decode_batch(frames, alphabet, lm=model, beam_width=BEAM_WIDTH)]

    amount = f"{sum(map(len, frames)):,} frames, beam of {BEAM_WIDTH}"
    return [
        Comparison(
            name=f"transcribe {amount}",
            ours=partial(ours, None),
            rival_name="pyctcdecode",
            rival=theirs,
            target=1,
            samples=3,
        ),
        Comparison(
            name=f"transcribe {amount}, with a language model",
            ours=partial(ours, lm),
            rival_name="pyctcdecode, without one",
            rival=theirs,
            target=0.5,
            samples=3,
        ),
        Comparison(
            name="errors in them, with a language model",
            ours=partial(_errors, partial(ours, lm), lines),
            rival_name="pyctcdecode, without one",
            rival=partial(_errors, theirs, lines),
            target=10,
            samples=3,
            unit="errors",
        ),
    ]
