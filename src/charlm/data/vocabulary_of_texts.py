"""The vocabulary of data: a given one, a new one, or that of a model with the symbols that are new in the data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from chartok import Vocabulary, count_characters
from chartok.arguments import positive_integer
from chartok.graphemes import count_graphemes
from chartok.vocabulary_sources import VocabularyKeywords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Unpack

    from chartok.arguments import SpecialToken

COUNTED: dict[str, Callable[[Iterable[str]], Counter[str]]] = {
    "character": count_characters,
    "grapheme": count_graphemes,
}
"""What counts the symbols of each unit."""


class CorpusKeywords(VocabularyKeywords, total=False):
    """The vocabulary of a corpus, in which a character that it lacks counts as ``unk``; or what is asked of a new one.

    One is made where there is no ``vocabulary``, or it is None; the ids of ``extends``, if any, keep their meaning.
    """

    vocabulary: Vocabulary | None
    extends: Vocabulary | None


def vocabulary_of_texts(
    texts: str | Iterable[str], special_tokens: Iterable[SpecialToken], **settings: Unpack[CorpusKeywords]
) -> Vocabulary:
    """Returns the vocabulary of texts.

    Args:
        texts: One text, or several.
        special_tokens: The special tokens of one that is made.
        settings: The fields of ``CorpusKeywords``.

    Raises:
        ValueError: As in ``Vocabulary.from_text``; or ``max_size`` is asked of a vocabulary that grows.

    Example:
        >>> vocabulary_of_texts("cab", ["unk"], extends=Vocabulary("ab"))
        Vocabulary('abc', special_tokens={'unk': 3})
    """
    given, before = settings.get("vocabulary"), settings.get("extends")
    if given is not None:
        return given
    asked: Any = {name: value for name, value in settings.items() if name not in ("vocabulary", "extends")}
    if before is None:
        return Vocabulary.from_text(texts, special_tokens=special_tokens, **asked)
    if asked.pop("max_size", None) is not None:
        raise ValueError("max_size is for a new vocabulary, and that of a model grows: bound what is new by min_count")
    return before.extend(texts, special_tokens=special_tokens, **asked)


def vocabulary_of_counted_texts(
    texts: Sequence[str],
    counts: Sequence[int],
    special_tokens: Iterable[SpecialToken],
    **settings: Unpack[CorpusKeywords],
) -> Vocabulary:
    """Returns the vocabulary of texts each of which occurs several times; how often does not change how long it takes.

    Args:
        texts: The texts.
        counts: How often each occurs, at least once.
        special_tokens: As for ``vocabulary_of_texts``.
        settings: The fields of ``CorpusKeywords``.

    Raises:
        ValueError: As for ``vocabulary_of_texts``.

    Example:
        >>> vocabulary_of_counted_texts(["ab", "bc"], [1_000_000, 1], ["unk"], min_count=2)
        Vocabulary('ab', special_tokens={'unk': 2})
    """
    asked: Any = {"min_count": 1, "unit": "character", "symbols": ()} | settings
    if asked.pop("vocabulary", None) is not None or (asked["min_count"] == 1 and asked.get("max_size") is None):
        return vocabulary_of_texts(texts, special_tokens, **settings)
    before, count = asked.pop("extends", None), COUNTED.get(asked.pop("unit"))
    if count is None or (before is not None and asked.pop("max_size", None) is not None):
        return vocabulary_of_texts(texts, special_tokens, **settings)  # which says what is wrong
    found = _with_counts(texts, counts, count)
    if before is None:
        return Vocabulary.from_counts(found, special_tokens=special_tokens, **asked)
    least, given = positive_integer("min_count", asked["min_count"]), asked["symbols"]
    new = sorted(symbol for symbol in found.keys() - {*given} if found[symbol] >= least)
    vocabulary: Vocabulary = before.extend("", symbols=new).extend("", symbols=given, special_tokens=special_tokens)
    return vocabulary


def _with_counts(
    texts: Sequence[str], counts: Sequence[int], count: Callable[[Iterable[str]], Counter[str]]
) -> Counter[str]:
    """Returns how often each symbol occurs in texts that occur several times, one binary digit after another."""
    found = Counter[str]()
    for digit in reversed(range(max(counts).bit_length())):
        own = count(text for text, times in zip(texts, counts, strict=True) if times >> digit & 1)
        found = Counter({symbol: 2 * times for symbol, times in found.items()}) + own
    return found
