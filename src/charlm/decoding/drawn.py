"""Texts drawn from a model many at a time, as ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.models.predictor import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.predictor import Predictor
    from chartok import Vocabulary

MOST_SYMBOLS = 1 << 10
"""How many symbols a record has at most: a model might never end it."""


def drawn_texts(
    vocabulary: Vocabulary, predictor: Predictor, n: int, generator: np.random.Generator, *, most: int = MOST_SYMBOLS
) -> list[NDArray[np.int64]]:
    """Returns the ids of texts drawn from the whole distribution of a model, ``bos`` and ``eos`` included.

    A record that does not end within ``most`` symbols has no ``eos``, and neither has a text.

    Args:
        vocabulary: The vocabulary of the model.
        predictor: The interface to it.
        n: How many.
        generator: What draws.
        most: The most symbols in a text.
    """
    framing = Framing(vocabulary)
    start = np.array(framing.prompt(""), dtype=np.int64)
    logits, state = predictor.start(np.repeat(start[None], n, axis=0))
    columns, growing = [np.full(n, start[-1])], np.arange(n)
    for _ in range(most):
        sums = np.exp(log_softmax(logits.astype(np.float64))).cumsum(axis=1)
        points = generator.random(len(growing)) * sums[:, -1]
        ids = (sums > points[:, None]).argmax(axis=1)
        column = np.full(n, -1)
        column[growing] = ids
        columns.append(column)
        going_on = np.flatnonzero(ids != framing.eos)
        if not len(going_on):
            break
        growing = growing[going_on]
        logits, state = predictor.step(ids[going_on], predictor.select([state], going_on))
    return [row[row >= 0] for row in np.stack(columns, axis=1)]
