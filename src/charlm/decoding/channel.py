"""Channels: how a text becomes what was typed, scanned or written, symbol by symbol."""

from __future__ import annotations

import random
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from charlm.decoding.alignment import counted_edits
from charlm.decoding.confusions import bare_letter, keyboard_neighbours, looking_alike
from charlm.decoding.probabilities import hashable, items_of, known_symbols, probabilities_of, probability_of
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import expected_text, fraction, natural_number, number_from_zero

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Named: TypeAlias = Literal["keyboard", "ocr", "case", "accents", "spaces"]
"""The channels that have a name."""

NEARLY = 1 - 1e-3
"""The probability of what always happens, but for texts that have kept it: each then costs the same."""
DOTTED = "\u0130"
"""The capital of i in Turkish."""
SLACK = 1e-9
"""By how much probabilities may add up to more than 1."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Channel:
    """What may happen to a text before it is seen: the edits whose cause ``correct`` looks for, and how likely each is.

    Of each true symbol, one thing is seen: nothing (it was deleted), another symbol, the next symbol before it (the two
    were transposed), or else itself. Before each, and at the end, symbols may be inserted that are not in the truth.
    A symbol of several characters is one that the vocabulary of the model has; ``correct`` refuses others.

    Attributes:
        substitutions: For each true symbol, the probabilities of the others as which it is seen.
        deletions: For each true symbol, the probability that it is not seen; a number is that of every symbol.
        insertions: For each symbol, the probability that it is inserted at a place; a number is that of any symbol, all
            of the vocabulary equally likely.
        transpositions: The probability that a symbol changes places with the next.
        most_deletions: The most symbols in a row that ``correct`` puts back.

    Raises:
        ValueError: A probability is not from 0 to 1, the edits of a symbol have more than 1 together, one always has an
            edit that costs nothing, or there are no edits.
        TypeError: A probability is not a number, or a symbol not a ``str``.

    Example:
        >>> channel = Channel(substitutions={"l": {"1": 0.05}, "o": {"0": 0.05}}, deletions=0.01)
        >>> channel.corrupt("look below", seed=1)
        'look blow'
    """

    substitutions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    deletions: Mapping[str, float] | float = 0.0
    insertions: Mapping[str, float] | float = 0.0
    transpositions: float = 0.0
    most_deletions: int = 1

    def __post_init__(self) -> None:
        natural_number("most_deletions", self.most_deletions)
        frozen = {}
        for true, seen in items_of("substitutions", self.substitutions):
            if true in dict(items_of(f"substitutions[{true!a}]", seen)):
                raise ValueError(f"substitutions[{true!a}] has {true!a} itself: what is left over is its probability")
            frozen[true] = probabilities_of(f"substitutions[{true!a}]", seen)
        set_once = object.__setattr__
        set_once(self, "substitutions", MappingProxyType(frozen))
        for name in ("deletions", "insertions"):
            value, is_one = getattr(self, name), hasattr(getattr(self, name), "__float__")
            set_once(self, name, probability_of(name, value) if is_one else probabilities_of(name, value))
        set_once(self, "transpositions", probability_of("transpositions", self.transpositions))
        self._check_sums()

    def _check_sums(self) -> None:
        inserted = self.insertions if isinstance(self.insertions, float) else sum(self.insertions.values())
        if inserted >= 1:
            raise ValueError(f"insertions must add up to less than 1, or there is no end to them: got {inserted:g}")
        deleted = {} if isinstance(self.deletions, float) else self.deletions
        for true in {"": None, **dict.fromkeys(self.substitutions), **dict.fromkeys(deleted)}:
            edited = self.deletion(true) + sum(self.substitutions.get(true, {}).values()) + self.transpositions
            of = f"of {true!a} " * bool(true)
            if edited > 1 + SLACK:
                raise ValueError(f"the edits {of}must have at most probability 1 together, got {edited:g}")
            if self.deletion(true) >= 1:
                raise ValueError(f"deletions {of}must be below 1: what costs nothing could go on for ever")
        if not (self.substitutions or inserted or self.transpositions or deleted or self.deletions):
            raise ValueError("the channel has no edits: give substitutions, deletions, insertions or transpositions")

    def __reduce__(self) -> tuple[partial[Channel], tuple[()]]:
        edits: dict[str, Any] = {
            "substitutions": {true: dict(seen) for true, seen in self.substitutions.items()},
            "deletions": self.deletions if isinstance(self.deletions, float) else dict(self.deletions),
            "insertions": self.insertions if isinstance(self.insertions, float) else dict(self.insertions),
        }
        rest: dict[str, Any] = {"transpositions": self.transpositions, "most_deletions": self.most_deletions}
        return partial(type(self), **edits, **rest), ()

    def __hash__(self) -> int:
        edits = (self.substitutions, self.deletions, self.insertions)
        return hash((*map(hashable, edits), self.transpositions, self.most_deletions))

    def __repr__(self) -> str:
        pairs = sum(map(len, self.substitutions.values()))
        said = [f"{pairs} substitutions of {len(self.substitutions)} symbols"] if pairs else []
        for name, value in (("deletions", self.deletions), ("insertions", self.insertions)):
            if not isinstance(value, float):
                said += [f"{name} of {len(value)} symbols"] * bool(value)
            elif value:
                said.append(f"{name}={value:g}")
        if self.transpositions:
            said.append(f"transpositions={self.transpositions:g}")
        return f"Channel({', '.join(said)})"

    def deletion(self, symbol: str) -> float:
        """Returns the probability that a symbol is not seen."""
        return self.deletions if isinstance(self.deletions, float) else self.deletions.get(symbol, 0.0)

    def kept(self, symbol: str) -> float:
        """Returns the probability that a symbol is seen as it is."""
        edited = self.deletion(symbol) + sum(self.substitutions.get(symbol, {}).values()) + self.transpositions
        return max(0.0, 1 - edited)

    @classmethod
    def keyboard(cls, error: float = 0.02) -> Self:
        """Returns that of typing on a QWERTY keyboard: a neighboring key, a key too many or too few, two in disorder.

        Args:
            error: The probability of an error at a letter, digit or mark.

        Raises:
            ValueError: It is not above 0 and below 1.

        Example:
            >>> sorted(Channel.keyboard().substitutions["g"])
            ['b', 'f', 'h', 't', 'v', 'y']
        """
        fraction("error", error)
        neighbours = keyboard_neighbours()
        seen = {key: dict.fromkeys(near, error * 0.5 / len(near)) for key, near in neighbours.items()}
        return cls(substitutions=seen, deletions=error * 0.2, insertions=error * 0.2, transpositions=error * 0.1)

    @classmethod
    def ocr(cls, error: float = 0.02) -> Self:
        """Returns that of text recognition: symbols that look alike, and specks and gaps, which are rarer.

        Args:
            error: The probability of an error at a symbol that has others that look like it.

        Raises:
            ValueError: It is not above 0 and below 1.

        Example:
            >>> sorted(Channel.ocr().substitutions["l"])
            ['1', 'I', 'i', '|']
        """
        fraction("error", error)
        alike = looking_alike()
        seen = {true: dict.fromkeys(others, error * 0.8 / len(others)) for true, others in alike.items()}
        return cls(substitutions=seen, deletions=error * 0.1, insertions=error * 0.1)

    @classmethod
    def case(cls, symbols: Iterable[str]) -> Self:
        """Returns that of texts whose upper and lower case mean nothing.

        Args:
            symbols: Those of the vocabulary; a ``str`` gives its characters.

        Raises:
            ValueError: None has a variant.

        Example:
            >>> dict(Channel.case("abA").substitutions["a"])
            {'A': 0.5}
        """
        known = {*known_symbols(symbols)}
        groups = defaultdict[str, set[str]](set)
        for symbol in known:
            groups[symbol.casefold()] |= {symbol, symbol.lower(), symbol.upper()}
        if DOTTED in known:  # its lower case in Unicode has two characters
            groups[DOTTED] |= {DOTTED, DOTTED.lower()[0]}
        variants = defaultdict[str, set[str]](set)  # a symbol may be in several groups, as I is that of i and dotless i
        for group in groups.values():
            possible = {each for each in group if len(each) == 1 or each in known}
            for true in possible:
                variants[true] |= {other for other in possible if len(other) == len(true) and other != true}
        seen = {
            true: dict.fromkeys(sorted(others), 1 / (1 + len(others)))
            for true, others in sorted(variants.items())
            if others
        }
        if not seen:
            raise ValueError("no symbol has a variant in case: there is nothing to restore")
        return cls(substitutions=seen)

    @classmethod
    def accents(cls, symbols: Iterable[str]) -> Self:
        """Returns that of texts without their accents; what accents there are, are kept.

        Args:
            symbols: Those of the vocabulary; a ``str`` gives its characters.

        Raises:
            ValueError: None has an accent.

        Example:
            >>> Channel.accents("aäbàé").corrupt("à bé")
            'a be'
        """
        known = {*known_symbols(symbols)}
        bare = {symbol: "".join(map(bare_letter, unicodedata.normalize("NFC", symbol))) for symbol in sorted(known)}
        seen = {
            symbol: {letter: NEARLY}
            for symbol, letter in bare.items()
            if letter != symbol and (len(letter) == 1 or letter in known)
        }
        if not seen:
            marks = any(map(unicodedata.combining, "".join(known)))
            advice = '; it has accents apart from letters: fit the model to unicodedata.normalize("NFC", text)' * marks
            raise ValueError(f"no symbol has an accent: there is nothing to restore{advice}")
        return cls(substitutions=seen)

    @classmethod
    def spaces(cls) -> Self:
        """Returns that of texts without their spaces; what spaces there are, are kept.

        Example:
            >>> Channel.spaces().corrupt("to be or not")
            'tobeornot'
        """
        return cls(deletions={" ": NEARLY})

    @classmethod
    def learned(cls, pairs: Iterable[tuple[str, str]], *, smoothing: float = 0.5) -> Self:
        """Returns the channel that texts have been through, learned from examples.

        What was seen is aligned with the truth by the fewest edits (Levenshtein, 1966), which are counted.

        Args:
            pairs: What was seen and the true text, words or lines; each takes time and memory for the product of their
                lengths.
            smoothing: How many times each symbol counts as seen right besides.

        Raises:
            ValueError: There are no pairs, or they have no edits; ``smoothing`` is negative.
            TypeError: An item is not a pair of ``str``.

        Example:
            >>> channel = Channel.learned([("he11o", "hello"), ("wor1d", "world"), ("wold", "world")])
            >>> channel.substitutions["l"]["1"] > 0.5
            True
        """
        return cls(**counted_edits(pairs, number_from_zero("smoothing", smoothing)))

    @classmethod
    def named(cls, name: Named, symbols: Iterable[str]) -> Self:
        """Returns a channel by its name, for a vocabulary with these symbols.

        Raises:
            ValueError: There is no such channel.
        """
        made = {
            "keyboard": cls.keyboard,
            "ocr": cls.ocr,
            "case": lambda: cls.case(symbols),
            "accents": lambda: cls.accents(symbols),
            "spaces": cls.spaces,
        }
        if name not in made:
            raise ValueError(f"channel must be a Channel or one of {', '.join(made)}, got {name!a}")
        return made[name]()

    def corrupt(self, text: str, *, seed: int | None = 0) -> str:
        """Returns a text as it may be seen through this channel, each edit as likely as the channel says.

        Args:
            text: Any string, of which each character is a symbol.
            seed: Determines every edit; None draws a new one, which the logger ``charlm`` tells.

        Raises:
            TypeError: ``text`` is not a ``str``.
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        generator = random.Random(seed_or_new(seed))  # noqa: S311 - not for secrets
        inserted = self.insertions
        if isinstance(inserted, float):
            known = sorted({*text})
            inserted = dict.fromkeys(known, inserted / max(1, len(known)))
        extra = partial(_inserted, [*inserted], [*inserted.values()], sum(inserted.values()), generator)
        seen, owed = list[str](), ""
        for symbol in text:
            seen += extra()
            if owed:
                seen += [symbol, owed]
                owed = ""
                continue
            at = generator.random() - self.transpositions
            if at < 0:
                owed = symbol
                continue
            seen.append(_seen(symbol, at - self.deletion(symbol), self.substitutions.get(symbol, {})))
        return "".join([*seen, owed, *extra()])


def _seen(symbol: str, at: float, others: Mapping[str, float]) -> str:
    """Returns as what a symbol is seen, by a point that is below 0 if it is not."""
    if at < 0:
        return ""
    for other, probability in others.items():
        at -= probability
        if at < 0:
            return other
    return symbol


def _inserted(symbols: list[str], weights: list[float], total: float, generator: random.Random) -> list[str]:
    """Returns the symbols that are inserted at a place."""
    found = list[str]()
    while generator.random() < total:
        found += generator.choices(symbols, weights)
    return found
