"""What people are told of a model: its settings without those that only the file needs, and its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_THE_FILE = ("vocab_size", "context_only", "hash_rows", "hashed_as")
"""Settings that say how ids are stored."""


def told_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a model that were chosen; those of its counts and of its parts are among them.

    Args:
        settings: Those of ``CharLM.settings``.

    Example:
        >>> told_settings({"vocab_size": 64, "width": 32, "prior": {"vocab_size": 64, "order": 8}})
        {'width': 32, 'order': 8}
        >>> told_settings({"vocab_size": 64, "width": 32, "prior": None})
        {'width': 32}
    """
    told: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "models":
            for model in value:
                told |= told_settings(model["settings"])
        elif name == "prior":
            told |= told_settings(value or {})
        elif name not in OF_THE_FILE:
            told[name] = value
    return told


def told_sizes(facts: Mapping[str, Any]) -> dict[str, str]:
    """Returns how large a model is: the weights that are trained, and the n-grams that are counted, as far as it has.

    Args:
        facts: Those of ``CharLM.facts``.

    Example:
        >>> told_sizes({"family": "gpt", "parameters": 31302, "n_grams": 544491})
        {'parameters': '31,302', 'n-grams': '544,491'}
        >>> told_sizes({"family": "ngram", "parameters": 2364, "n_grams": 1152})
        {'n-grams': '1,152'}
    """
    of_weights = {} if facts["family"] == "ngram" else {"parameters": f"{facts['parameters']:,}"}
    of_counts = {} if facts["n_grams"] is None else {"n-grams": f"{facts['n_grams']:,}"}
    return of_weights | of_counts
