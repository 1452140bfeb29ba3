"""What scoring and drawing need of a model, in NumPy: one small protocol for all families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from chartok.arguments import integer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsIndex

    from numpy.typing import NDArray


class Predictor(Protocol):
    """Answers how likely ids are and what may follow, on NumPy arrays.

    Count models implement it in NumPy. ``LanguageModel.predictor`` wraps a model of PyTorch, in evaluation mode for the
    time of a call and without gradients.

    Attributes:
        vocab_size: The number of ids, V.
        block_size: The most ids that it can look at, or None where there is no limit.
        history: How many ids before a target its prediction depends on at most; None where all count.
        context_only: The ids that are contexts and never outcomes; their probability is 0.
    """

    @property
    def vocab_size(self) -> int:
        """The number of ids, V."""

    @property
    def block_size(self) -> int | None:
        """The most ids that it can look at, or None where there is no limit."""

    @property
    def history(self) -> int | None:
        """How many ids before a target its prediction depends on at most; None where all count."""

    @property
    def context_only(self) -> tuple[int, ...]:
        """The ids that are contexts and never outcomes."""

    def scores(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text, given those before it.

        Args:
            ids: Those of all texts, one text after the other, each checked to be below ``vocab_size``.
            lengths: How many each text has, int64 ``(N,)``.

        Returns:
            The scores of all texts, one text after the other, as float64 in nats.
        """

    def distributions(self, ids: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.floating[Any]]]:
        """Yields the natural-log probabilities of all ids after each id of one text, some places at a time.

        Args:
            ids: One text, ``(T,)``, checked.

        Yields:
            ``(places, V)``.
        """

    def start(self, prompts: NDArray[np.int64]) -> tuple[NDArray[np.floating[Any]], Any]:
        """Returns the logits of what follows each prompt, ``(B, V)``, and the state to go on from with ``step``.

        Args:
            prompts: Ids, int64 ``(B, T)``, T at least 1. Of more than ``block_size`` the last ones count.
        """

    def step(self, ids: NDArray[np.int64], state: Any) -> tuple[NDArray[np.floating[Any]], Any]:  # noqa: ANN401
        """Returns the logits of what follows after one more id, ``(B, V)``, and the new state.

        What is returned is not to be written to: it may be kept for another time.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What the previous call returned; each family has its own.
        """


class PredictingModel(Protocol):
    """A model of any family: a count model, which is its own predictor, or a ``LanguageModel``."""

    @property
    def vocab_size(self) -> int:
        """The number of ids, V."""

    def predictor(self, *, stride: int | None = None) -> Predictor:
        """Returns what answers for the model.

        Args:
            stride: Of a model with a limited context: long texts are scored in blocks that overlap so far that
                only the last ``stride`` targets of each count. None does not overlap them.
        """

    def as_ids(self, ids: list[int]) -> Any:  # noqa: ANN401 - a tensor or an array
        """Returns ids in the form that the model takes them: a tensor on its device, or an array."""


class StoredModel(PredictingModel, Protocol):
    """A model that a file can describe."""

    family: ClassVar[str]

    def settings(self) -> dict[str, Any]:
        """Returns its shape; JSON values only."""


class CountModel(Predictor, StoredModel, Protocol):
    """A model that has counted, in NumPy alone, and can be kept in a file."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns its tables by name."""

    @classmethod
    def from_arrays(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Returns the model of which these are the settings and the tables, once they have been found sound.

        Raises:
            ValueError: They are not.
            TypeError: A setting is missing, unknown or of the wrong type.
        """


def log_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Returns ``logits - log(sum(exp(logits)))`` over the last dimension, in float32 or wider; NaN in a row of none.

    Example:
        >>> np.exp(log_softmax(np.array([0.0, 0.0, -np.inf])))
        array([0.5, 0.5, 0. ])
    """
    logits = logits.astype(np.promote_types(logits.dtype, np.float32), copy=False)
    below = logits - np.maximum(logits.max(axis=-1, keepdims=True), np.finfo(logits.dtype).min)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.floating[Any]] = below - np.log(np.exp(below).sum(axis=-1, keepdims=True))
    return found


def check_model(model: object) -> None:
    """Checks that a model can be asked.

    Raises:
        TypeError: It is neither a ``LanguageModel`` nor a count model.
    """
    if not (hasattr(model, "vocab_size") and callable(getattr(model, "predictor", None))):
        hint = ": give its model or stored" if hasattr(model, "stored") else ""
        raise TypeError(f"model must be a LanguageModel or a count model, got {type(model).__name__}{hint}")


def checked_context_only(context_only: Iterable[SupportsIndex], vocab_size: int) -> tuple[int, ...]:
    """Returns ids that are never predicted, in ascending order.

    Raises:
        TypeError: They are not integers.
        ValueError: One is not an id of the vocabulary, or none would be left to predict.
    """
    if isinstance(context_only, str) or not isinstance(context_only, Iterable):
        raise TypeError(f"context_only must be ids, got {type(context_only).__name__}")
    ids = sorted({integer("each id of context_only", token_id) for token_id in context_only})
    if ids and not 0 <= ids[0] <= ids[-1] < vocab_size:
        raise ValueError(f"context_only holds {ids[0] if ids[0] < 0 else ids[-1]}, and ids are 0 to {vocab_size - 1}")
    if len(ids) == vocab_size:
        raise ValueError("context_only holds every id: nothing is left to predict")
    return tuple(ids)
