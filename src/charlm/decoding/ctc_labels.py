"""The labels of a network as symbols of a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from chartok import Vocabulary

MOST_NAMED = 8
"""How many labels a message names."""
SPACE = "|"
"""How many networks write a space."""


def ids_of_labels(vocabulary: Vocabulary, labels: list[str], blank: int) -> NDArray[np.int64]:
    """Returns the id of each label for a language model, -1 for the blank, int64 ``(C,)``.

    Marks that the model does not know count as unknown to it, if it has ``unk``. Letters, digits and ``|`` do not: they
    are more often the same symbols written in another way.

    Args:
        vocabulary: That of the language model.
        labels: The labels.
        blank: Which of them is the blank.

    Raises:
        ValueError: The model does not know a label, or a text of the labels can be spelled with them in two ways, or
            with a longer symbol of the model.
    """
    written = [label for place, label in enumerate(labels) if place != blank]
    missing = [label for label in written if label not in vocabulary]
    unknown = vocabulary.special_tokens.get("unk", -1)
    refused = missing if unknown < 0 or len(missing) == len(written) else [*filter(_may_be_a_letter, missing)]
    if refused:
        named = ", ".join(f"{label!a}" for label in refused[:MOST_NAMED]) + ", ..." * (len(refused) > MOST_NAMED)
        raise ValueError(
            f"the language model does not know {len(refused)} of {len(written)} labels of the alphabet: {named}. Write "
            "the labels as the model has them (in its case, a space instead of |), or fit it to text with these symbols"
        )
    _check_spelling(vocabulary, written)
    return np.array(
        [
            -1 if place == blank else vocabulary.id_of(label) if label in vocabulary else unknown
            for place, label in enumerate(labels)
        ],
        dtype=np.int64,
    )


def _may_be_a_letter(label: str) -> bool:
    return label == SPACE or any(symbol.isalnum() for symbol in label)


def _check_spelling(vocabulary: Vocabulary, labels: list[str]) -> None:
    known = {*labels}
    text = spelled_twice(known)
    if text is not None:
        raise ValueError(
            f"alphabet spells {text!a} in two ways, which a language model would score differently: leave out lm, or "
            "labels that others spell"
        )
    if vocabulary.longest_symbol == 1:
        return
    for symbol in vocabulary.symbols:
        if len(symbol) > 1 and symbol not in known and _is_spelled(symbol, known):
            raise ValueError(
                f"the language model has {symbol!a} as one symbol, and the alphabet spells it with several labels: fit "
                "the model to symbols that are labels"
            )


def _is_spelled(symbol: str, labels: Collection[str]) -> bool:
    ends = {0}
    for stop in range(1, len(symbol) + 1):
        if any(symbol[start:stop] in labels for start in ends):
            ends.add(stop)
    return len(symbol) in ends


def spelled_twice(labels: Collection[str]) -> str | None:
    """Returns a text that the labels spell in two ways, None if there is none (Sardinas and Patterson, 1953).

    Args:
        labels: Different strings, none of them empty.

    Example:
        >>> spelled_twice({"C", "l", "Cl"}), spelled_twice({"ch", "c", "a"})
        ('Cl', None)
    """
    waiting = [
        (label[stop:], label) for label in sorted(labels) for stop in range(1, len(label)) if label[:stop] in labels
    ]
    done = set[str]()
    while waiting:
        rest, text = waiting.pop()  # one way has spelled the text, the other all but the rest
        if rest in labels:
            return text
        if rest in done:
            continue
        done.add(rest)
        waiting += [(label[len(rest) :], text + label[len(rest) :]) for label in labels if label.startswith(rest)]
        waiting += [(rest[stop:], text) for stop in range(1, len(rest)) if rest[:stop] in labels]
    return None
