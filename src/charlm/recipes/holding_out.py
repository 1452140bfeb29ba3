"""Texts of a corpus that are held out to say what usual ones look like."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.permutation import shuffled
from charlm.data.splitting import too_few_records
from chartok.arguments import fraction

if TYPE_CHECKING:
    from charlm.recipes.corpus import Corpus


def split_as_they_come(corpus: Corpus, share: float, *, seed: int | None) -> tuple[Corpus, Corpus]:
    """Returns the first part and what is held out, which is drawn like new texts.

    ``Corpus.split`` keeps records that are the same on one side, so that what is held out is new. But of the lines that
    will come some are as before: here each is drawn by itself. Of a text the tail is held out either way.

    Args:
        corpus: The corpus.
        share: The share of the characters or records in the first part.
        seed: Determines which records are drawn.

    Raises:
        ValueError: The fraction is not between 0 and 1, a part would be empty, or records have counts.
    """
    if corpus.records is None:
        return corpus.split(share, seed=seed)
    if corpus.weights is not None:
        raise corpus.error(
            "records with counts do not come one by one, as those that are held out to calibrate a model must: "
            "calibrate it afterwards, on a file of lines as they come (charlm calibrate)"
        )
    records = len(corpus.records)
    held_out = records - int(fraction("train_fraction", share) * records)
    if held_out in (0, records):
        raise corpus.error(str(too_few_records(share, records)))
    is_first = np.ones(records, dtype=np.bool_)
    is_first[shuffled(records, seed)[:held_out]] = False
    first, rest = (corpus.records.chosen(chosen) for chosen in (is_first, ~is_first))
    return dataclasses.replace(corpus, records=first), dataclasses.replace(corpus, records=rest)


def texts_of(corpus: Corpus) -> list[str]:
    r"""Returns the records of a corpus as strings, or the lines of a text that are not blank.

    Example:
        >>> from charlm.recipes.corpus import Corpus
        >>> texts_of(Corpus.of_records(["ada", "eva"])), texts_of(Corpus.of_text("to be\n\nor not"))
        (['ada', 'eva'], ['to be', 'or not'])
    """
    ids, lengths = corpus.joined()
    texts = map(corpus.vocabulary.decode, np.split(ids, np.cumsum(lengths)[:-1]))
    if corpus.is_of_records:
        return list(texts)
    return [line for text in texts for line in text.splitlines() if line.strip()]
