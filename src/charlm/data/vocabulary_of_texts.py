"""The vocabulary of data: a given one, a new one, or that of a model with the symbols that are new in the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chartok import Vocabulary
from chartok.vocabulary_sources import VocabularyKeywords

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from chartok.arguments import SpecialToken


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
