"""The interface that every model family implements."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.data.dataset import IGNORE_INDEX
from charlm.models.adapter import ModelPredictor, widened
from charlm.models.context import ids_seen
from charlm.models.parameter_groups import ParameterGroups, groups_by_shape
from charlm.models.predictor import checked_context_only
from chartok.arguments import positive_integer
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import SupportsIndex

    from charlm.data.dataset import Dataset
    from charlm.models.activations import Activations
    from charlm.models.examples import FeaturesOfExamples
    from charlm.models.predictor import CountModel, Predictor
    from chartok import Vocabulary

if hasattr(os, "register_at_fork"):  # a forked process would wait forever for the threads that it does not have
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


class LanguageModel(nn.Module, ABC):
    """Predicts each id from those before it.

    A family sets its name, ``family``, implements ``logits`` and ``settings``, and may override ``step``, ``start`` and
    ``log_probabilities`` if it has a faster way to compute the same result, ``select`` if the states of its ``step``
    are no tensors, and ``parameter_groups``.

    Args:
        vocab_size: The number of ids, V.
        block_size: The maximum context length in ids, or None if there is no limit.
        context_only: The ids that occur only as context and are never predicted, such as the start of a record. Their
            logits are minus infinity, and targets with these ids are ignored.
    """

    family: ClassVar[str]
    """The name of the family in files and on the command line."""

    without_weights: ClassVar[frozenset[str]] = frozenset()
    """The settings on which no weight depends: a model may get the weights of one that differs in them."""

    history: int | None = None
    """The number of ids before a target that it takes to predict it as in the whole text; None if it takes all."""

    period: int = 1
    """What such ids must begin at a multiple of, counted from the beginning of the text."""

    def __init__(
        self, vocab_size: int, block_size: int | None = None, *, context_only: Iterable[SupportsIndex] = ()
    ) -> None:
        super().__init__()
        self.vocab_size: int = positive_integer("vocab_size", vocab_size)
        self.block_size = block_size
        self.context_only: tuple[int, ...] = checked_context_only(context_only, self.vocab_size)

    @abstractmethod
    def logits(self, inputs: Tensor) -> Tensor:
        """Returns unnormalized natural-log probabilities of the id after each position.

        Args:
            inputs: Ids, int64 ``(B, T)``.

        Returns:
            Floating point, ``(B, T, V)``; position ``t`` depends only on ``inputs[:, : t + 1]``. Those of
            ``context_only`` ids are minus infinity; ``without_context_only`` ensures that.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Returns the settings from which ``from_settings`` makes an empty model of this shape; JSON values only."""

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Returns an empty model; by default the settings are the constructor's arguments.

        Args:
            settings: What ``settings`` returned.

        Raises:
            TypeError: An argument is missing, unknown or of the wrong type.
            ValueError: One has the wrong value.
        """
        return cls(**settings)

    def check_state(self, state: Mapping[str, Tensor]) -> None:
        """Checks tensors that ``load_state_dict`` is about to load; by default takes all.

        Args:
            state: Those of this model itself and of its modules, by name.

        Raises:
            ValueError: One is not valid for this model.
        """

    @classmethod
    def of(cls, counted: CountModel) -> Self:
        """Returns the PyTorch model for a count model of this family.

        Raises:
            TypeError: This family is not made from counts.
        """
        raise TypeError(f"a model of the family {cls.family} cannot be made from counts, got {type(counted).__name__}")

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a model for another vocabulary, which shares no memory with this one.

        On texts of symbols that both vocabularies have, the logits of their ids stay equal; only ``unk``, as which a
        count model has read new symbols so far, shares its probability with them. What new ids begin with
        says each family: they are rare, and what comes after them is what comes after an average id. A family of your
        own overrides this.

        Args:
            vocabulary_before: That of the model.
            vocabulary_after: The new one, such as ``vocabulary_before.extend(text)``; symbols may also be missing, or
                have other ids.

        Raises:
            TypeError: One is not a ``Vocabulary``, or the family cannot be resized.
            ValueError: ``vocabulary_before`` is not that of the model, or the two share nothing that is predicted.
        """
        raise TypeError(
            f"a model of the family {self.family} cannot be resized from {vocabulary_before.size} to "
            f"{vocabulary_after.size} ids: override resize"
        )

    def features_of(self, dataset: Dataset | None, device: torch.device) -> FeaturesOfExamples | None:  # noqa: ARG002
        """Returns what tells a ``Trainer`` what the model is given of examples besides their ids; None for nothing.

        Args:
            dataset: The training data; None for batches of which it is not known where they come from.
            device: The device of the batches.

        Raises:
            TypeError: The model cannot be trained on such data.
            ValueError: Likewise.
        """
        return None

    def parameter_groups(self) -> ParameterGroups:
        """Returns which parameters an optimizer updates in which way, by default a guess that a family may override.

        The weights of linear layers decay. All are hidden matrices, except the last if it has a row for each id.
        """
        return groups_by_shape(self, self.vocab_size)

    def forward(self, inputs: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Returns the logits and, given targets, the mean cross-entropy.

        Args:
            inputs: Ids, ``(B, T)``, any integer dtype, on the device of the model.
            targets: The ids that follow, ``(B, T)``; ``charlm.IGNORE_INDEX``, -100, marks positions to ignore.

        Returns:
            Logits ``(B, T, V)``, and the loss in nats per target as a scalar, or None without targets.

        Raises:
            TokenIdError: An id is negative or not below ``vocab_size`` (detected on the CPU; an accelerator reports
                it later, in its own way).
            TypeError: The ids are floats or bools.
            ValueError: The inputs are not two-dimensional, or the targets have a different shape.
        """
        return self._forward(self.logits, inputs, targets)

    def _forward(
        self, function: Callable[[Tensor], Tensor], inputs: Tensor, targets: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Returns what ``forward`` does, of logits that a function computes."""
        if inputs.ndim != 2:  # noqa: PLR2004 - (B, T)
            raise ValueError(f"inputs must be (B, T), got shape {tuple(inputs.shape)}")
        if targets is not None and targets.shape != inputs.shape:
            raise ValueError(f"targets must have the inputs' shape {tuple(inputs.shape)}, got {tuple(targets.shape)}")
        try:
            logits = function(_as_long("inputs", inputs))
            if targets is None:
                return logits, None
            flat_targets = _as_long("targets", targets).flatten()
            for token_id in self.context_only:
                flat_targets = flat_targets.masked_fill(flat_targets == token_id, IGNORE_INDEX)
            return logits, functional.cross_entropy(logits.flatten(0, -2), flat_targets, ignore_index=IGNORE_INDEX)
        except IndexError:
            self.check_ids(inputs)
            if targets is not None:
                self.check_ids(targets[targets != IGNORE_INDEX])
            raise

    if TYPE_CHECKING:  # nn.Module types calls as Any

        def __call__(self, inputs: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
            """Returns what ``forward`` does."""

    def step(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:  # noqa: ANN401 - each family has its own state
        """Returns the logits after one more id, and the state to pass with the next.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What the previous call returned; None at the start.

        Returns:
            Logits ``(B, V)``, equal to the last position of ``logits`` on all ids so far, and the new state. A model
            with a limited context drops the older half of a full block, so that it sees between the last half block
            and the last block; what it says is then what its scores say, whose blocks overlap by half.

        Raises:
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        history = ids[:, None] if state is None else torch.cat([state, ids[:, None]], dim=1)
        if self.block_size is not None:
            history = history[:, -ids_seen(history.shape[1], self.block_size) :]
        with self.naming_bad_ids(ids):
            return self.logits(history)[:, -1], history

    def start(self, inputs: Tensor) -> tuple[Tensor, Any]:
        """Returns the logits after these ids, and the state from which ``step`` continues.

        Args:
            inputs: The ids of a prompt, int64 ``(B, T)``, T at least 1.

        Returns:
            Logits ``(B, V)`` and a state, equal to those from stepping through the ids.

        Raises:
            ValueError: There are no ids, or the inputs are not two-dimensional.
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        check_prompt(inputs)
        state = None
        for ids in inputs.unbind(dim=1):
            logits, state = self.step(ids, state)
        return logits, state

    def select(self, states: Sequence[Any], rows: Tensor) -> Any:  # noqa: ANN401
        """Returns the state of some rows, as if their ids had been passed together; each row may occur again.

        A family whose states are not tensors with one row for each sequence overrides it.

        Args:
            states: What ``start`` and ``step`` returned after equally many ids, at least one.
            rows: Which rows, counted through all states, one after the other, int64 ``(B,)``, on the model's device.

        Raises:
            TypeError: The states are not tensors.
        """
        if all(state is None for state in states):
            return None
        if not all(isinstance(state, Tensor) for state in states):
            kind = type(states[0]).__name__
            raise TypeError(f"the states of a model of the family {self.family} are {kind}: override select")
        return torch.cat(list(states)).index_select(0, rows)

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the natural logarithm of the probability of each target.

        Args:
            inputs: Ids, int64 ``(B, T)``.
            targets: The ids that follow, int64 ``(B, T)``.

        Returns:
            Floating point, ``(B, T)``, in nats.

        Raises:
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        with self.naming_bad_ids(inputs, targets):
            return widened(self.logits(inputs)).log_softmax(dim=-1).gather(-1, targets[..., None]).squeeze(-1)

    def activations(self, inputs: Tensor) -> Activations:
        """Returns what the layers of a Transformer compute on the way to the logits.

        Args:
            inputs: Ids, int64 ``(B, T)``.

        Raises:
            TypeError: The family has no such layers. One of your own that has overrides this.
        """
        raise TypeError(
            f"a model of the family {self.family} has no layers of attention, got inputs {tuple(inputs.shape)}"
        )

    @property
    def numbers_per_id(self) -> int:
        """About how many numbers ``log_probabilities`` holds at once for each id, which bounds the ids in a batch.

        By default those of the logits and of their softmax; a family whose layers hold more adds them.
        """
        return 4 * self.vocab_size

    def without_context_only(self, logits: Tensor) -> Tensor:
        """Returns logits, ``(..., V)``, with minus infinity for each ``context_only`` id."""
        if not self.context_only:
            return logits
        return logits.index_fill(-1, torch.tensor(self.context_only, device=logits.device), -torch.inf)

    def predictor(self, *, stride: int | None = None) -> Predictor:
        """Returns the NumPy interface to this model; see ``charlm.models.predictor``.

        Args:
            stride: For a model with a limited context: how far apart the blocks begin in which a longer text is scored.
                By default half a block; ``block_size`` makes blocks that do not overlap.

        Raises:
            ValueError: ``stride`` is below 1 or above the block, or the context has no limit.
        """
        return ModelPredictor(self, stride=stride)

    def as_ids(self, ids: list[int]) -> Tensor:
        """Returns ids as an int64 tensor on the device of the model."""
        return torch.tensor(ids, dtype=torch.int64, device=self.device)

    @property
    def device(self) -> torch.device:
        """The device of the model's tensors."""
        return next(chain(self.parameters(), self.buffers())).device

    def check_ids(self, ids: Tensor) -> None:
        """Checks that every id is in the vocabulary; any integer dtype, any shape, any device.

        Raises:
            TokenIdError: One is not; names it and its position.
        """
        as_id_array(ids.numpy(force=True), self.vocab_size)

    @contextmanager
    def naming_bad_ids(self, *ids: Tensor) -> Iterator[None]:
        """Turns what PyTorch raises in the block for an id that is not in the vocabulary into a ``TokenIdError``."""
        try:
            yield
        except (IndexError, RuntimeError):
            for several in ids:
                self.check_ids(several)
            raise

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:  # noqa: ANN401 - torch's
        state = {name.removeprefix(prefix): tensor for name, tensor in state_dict.items() if name.startswith(prefix)}
        try:
            self.check_state({name: tensor for name, tensor in state.items() if not tensor.is_meta})
        except ValueError as error:
            others[-1].append(f"{prefix}{error}")
            return
        super()._load_from_state_dict(state_dict, prefix, *others)


def check_prompt(inputs: Tensor) -> None:
    """Checks that a prompt is ``(B, T)`` with at least one id per row.

    Raises:
        ValueError: It is not.
    """
    if inputs.ndim != 2 or not inputs.shape[1]:  # noqa: PLR2004 - (B, T)
        raise ValueError(f"inputs must be (B, T) with T at least 1, got shape {tuple(inputs.shape)}")


def _as_long(name: str, ids: Tensor) -> Tensor:
    if ids.is_floating_point() or ids.dtype == torch.bool:
        raise TypeError(f"{name} must be integers, got {ids.dtype} values")
    return ids.long()
