"""Makes one n-gram model of several: of their counts, or of their probabilities."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.framing import Framing
from charlm.models.counting.counts import NGramCounts
from charlm.models.ngram.gating import Gate, HeldOutScores
from charlm.models.ngram.interpolation import interpolated
from charlm.models.ngram.table import NGramTable, table_of
from charlm.models.smoothing.inner_products import along

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from charlm.models.smoothing.choices import Weights
    from charlm.recipes.corpus import Corpus
    from chartok import Vocabulary

FEWEST_HELD_OUT = 100
"""Fewer held-out ids show nothing about the weights of models."""


class Part(NamedTuple):
    """A model that is combined with others.

    Attributes:
        model: The model, which is not changed.
        vocabulary: Its vocabulary.
        name: What to call it in messages.
    """

    model: LanguageModel | CountModel
    vocabulary: Vocabulary
    name: str


class Combined(NamedTuple):
    """What has become of several models."""

    model: NGramTable
    vocabulary: Vocabulary


class Interpolation(NamedTuple):
    """Several models as one, and what held-out text says of them.

    Attributes:
        model: The one.
        vocabulary: Its vocabulary.
        nats: The mean loss of each model on the held-out text, in nats per id.
        weights: The mean weight of each model there.
        nats_together: The mean loss of the one.
        ids: How many ids were held out.
    """

    model: NGramTable
    vocabulary: Vocabulary
    nats: list[float]
    weights: list[float]
    nats_together: float
    ids: int


def joined_vocabulary(parts: Sequence[Part]) -> Vocabulary:
    """Returns a vocabulary with the symbols and the special tokens of all models; ids of the first stay what they are.

    Raises:
        ValueError: Some are models of records, and others of a text.
    """
    first, *others = parts
    is_of_records = Framing(first.vocabulary).is_of_records
    for other in others:
        if Framing(other.vocabulary).is_of_records != is_of_records:
            kinds = ("records", "text") if is_of_records else ("text", "records")
            raise ValueError(
                f"{first.name} is a model of {kinds[0]} and {other.name} one of {kinds[1]}: combine models of one kind"
            )
    vocabulary = first.vocabulary
    for other in others:
        vocabulary = vocabulary.extend(
            "", symbols=other.vocabulary.symbols, special_tokens=[*other.vocabulary.special_tokens]
        )
    return vocabulary


def merge(parts: Sequence[Part]) -> Combined:
    """Returns an n-gram model of the texts that all models have counted.

    It is that of a fit on all of them with the lowest of their orders, and with the smoothing of the first model that
    has this order, whose constants are not tuned again.

    Args:
        parts: The models, at least two.

    Raises:
        ValueError: One is not an n-gram model, or has no counts; or as for ``joined_vocabulary``.
    """
    vocabulary = joined_vocabulary(parts)
    tables = [_table(part) for part in parts]
    for part, table in zip(parts, tables, strict=True):
        table.check_counts(part.name, "interpolate the models")
    tables = [_for(table, part.vocabulary, vocabulary) for part, table in zip(parts, tables, strict=True)]
    base = tables.pop(min(range(len(tables)), key=lambda number: tables[number].order))
    others = [table.ngram_counts().up_to(base.order) for table in tables]
    return Combined(base.update(reduce(NGramCounts.merge, others)).to_ship(), vocabulary)


def interpolate(parts: Sequence[Part], held_out: Corpus, weights: Weights = "by-context") -> Interpolation:
    """Returns one n-gram model whose probabilities are a weighted mean of those of several.

    Args:
        parts: The models, at least two.
        held_out: Text on which the weights are found, which none of the models has counted; its vocabulary is
            ``joined_vocabulary``.
        weights: Whether they depend on what each model knows of the context.

    Raises:
        ValueError: One is not an n-gram model, or has not been fitted; the held-out text is too short, or of another
            kind than the models; or as for ``joined_vocabulary``.
    """
    vocabulary = held_out.vocabulary
    if held_out.is_of_records != Framing(vocabulary).is_of_records:
        kinds = ("records", "a text") if held_out.is_of_records else ("a text", "records")
        raise held_out.error(f"the models are of {kinds[1]}, and what is held out is {kinds[0]}")
    tables = [_for(_table(part), part.vocabulary, vocabulary) for part in parts]
    if len({table.context_only for table in tables}) > 1:
        raise ValueError("the models differ in which ids they never predict, context_only: give like ones")
    scores = _held_out_scores(tables, held_out)
    gate = Gate.fitted(scores, [table.order for table in tables], weights)
    keys, table = interpolated(tables, gate)
    empty = NGramTable(
        vocab_size=vocabulary.size,
        order=max(table.order for table in tables),
        context_only=tables[0].context_only,
    )
    together = empty.holding(keys, np.zeros(0, dtype=np.int64), table).to_ship()
    share = scores.times / scores.times.sum()
    return Interpolation(
        model=together,
        vocabulary=vocabulary,
        nats=along(-np.log(scores.probabilities), share).tolist(),
        weights=along(gate(scores.known), share).tolist(),
        nats_together=float(along(-np.log(_held_out_scores([together], held_out).probabilities[0]), share)),
        ids=len(share),
    )


def _table(part: Part) -> NGramTable:
    """Returns the table of an n-gram model, once it is one, and has been fitted."""
    table = table_of(part.model)
    if table is None:
        hint = "fit an n-gram model of order 2" if part.model.family == "bigram" else "mix it with MixtureLanguageModel"
        raise ValueError(f"{part.name} is a {part.model.family}, and only n-gram models are combined: {hint}")
    table.check_fitted()
    return table


def _for(table: NGramTable, before: Vocabulary, after: Vocabulary) -> NGramTable:
    """Returns a model for another vocabulary: what a fit with it would be, where there are counts to tell."""
    if before == after:
        return table
    resized = table.resize(before, after)
    return resized.update([]) if len(table.counts) else resized


def _held_out_scores(tables: Sequence[NGramTable], held_out: Corpus) -> HeldOutScores:
    """Returns what models say of held-out ids, as what those count as that no model knows.

    Raises:
        ValueError: There are too few that a model knows.
    """
    ids, lengths = held_out.joined()
    scores = HeldOutScores.of(tables, ids, lengths, held_out.weights)
    is_target = np.ones(len(ids), dtype=bool)
    is_target[(np.cumsum(lengths) - lengths)[lengths > 0]] = False
    targets = ids[is_target]
    is_unknown = targets == held_out.vocabulary.special_tokens.get("unk", -1)
    is_predicted = ~np.isin(targets, tables[0].context_only)
    unknown, found = (int(scores.times[which].sum()) for which in (is_unknown, is_predicted & ~is_unknown))
    if found < FEWEST_HELD_OUT:
        raise held_out.error(
            f"what is held out has {found} symbols that a model knows and can predict"
            + (f", besides {unknown} that none knows" if unknown else "")
            + f": give at least {FEWEST_HELD_OUT}"
        )
    return scores.chosen(is_predicted)
