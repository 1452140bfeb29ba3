"""PyTorch, for what cannot do without."""

from __future__ import annotations


def require_pytorch() -> None:
    """Loads PyTorch, or says how to come by it.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        import torch  # noqa: F401, PLC0415 - it takes a second to load
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        message = "PyTorch is missing: pip install torch; without it there are ngram and bigram models alone"
        raise ModuleNotFoundError(message, name=error.name) from None
