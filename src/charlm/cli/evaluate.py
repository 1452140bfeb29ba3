"""Scores text on the command line: ``evaluate`` and ``score``."""

from __future__ import annotations

import math
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.cli.output import print_json
from charlm.evaluation.scoring import Evaluation
from charlm.evaluation.scoring import evaluate as evaluate_corpus
from charlm.lm import CharLM
from charlm.recipes.corpus import Corpus
from chartok import TokenFile, read_text
from chartok.files.lines import batched_lines, split_lines
from chartok.files.text import decoded, iterate_text
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.cli import flags


def evaluate(settings: flags.Evaluate) -> None:
    """Prints how well a model predicts a text."""
    lm = CharLM.load(settings.model, device=settings.device)
    evaluation = _evaluation(lm, settings)
    figures = {
        "characters": evaluation.characters,
        "nats_per_character": evaluation.nats_per_character,
        "bits_per_character": evaluation.bits_per_character,
        "bits_per_byte": None if evaluation.utf8_bytes is None else evaluation.bits_per_byte,
        "perplexity": evaluation.perplexity,
    }
    if settings.json:
        print_json(**figures)
        return
    for name, value in figures.items():
        if value is not None:
            shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
            print(f"{name.replace('_', ' '):19} {shown}")


def _evaluation(lm: CharLM, settings: flags.Evaluate) -> Evaluation:
    if is_token_file(settings.text):
        with TokenFile(settings.text) as tokens:
            corpus = Corpus.of_tokens(tokens, vocabulary=lm.vocabulary)
            tokens.verify()
            return evaluate_corpus(lm.stored, corpus, vocabulary=lm.vocabulary)
    content = read_text(settings.text)
    if not (settings.records or lm.is_of_records):
        return lm.evaluate(content)
    lines = split_lines(content)
    characters = _scored(lm, lines)
    if not characters:
        raise ValueError("text is empty: there is nothing to score")
    return Evaluation(
        nats_per_character=-float(lm.score_samples(lines).sum()) / characters,
        characters=characters,
        utf8_bytes=len("".join(lines).encode()) + len(lines) * lm.is_of_records,
    )


def score(settings: flags.Score) -> None:
    """Prints the log-likelihood of each line."""
    lm = CharLM.load(settings.model, device=settings.device)
    for lines in chain.from_iterable(map(batched_lines, _opened(settings.texts))):
        for line, nats in zip(lines, lm.score_samples(lines).tolist(), strict=True):
            bits = abs(nats) / math.log(2) / max(1, _scored(lm, [line]))  # 0 for an empty line, not -0
            if settings.json:
                print_json(log_likelihood=nats, bits_per_character=bits, text=line)
            else:
                print(f"{nats:.4f}\t{bits:.4f}\t{line}")
        print(end="", flush=True)  # the next line may take a long time to arrive


def _opened(names: tuple[str, ...]) -> Iterable[Iterable[str]]:
    """Returns each text, in pieces."""
    if names:
        return map(iterate_text, map(Path, names))
    if sys.stdin is None:
        raise ValueError("standard input is closed: name a file")
    return [decoded(sys.stdin.buffer, "standard input")]


def _scored(lm: CharLM, lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines) * lm.is_of_records
