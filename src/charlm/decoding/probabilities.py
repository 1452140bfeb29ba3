"""What a channel is made from: mappings from symbols to probabilities, and symbols."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from chartok.arguments import checked_texts, expected_text, finite_number


def known_symbols(symbols: Iterable[str]) -> list[str]:
    """Returns symbols as they are.

    Raises:
        TypeError: They are not iterable, or one is not a ``str``.
    """
    if not isinstance(symbols, Iterable):
        raise TypeError(f"symbols must be those of a vocabulary, such as 'abc', got {type(symbols).__name__}")
    return list(checked_texts([*symbols], "symbols"))


def items_of(name: str, mapping: Any) -> ItemsView[str, Any]:  # noqa: ANN401 - of any type
    """Returns the items of a mapping from symbols.

    Raises:
        TypeError: It is none, or a key is not a ``str``.
        ValueError: A symbol is empty.
    """
    if not isinstance(mapping, Mapping):
        raise TypeError(f"{name} must be a mapping from symbols, got {type(mapping).__name__}")
    for symbol in mapping:
        if not isinstance(symbol, str):
            raise TypeError(expected_text(f"each symbol of {name}", symbol))
        if not symbol:
            raise ValueError(f"{name} has an empty symbol: what is not seen is a deletion, what is added an insertion")
    return mapping.items()


def hashable(value: Any) -> Any:  # noqa: ANN401 - a number, or mappings in mappings
    """Returns a value that has a hash, equal for equal mappings."""
    if not isinstance(value, Mapping):
        return value
    return frozenset((symbol, hashable(each)) for symbol, each in value.items())


def probability_of(name: str, value: Any) -> float:  # noqa: ANN401 - of any type
    """Returns a probability from 0 to 1.

    Raises:
        TypeError: It is not a number.
        ValueError: It is out of range, infinite or NaN.
    """
    if not 0 <= finite_number(name, value) <= 1:
        raise ValueError(f"{name} must be a probability from 0 to 1, got {value}")
    return float(value)


def probabilities_of(name: str, mapping: Any) -> Mapping[str, float]:  # noqa: ANN401 - of any type
    """Returns probabilities of symbols, which cannot change.

    Raises:
        TypeError: As for ``items_of``, or one is not a number.
        ValueError: As for ``items_of``, or one is not a probability.
    """
    return MappingProxyType(
        {symbol: probability_of(f"{name}[{symbol!a}]", value) for symbol, value in items_of(name, mapping)}
    )
