"""Mappings of a channel are taken as they are, cannot change, and have a hash."""

import pytest

from charlm.decoding.probabilities import hashable, known_symbols, probabilities_of


def test_equal_mappings_have_the_same_hashable_form_whatever_their_order() -> None:
    one, other = {"a": {"b": 0.1, "c": 0.2}, "d": {}}, {"d": {}, "a": {"c": 0.2, "b": 0.1}}
    assert hash(hashable(one)) == hash(hashable(other))
    assert hashable(0.5) == 0.5


def test_symbols_and_probabilities_are_checked_by_name() -> None:
    assert list(known_symbols(iter("ab"))) == ["a", "b"]
    with pytest.raises(ValueError, match=r"deletions\['a'\] must be a probability from 0 to 1, got 2"):
        probabilities_of("deletions", {"a": 2})
    with pytest.raises(TypeError, match="symbols must be those of a vocabulary, such as 'abc', got NoneType"):
        known_symbols(None)  # type: ignore[arg-type]
