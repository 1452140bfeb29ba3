"""The ways to make a vocabulary: of a text, of counts, of a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self, TypedDict, get_args

from chartok.arguments import Unit, check_several, checked_texts, expected_text, integer, positive_integer
from chartok.codepoints import count_characters, distinct_code_points, from_code_points
from chartok.errors import VocabularyError
from chartok.files.reading import ReadingSettings, reading_settings
from chartok.files.text import iterate_text_for_vocabulary
from chartok.graphemes import count_graphemes, graphemes_of
from chartok.special_tokens import checked_special_tokens
from chartok.tokens import checked_symbols

if TYPE_CHECKING:
    from typing import Unpack

    from chartok.files.reading import ReadingKeywords
    from chartok.files.sources import Source
    from chartok.special_tokens import SpecialTokens


class VocabularyKeywords(TypedDict, total=False):
    """What is asked of a vocabulary besides its text; see ``Vocabulary.from_text``."""

    symbols: Iterable[str]
    unit: Unit
    min_count: int
    max_size: int | None


class VocabularySources(ABC):
    """The part of ``Vocabulary`` that makes one."""

    __slots__ = ()

    @abstractmethod
    def __init__(self, symbols: Iterable[str], *, special_tokens: SpecialTokens = ()) -> None:
        """Makes a vocabulary of symbols."""

    @classmethod
    def from_text(
        cls,
        text: str | Iterable[str],
        *,
        symbols: Iterable[str] = (),
        unit: Unit = "character",
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: SpecialTokens = (),
    ) -> Self:
        r"""Returns the vocabulary of a text: its distinct characters in the order of their code points.

        Args:
            text: A string or several, with at least one character in all.
            symbols: What has an id in any case, after what is found in the text, in the order given; usually of several
                characters. Those that occur only inside of it keep ids of their own, so that they can also be encoded
                alone.
            unit: ``"grapheme"`` takes the text apart into extended grapheme clusters instead of code points: an emoji
                with joiners, a letter with its accents, an Indic syllable, ``\r\n``. Needs the extra ``graphemes``.
            min_count: Characters, or graphemes, that occur less often are left out.
            max_size: The maximum number of ids, ``symbols`` and special tokens included: the most frequent characters
                are kept, ties going to the lower code point.
            special_tokens: Names of special tokens, whose ids follow, or the id of each by name.

        Raises:
            ValueError: The text is empty, or no character is left; ``unit``, ``min_count`` or ``max_size`` is out of
                range.
            VocabularyError: A symbol is empty or given twice, or special tokens are not sound.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them, or ``symbols`` is not an iterable of them.
            ModuleNotFoundError: ``unit`` is ``"grapheme"`` and ``regex`` is not installed.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary.from_text("banana").symbols
            ('a', 'b', 'n')
            >>> Vocabulary.from_text(["ada", "bob"], min_count=2).symbols
            ('a', 'b')
            >>> Vocabulary.from_text("CCl", symbols=["Cl"]).symbols
            ('C', 'l', 'Cl')
        """
        _check_unit(unit)
        if unit == "grapheme":
            counts = count_graphemes(checked_texts(text, "text"))
        elif min_count != 1 or max_size is not None:
            counts = count_characters(text)
        else:
            given = _distinct(symbols)
            found = from_code_points(distinct_code_points(checked_texts(text, "text")))
            if not found and not given:
                raise ValueError("text is empty: a vocabulary needs at least one character")
            return cls(_and_given(found, given), special_tokens=special_tokens)
        return cls.from_counts(
            counts, symbols=symbols, min_count=min_count, max_size=max_size, special_tokens=special_tokens
        )

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        *,
        symbols: Iterable[str] = (),
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: SpecialTokens = (),
    ) -> Self:
        """Returns the vocabulary of counted symbols, in the order of their code points.

        The counts of parts of a corpus can be added, in any grouping: ``sum(parts, Counter())``.

        Args:
            counts: How often each symbol occurs; ``count_characters`` returns this.
            symbols: As in ``from_text``.
            min_count: As in ``from_text``.
            max_size: As in ``from_text``.
            special_tokens: As in ``from_text``.

        Raises:
            ValueError: As in ``from_text``.
            VocabularyError: As in ``from_text``; or a key is empty.
            TypeError: ``counts`` is not a mapping of ``str`` to integers.

        Example:
            >>> from chartok import Vocabulary, count_characters
            >>> Vocabulary.from_counts(count_characters("banana") + count_characters("ban"), min_count=3)
            Vocabulary('an')
        """
        special, given = checked_special_tokens(special_tokens), _distinct(symbols)
        positive_integer("min_count", min_count)
        if not isinstance(counts, Mapping):
            raise TypeError(f"counts must be a mapping of symbols to integers, got {type(counts).__name__}")
        for symbol, count in counts.items():
            if not isinstance(symbol, str):
                raise TypeError(expected_text("each key of counts", symbol))
            integer(f"counts[{symbol!a}]", count)
        others = counts.keys() - set(given)
        frequent = sorted(symbol for symbol in others if counts[symbol] >= min_count)
        if max_size is not None:
            room = positive_integer("max_size", max_size) - len(special) - len(given)
            if room < 0 and given:
                asked = f"{len(given)} symbols and {len(special)} special tokens"
                raise ValueError(f"max_size {max_size} has no room for the {asked} that are asked for")
            frequent = sorted(sorted(frequent, key=lambda symbol: -counts[symbol])[: max(0, room)])
        if not frequent and not given:
            raise ValueError("no character is left: text is empty, or min_count and max_size leave none")
        return cls([*frequent, *given], special_tokens=special)

    @classmethod
    def from_file(
        cls,
        sources: Source | Iterable[Source],
        *,
        symbols: Iterable[str] = (),
        unit: Unit = "character",
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: SpecialTokens = (),
        settings: ReadingSettings = ReadingSettings(),
        **reading: Unpack[ReadingKeywords],
    ) -> Self:
        """Returns the vocabulary of the text of files, read in pieces: memory does not grow with them.

        Args:
            sources: Files, folders, patterns or URLs, as for ``read_text``.
            symbols: As in ``from_text``.
            unit: As in ``from_text``.
            min_count: As in ``from_text``.
            max_size: As in ``from_text``.
            special_tokens: As in ``from_text``.
            settings: How to read the files.
            reading: Settings, which replace those of ``settings``.

        Raises:
            OSError: A file is missing or cannot be read, like the other errors of ``read_text``.
            ValueError: As in ``from_text``; names the file if it is empty.
            ModuleNotFoundError: As in ``from_text``.

        Example:
            >>> from chartok import Vocabulary
            >>> import tempfile
            >>> from pathlib import Path
            >>> path = Path(tempfile.mkdtemp()) / "input.txt"
            >>> _ = path.write_text("banana", encoding="utf-8")
            >>> Vocabulary.from_file(path).symbols
            ('a', 'b', 'n')
        """
        _check_unit(unit)
        text = iterate_text_for_vocabulary(sources, reading_settings(settings, **reading))
        if unit == "character":
            return cls.from_text(
                text, symbols=symbols, min_count=min_count, max_size=max_size, special_tokens=special_tokens
            )
        counts = Counter[str]()
        for found in graphemes_of(text):
            counts.update(found)
        return cls.from_counts(
            counts, symbols=symbols, min_count=min_count, max_size=max_size, special_tokens=special_tokens
        )


def symbols_of(text: str | Iterable[str], unit: Unit, symbols: Iterable[str], min_count: int) -> list[str]:
    """Returns the symbols that a text and the given ones ask for, as ``Vocabulary.from_text`` orders them.

    Raises:
        ValueError: ``unit`` is unknown, or ``min_count`` is below 1.
        VocabularyError: A symbol is empty or given twice.
        TypeError: ``text`` is neither a ``str`` nor an iterable of them, or ``symbols`` is not an iterable of them.
    """
    _check_unit(unit)
    positive_integer("min_count", min_count)
    texts = checked_texts(text, "text")
    if unit == "character" and min_count == 1:
        return list(_and_given(from_code_points(distinct_code_points(texts)), _distinct(symbols)))
    counts = count_graphemes(texts) if unit == "grapheme" else count_characters(texts)
    frequent = sorted(symbol for symbol, count in counts.items() if count >= min_count)
    return list(_and_given(frequent, _distinct(symbols)))


def _and_given(found: str | list[str], given: list[str]) -> str | list[str]:
    """Returns what was found, followed by what was given, each once."""
    if not given:
        return found
    known = set(given)
    return [symbol for symbol in found if symbol not in known] + given


def _distinct(symbols: Iterable[str]) -> list[str]:
    check_several(symbols, "symbols")
    items = checked_symbols(symbols)
    repeated = [symbol for symbol, count in Counter(items).items() if count > 1]
    if repeated:
        place = items.index(repeated[0], items.index(repeated[0]) + 1)
        raise VocabularyError(f"symbols[{place}] repeats {repeated[0]!a}")
    return items


def _check_unit(unit: str) -> None:
    if unit not in get_args(Unit):
        raise ValueError(f"unit must be 'character' or 'grapheme', got {unit!a}")
