"""What scoring and sampling need from a model, in NumPy: one small protocol for all families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from chartok.arguments import integer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from chartok import Vocabulary


class Predictor(Protocol):
    """Gives the probabilities of ids and of what may follow, on NumPy arrays.

    ``scores``, ``distributions``, ``start`` and ``step`` say the same of the same place, except that a ``stride`` of
    one's own moves the blocks of the first two.

    Count models implement it in NumPy. ``LanguageModel.predictor`` wraps a PyTorch model, which each call runs in
    evaluation mode and without gradients.

    Attributes:
        vocab_size: The number of ids, V.
        block_size: The maximum context length in ids, or None if there is no limit.
        history: The number of ids before a target that it takes to predict it as in the whole text; None if all are
            needed.
        period: What such ids must begin at a multiple of, counted from the beginning of the text.
        context_only: The ids that occur only as context; their probability is 0.
        keeps_rows_in_step: Whether ``select`` joins only states after equally many ids.
    """

    @property
    def vocab_size(self) -> int:
        """The number of ids, V."""

    @property
    def block_size(self) -> int | None:
        """The maximum context length in ids, or None if there is no limit."""

    @property
    def history(self) -> int | None:
        """The number of ids before a target that it takes to predict it as in the whole text; None if it takes all."""

    @property
    def period(self) -> int:
        """What such ids must begin at a multiple of, counted from the beginning of the text."""

    @property
    def context_only(self) -> tuple[int, ...]:
        """The ids that occur only as context and are never predicted."""

    @property
    def keeps_rows_in_step(self) -> bool:
        """Whether ``select`` joins only states after equally many ids: those whose tensors grow with each id."""

    def scores(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text, given those before it.

        Args:
            ids: The ids of all texts, concatenated, already checked to be below ``vocab_size``.
            lengths: The length of each text, int64 ``(N,)``.

        Returns:
            The scores of all texts, concatenated, float64, in nats.
        """

    def distributions(self, ids: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.floating[Any]]]:
        """Yields the natural-log probabilities of all ids after each id of one text, some positions at a time.

        Args:
            ids: One text, ``(T,)``, already checked.

        Yields:
            ``(positions, V)``.
        """

    def start(self, prompts: NDArray[np.int64]) -> tuple[NDArray[np.floating[Any]], Any]:
        """Returns the logits after each prompt, ``(B, V)``, and the state from which ``step`` continues.

        Args:
            prompts: Ids, int64 ``(B, T)``, T at least 1. Of more than ``block_size`` ids a model uses the last, as
                many as ``charlm.models.context`` says.
        """

    def step(self, ids: NDArray[np.int64], state: Any) -> tuple[NDArray[np.floating[Any]], Any]:  # noqa: ANN401
        """Returns the logits after one more id, ``(B, V)``, and the new state.

        The result must not be modified: it may be cached.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What the previous call returned; each family has its own.
        """

    def select(self, states: Sequence[Any], rows: NDArray[np.int64]) -> Any:  # noqa: ANN401
        """Returns the state of some rows, as if they had been started and stepped together; each may occur again.

        Args:
            states: What ``start`` and ``step`` returned, at least one. Where ``keeps_rows_in_step``, after equally many
                ids.
            rows: Which rows, counted through all states, one after the other, int64 ``(B,)``, at least one.
        """


class PredictingModel(Protocol):
    """A model of any family: a count model, which is its own predictor, or a ``LanguageModel``."""

    @property
    def vocab_size(self) -> int:
        """The number of ids, V."""

    def predictor(self, *, stride: int | None = None) -> Predictor:
        """Returns the predictor of the model.

        Args:
            stride: For a model with a limited context: how far apart the blocks begin in which a longer text is scored.
                By default half a block; ``block_size`` makes blocks that do not overlap.

        Raises:
            ValueError: ``stride`` is below 1 or above the block, or the context has no limit.
        """

    def as_ids(self, ids: list[int]) -> Any:  # noqa: ANN401 - a tensor or an array
        """Returns ids in the form that the model accepts: a tensor on its device, or an array."""


class StoredModel(PredictingModel, Protocol):
    """A model that a file can store."""

    family: ClassVar[str]

    def settings(self) -> dict[str, Any]:
        """Returns its shape; JSON values only."""


class CountModel(Predictor, StoredModel, Protocol):
    """A model made from counts, with NumPy alone, that a file can store."""

    def as_ids(self, ids: list[int]) -> NDArray[np.int64]:
        """Returns ids as an array."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns its tables by name."""

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns the model for another vocabulary; see ``LanguageModel.resize``."""

    @classmethod
    def from_arrays(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Returns the model with these settings and tables, once they have been validated.

        Raises:
            ValueError: They are invalid.
            TypeError: A setting is missing, unknown or of the wrong type.
        """


def log_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Returns ``logits - log(sum(exp(logits)))`` over the last dimension, in float32 or wider; NaN if all are -inf.

    Example:
        >>> np.exp(log_softmax(np.array([0.0, 0.0, -np.inf])))
        array([0.5, 0.5, 0. ])
    """
    logits = logits.astype(np.promote_types(logits.dtype, np.float32), copy=False)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        below = logits - np.maximum(logits.max(axis=-1, keepdims=True), np.finfo(logits.dtype).min)
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
    """Returns the ids that are never predicted, in ascending order.

    Raises:
        TypeError: They are not integers.
        ValueError: One is not in the vocabulary, or no id is left to predict.
    """
    if isinstance(context_only, str) or not isinstance(context_only, Iterable):
        raise TypeError(f"context_only must be an iterable of ids, got {type(context_only).__name__}")
    ids = sorted({integer("each id of context_only", token_id) for token_id in context_only})
    if ids and not 0 <= ids[0] <= ids[-1] < vocab_size:
        raise ValueError(f"context_only must be ids 0 to {vocab_size - 1}, got {ids[0] if ids[0] < 0 else ids[-1]}")
    if len(ids) == vocab_size:
        raise ValueError("context_only contains every id: none is left to predict")
    return tuple(ids)
