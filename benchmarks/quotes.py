"""The figures from ``benchmarks/learning.json`` that the docs quote: sentences with blanks, and what fills them."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from page import HERE, LEARNING

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTING = HERE.parent / "docs" / "models.md"
"""The page that quotes."""
FIGURE = r"\d[\d,.]*"


def quoted(text: str) -> str:
    """Returns the text with its figures replaced by the measured ones.

    Raises:
        ValueError: The text does not contain each of the sentences exactly once.
    """
    for sentence, figures in _quotes(json.loads(LEARNING.read_text(encoding="utf-8"))):
        pattern = FIGURE.join(map(re.escape, sentence.split("{}")))
        text, count = re.subn(pattern, sentence.format(*figures), text)
        if count != 1:
            raise ValueError(f"expected {sentence!r} once, found it {count} times")
    return text


def _quotes(learning: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    fit, bigram, ngram = learning["CharLM.fit"], learning["bigram, counted"], learning["n-gram"]
    classic = learning["n-gram, Kneser-Ney"]
    gpt, mixture, longer = learning["GPT"], learning["mixture"], learning["GPT, 700 steps, dropout 0.1"]
    loss, seconds = ngram["loss"], ngram["seconds"]
    yield "an n-gram model, tuned: {} s for a megabyte", (f"{fit['seconds']:.1g}",)
    quoted_losses = (f"{loss:.4f}", f"{bigram['loss']:.3f}")
    yield "Tiny Shakespeare is {} nats per character, compared with {} for a bigram", quoted_losses
    yield "| bigram, counted | {} ms | {} |", (f"{bigram['seconds'] * 1e3:.0f}", f"{bigram['loss']:.3f}")
    yield "| n-gram, Kneser-Ney smoothing | {} s | {} |", (f"{classic['seconds']:.1g}", f"{classic['loss']:.3f}")
    yield "| n-gram, learned back-off, the default | {} s | {} |", (f"{seconds:.1g}", f"{loss:.3f}")
    yield "| `GPT`, which starts from the counts | {} s | {} |", (f"{gpt['seconds']:.0f}", f"{gpt['loss']:.3f}")
    yield (
        "| the same in twice the steps, with dropout | {} s | {} |",
        (f"{longer['seconds']:.0f}", f"{longer['loss']:.3f}"),
    )
    yield "| mixture of `GPT` and n-gram | {} s | {} |", (f"{mixture['seconds']:.0f}", f"{mixture['loss']:.3f}")
    yield "order {}, {} n-grams counted in {} s", (str(ngram["order"]), f"{ngram['n-grams']:,}", f"{seconds:.2f}")
    yield "validation loss  {} nats, {} bits per character", (f"{loss:.4f}", f"{loss / math.log(2):.4f}")


if __name__ == "__main__":
    QUOTING.write_text(quoted(QUOTING.read_text(encoding="utf-8")), encoding="utf-8")
