"""Scores text on the command line: ``evaluate`` and ``score``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from charlm.cli.answers import answer_lines, for_every_line
from charlm.cli.command import OF_READING
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_json, shown_line
from charlm.cli.reading import admitted_lines, admitted_records, for_kind, reading_of, tell_note, without_shared
from charlm.cli.unusual import UnusualLines
from charlm.data.framing import Framing
from charlm.evaluation.scoring import Evaluation, utf8_length
from charlm.evaluation.scoring import evaluate as evaluate_corpus
from charlm.lm import CharLM
from charlm.recipes.corpus import Corpus
from charlm.recipes.shaping import masked
from charlm.recipes.sources import corpus_of_files, is_token_source, token_file_of
from chartok import TokenFile, read_counts, read_text
from chartok.files.record_batch import RecordBatch

if TYPE_CHECKING:
    from charlm.cli.reading import AnyCommand
    from charlm.cli.scoring_flags import Evaluate, Score
    from chartok import ReadingSettings, UnknownCharacterError


def evaluate(settings: Evaluate) -> None:
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


def _evaluation(lm: CharLM, settings: Evaluate) -> Evaluation:
    framing = Framing(lm.vocabulary)
    settings = _for_model(for_kind(settings, records=settings.records or lm.is_of_records), lm)
    if settings.prompt_end is not None:
        return _of_answers(lm, settings, settings.prompt_end)
    if is_token_source(settings.texts):
        settings = without_shared(settings, (*OF_READING, "errors"))
    if name := token_file_of(settings.texts, reading_of(settings.reading), records=settings.records):
        if settings.errors is not None:
            raise ValueError(f"{name!a} is a token file, which has no unknown characters: leave --errors out")
        with TokenFile(name) as tokens:
            corpus = Corpus.of_tokens(tokens, vocabulary=lm.vocabulary)
            tokens.verify()
            return evaluate_corpus(lm.stored, corpus, vocabulary=lm.vocabulary, stride=settings.stride)
    reading = reading_of(settings.reading)
    if not (settings.records or lm.is_of_records):
        text = framing.admitted(read_text(settings.texts, reading, note=tell_note), settings.errors)
        if not text:
            raise _empty(settings)
        return lm.evaluate(text, stride=settings.stride)
    return _of_records(lm, settings, reading)


def _of_records(lm: CharLM, settings: Evaluate, reading: ReadingSettings) -> Evaluation:
    """Returns how well a model predicts records, each as often as it counts."""
    framing = Framing(lm.vocabulary)
    weights = np.array(1)
    if reading.counts:
        counts = read_counts(settings.texts, reading, note=tell_note)
        lines, refused = admitted_lines(framing, [*counts], settings.errors)
        weights = np.array([*counts.values()])
        if refused is not None:
            numbers = range(1, len(counts) + 1)
            raise RecordBatch([*counts], numbers, "distinct record", " ".join(settings.texts), 0).located(refused)
    else:
        lines = admitted_records(framing, settings.texts, reading, settings.errors)
    symbols = int((lm.counts_of_symbols(lines) * weights).sum())
    if not symbols:
        raise _empty(settings)
    characters, utf8_bytes = (
        int((np.fromiter(map(length, lines), np.int64) * weights + lm.is_of_records * weights).sum())
        for length in (len, utf8_length)
    )
    return Evaluation.of_symbols(
        -float((lm.score_samples(lines, stride=settings.stride) * weights).sum()),
        symbols,
        characters=characters,
        utf8_bytes=utf8_bytes,
    )


def _of_answers(lm: CharLM, settings: Evaluate, prompt_end: str) -> Evaluation:
    """Returns how well a model predicts what follows the prompts of records."""
    if not lm.is_of_records:
        raise ValueError("--prompt-end is for a model of records: this one is of text, which has no prompts")
    if is_token_source(settings.texts):
        settings = without_shared(settings, OF_READING)
    if without_shared(settings, ("errors",)).errors is not None:
        raise ValueError("with --prompt-end, unknown characters count as they did in training: leave --errors out")
    reading = reading_of(settings.reading)
    corpus = corpus_of_files(settings.texts, records=True, reading=reading, note=tell_note, vocabulary=lm.vocabulary)
    answers = masked(corpus, prompt_end)
    return evaluate_corpus(lm.stored, answers, vocabulary=lm.vocabulary, stride=settings.stride)


def _empty(settings: Evaluate) -> ValueError:
    return ValueError(f"{' '.join(settings.texts)!a}: text is empty: there is nothing to score")


def score(settings: Score) -> None:
    """Prints the log-likelihood of each line, or unusual lines; those before an invalid byte before it is an error."""
    settings = for_every_line(settings, "score")
    lm = CharLM.load(settings.model, device=settings.device)
    settings = _for_model(settings, lm)
    framing = Framing(lm.vocabulary)
    unusual = _unusual(lm, settings)

    def answer(lines: list[str]) -> UnknownCharacterError | None:
        admitted, refused = admitted_lines(framing, lines, settings.errors)
        if unusual is None:
            _show_scores(lm, settings, lines, admitted)
        else:
            unusual.show(lines, admitted)
        return refused

    answer_lines(settings.texts, settings.reading, answer)


def _unusual(lm: CharLM, settings: Score) -> UnusualLines | None:
    """Returns what prints unusual lines, if they are asked for.

    Raises:
        UsageError: Flags do not go together.
        ValueError: The model cannot tell.
    """
    if settings.unusual is None:
        if settings.spans or settings.color != "auto":
            raise UsageError("--spans and --color show what is unusual: give --unusual RATE too, such as 0.001")
        return None
    if settings.color != "auto" and (settings.json or not settings.spans):
        raise UsageError("--color is for --spans, and JSON has no color: leave it out")
    if settings.stride is not None:
        raise UsageError("--unusual compares lines with those of the calibration: leave --stride out")
    return UnusualLines(lm, settings.unusual, spans=settings.spans, color=settings.color, json=settings.json)


def _show_scores(lm: CharLM, settings: Score, lines: list[str], admitted: list[str]) -> None:
    """Prints lines with their scores, as far as they are admitted."""
    scores = lm.score_samples(admitted, stride=settings.stride).tolist()
    for line, known, nats in zip(lines, admitted, scores, strict=False):
        bits = abs(nats) / math.log(2) / max(1, len(known) + lm.is_of_records)  # 0 for an empty line, not -0
        if settings.json:
            print_json(log_likelihood=nats, bits_per_character=bits, text=line)
        else:
            print(f"{nats:.4f}\t{bits:.4f}\t{shown_line(line)}")


def _for_model(settings: AnyCommand, lm: CharLM) -> AnyCommand:
    """Returns settings without a stride from the top of a configuration file where the model has no blocks."""
    return settings if lm.predictor.block_size is not None else without_shared(settings, ("stride",))
