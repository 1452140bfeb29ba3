"""A text with the probability that a model gives each of its symbols."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from charlm.models.predictor import log_softmax
from chartok.markup import escaped, visible
from chartok.notebook import framed, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

Alternatives: TypeAlias = list[tuple[str, float]]
"""Symbols with their probabilities, the most likely first; the empty string is the end of a record."""

MOST_BITS = 10.0
"""The surprise, in bits, at which the color saturates."""
SHOWN_CHARACTERS = 60
"""How much of a text its repr shows."""
SHOWN_TEXTS = 50
"""How many of several texts a notebook shows."""
LEGEND = "the stronger the color, the more surprising"
STYLE = """
.chartok .text{font-family:monospace;line-height:1.6}
.chartok .text span{background:rgb(224 96 48/calc(var(--surprise)*.75));white-space:pre-wrap}
.chartok .text .end{margin-left:1ch;font-style:italic}
"""
"""In a notebook."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ScoredText:
    """A text, the probability of each of its symbols, and the most likely alternatives; colored in a notebook.

    Attributes:
        text: The text.
        symbols: What it consists of: symbols, and characters that the vocabulary does not have.
        log_probabilities: Those of ``CharLM.log_probabilities``, float64, in nats: one per symbol, and one more for the
            end of a record.
        alternatives: For each of those, the most likely symbols; empty for a symbol without context.

    Example:
        >>> from charlm import CharLM
        >>> scored = CharLM.fit("abcabcabd" * 20).inspect("cabx", k=2)
        >>> scored.bits.round(1).tolist()
        [2.4, 0.4, 0.1, 27.6]
        >>> [symbol for symbol, _ in scored.alternatives[3]]
        ['c', 'd']
    """

    text: str
    symbols: list[str]
    log_probabilities: NDArray[np.float64]
    alternatives: list[Alternatives]

    @property
    def bits(self) -> NDArray[np.float64]:
        """How surprised the model was at each symbol, in bits: ``-log2 P``."""
        bits: NDArray[np.float64] = self.log_probabilities / -math.log(2)
        return bits

    def spans(self) -> Iterator[str]:
        """Yields each symbol as an HTML element with its surprise and the alternatives.

        Its ``style`` attribute sets ``--surprise``, from 0 to 1; ``title`` gives the rest in words.
        """
        for place, bits in enumerate(self.bits.tolist()):
            symbol = self.symbols[place] if place < len(self.symbols) else ""
            name = escaped(visible(symbol))
            words = f"{name}: {2**-bits:.2%}, {bits:.2f} bits"
            if self.alternatives[place]:
                words += "; most likely: " + ", ".join(
                    f"{escaped(visible(other))} {share:.1%}" for other, share in self.alternatives[place]
                )
            shown = " " if symbol == " " else name
            line_end = "<br>" if symbol.endswith("\n") else ""
            share = min(bits / MOST_BITS, 1)
            end = ' class="end"' if not symbol else ""
            yield f'<span style="--surprise:{share:.2f}"{end} title="{words}">{shown}</span>{line_end}'

    def __repr__(self) -> str:
        cut = self.text if len(self.text) <= SHOWN_CHARACTERS else f"{self.text[:SHOWN_CHARACTERS]}..."
        return f"ScoredText({cut!a}, {len(self.log_probabilities):,} symbols, {float(self.bits.sum()):,.1f} bits)"

    def _repr_html_(self) -> str:
        return framed(_colored(self) + quiet(f"{_told(self)}; {LEGEND}"), STYLE)


class ScoredTexts(list[ScoredText]):
    """Scored texts, of which a notebook shows the first below each other."""

    def _repr_html_(self) -> str:
        shown = "".join(_colored(scored) + quiet(_told(scored)) for scored in self[:SHOWN_TEXTS])
        more = f"and {len(self) - SHOWN_TEXTS:,} more; " if len(self) > SHOWN_TEXTS else ""
        return framed(shown + quiet(more + LEGEND), STYLE)


def _colored(scored: ScoredText) -> str:
    return f'<div class="text">{"".join(scored.spans())}</div>'


def _told(scored: ScoredText) -> str:
    total = float(scored.bits.sum())
    return f"{total:.1f} bits, {total / max(1, len(scored.log_probabilities)):.3f} per symbol"


def likeliest(logits: NDArray[np.float64], named: Mapping[int, str], k: int) -> Alternatives:
    """Returns the ``k`` likeliest of what may come, each with its probability among all that may.

    Args:
        logits: Of all ids, ``(V,)``.
        named: The ids that may come, and what to call each.
        k: How many, at most.

    Raises:
        ValueError: None may come, or a logit is NaN.

    Example:
        >>> likeliest(np.log([0.25, 0.25, 0.5]), {0: "a", 1: "b"}, 1)
        [('a', 0.5)]
    """
    probabilities = np.exp(log_softmax(logits[list(named)]))
    if np.isnan(probabilities).any():
        raise ValueError("there is no likeliest id: every id that may come has probability zero, or a logit is NaN")
    ranked = np.argsort(-probabilities, kind="stable")[:k]
    names = list(named.values())
    return [(names[place], float(probabilities[place])) for place in ranked.tolist()]
