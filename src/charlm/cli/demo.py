"""Demonstrates models on the command line: ``demo``."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from charlm.cli.output import print_line
from charlm.data.corpora import python_docs
from charlm.lm import CharLM
from charlm.recipes.corpus import Corpus
from charlm.recipes.presets import Recipe
from charlm.recipes.sources import ROLES_OF_TEXT
from charlm.recipes.train import train

if TYPE_CHECKING:
    from charlm.cli.flags import Demo

PROMPT = "The "
LENGTH = 210
"""In characters, of what a model writes."""
WIDTH = 76
ORDER = 6
INTRODUCTION = """\
Two models read the same {characters:,} characters, the help that comes with Python.
Then each goes on writing after "{prompt}", one character at a time."""
MODELS = (
    ("1. A bigram model guesses each character from the one before it:", Recipe(family="bigram")),
    (
        f"2. An n-gram model guesses each character from up to {ORDER - 1} before it:",
        Recipe(family="ngram", order=ORDER, smoothing="learned"),
    ),
)
LOSS = "On text that it has not read, a character costs it {bits:.2f} bits; in a plain file it takes 8."
END = """\
The fewer bits, the better it knows what comes next. Now with your own text:
  charlm train FILE
  charlm generate runs/NAME-ngram
"""


def demo(_: Demo) -> None:
    """Trains two models on text that comes with Python, and prints what they write."""
    text = python_docs()
    corpus = Corpus.of_text(text, ROLES_OF_TEXT)
    learned, held_out = corpus.split(0.9)
    print(INTRODUCTION.format(characters=len(text), prompt=PROMPT))
    for introduction, recipe in MODELS:
        trained = train(learned, recipe, validation=held_out)
        sample = CharLM(trained.model, corpus.vocabulary).generate(PROMPT, max_new_tokens=LENGTH, seed=1337)
        print(f"\n{introduction}\n")
        for line in textwrap.wrap(" ".join(sample.split()), WIDTH, break_on_hyphens=False):
            print_line(f"    {line}")
        assert trained.validation_nats is not None  # noqa: S101 - something is held out
        print(f"\n{LOSS.format(bits=trained.validation_nats / math.log(2))}")
    print(f"\n{END}", end="")
