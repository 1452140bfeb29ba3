"""Scores text on the command line: ``evaluate`` and ``score``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.cli.output import print_json
from charlm.cli.reading import reading_of, tell_note, token_file_of
from charlm.evaluation.scoring import Evaluation
from charlm.evaluation.scoring import evaluate as evaluate_corpus
from charlm.lm import CharLM
from charlm.recipes.corpus import Corpus
from chartok import TokenFile, read_records, read_text
from chartok.files.records import batched_records

if TYPE_CHECKING:
    from charlm.cli import flags


def evaluate(settings: flags.Evaluate) -> None:
    """Prints how well a model predicts a text."""
    lm = CharLM.load(settings.model, device=settings.device)
    evaluation = _evaluation(lm, settings)
    figures = {
        "characters": evaluation.characters,
        "nats_per_character": evaluation.nats_per_character,
        "bits_per_character": evaluation.bits_per_character,
        "symbols": evaluation.symbols if lm.vocabulary.longest_symbol > 1 else None,
        "bits_per_symbol": evaluation.bits_per_symbol if lm.vocabulary.longest_symbol > 1 else None,
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
    if name := token_file_of(settings.texts, settings.reading, records=settings.records):
        with TokenFile(name) as tokens:
            if tokens.vocabulary != lm.vocabulary:
                raise ValueError(
                    f"the vocabulary of {name!a} differs from that of the model: prepare it with the model's"
                )
            tokens.verify()
            corpus = Corpus.of_tokens(tokens)
            return corpus.in_characters(evaluate_corpus(lm.stored, corpus))
    reading = reading_of(settings.reading)
    if not (settings.records or lm.is_of_records):
        return lm.evaluate(read_text(settings.texts, reading, note=tell_note))
    lines = read_records(settings.texts, reading, note=tell_note)
    symbols = int(lm.counts_of_symbols(lines).sum())
    if not symbols:
        raise ValueError("text is empty: there is nothing to score")
    return Evaluation.of_symbols(
        -float(lm.score_samples(lines).sum()),
        symbols,
        characters=_scored(lm, lines),
        utf8_bytes=len("".join(lines).encode()) + len(lines) * lm.is_of_records,
    )


def score(settings: flags.Score) -> None:
    """Prints the log-likelihood of each line, those before an invalid byte before it is an error."""
    reading = reading_of(settings.reading)
    if reading.blank_lines == "skip":
        raise ValueError("score answers every line, and --blank-lines skip leaves some out: leave it out")
    lm = CharLM.load(settings.model, device=settings.device)
    for lines in batched_records(settings.texts or "-", reading, tell_note, may_grow=True):
        for line, nats in zip(lines, lm.score_samples(lines).tolist(), strict=True):
            bits = abs(nats) / math.log(2) / max(1, _scored(lm, [line]))  # 0 for an empty line, not -0
            if settings.json:
                print_json(log_likelihood=nats, bits_per_character=bits, text=line)
            else:
                in_one_line = line.replace("\n", r"\n")
                print(f"{nats:.4f}\t{bits:.4f}\t{in_one_line}")
        print(end="", flush=True)  # the next line may take a long time to arrive


def _scored(lm: CharLM, lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines) * lm.is_of_records
