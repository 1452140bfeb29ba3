"""The batches of a run: those that a ``BatchSampler`` draws, or those of any iterable."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset

from charlm.data.batch_sampler import BatchSampler
from charlm.data.dataset import IGNORE_INDEX
from charlm.runtime import distributed
from charlm.training.schedule import RunSchedule

if TYPE_CHECKING:
    from torch import Tensor

    from charlm.models.base import LanguageModel
    from charlm.models.examples import FeaturesOfExamples
    from charlm.training.config import TrainerConfig

NOTHING = object()


class Batch(NamedTuple):
    """What a step learns from.

    Attributes:
        inputs: Ids, int64 ``(B, T)``, on the device of the model.
        targets: The ids that follow, int64 ``(B, T)``.
        features: What the model is given of these examples besides, a named tuple of tensors with a row for each; None
            for most families.
    """

    inputs: Tensor
    targets: Tensor
    features: tuple[Tensor, ...] | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What a model is called with."""
        return self[:2] if self.features is None else self

    def chunk(self, parts: int) -> list[Batch]:
        """Returns the examples in about equal parts."""
        inputs, targets = self.inputs.chunk(parts), self.targets.chunk(parts)
        if self.features is None:
            return [Batch(*pair) for pair in zip(inputs, targets, strict=True)]
        named = type(self.features)
        features = [named(*of_part) for of_part in zip(*(each.chunk(parts) for each in self.features), strict=True)]
        return [Batch(*of_part) for of_part in zip(inputs, targets, features, strict=True)]


class Batches(ABC):
    """What a trainer asks of its batches.

    Attributes:
        has_ignored_targets: Whether some targets may be ``IGNORE_INDEX``.
    """

    has_ignored_targets: bool

    @abstractmethod
    def check_for(self, model: LanguageModel) -> None:
        """Checks that a model can be trained on them, as far as that is known beforehand."""

    @abstractmethod
    def schedule(self, config: TrainerConfig) -> RunSchedule:
        """Returns the schedule of a run on them."""

    @abstractmethod
    def has_ended(self) -> bool:
        """Returns whether there is no next one."""

    @abstractmethod
    def __next__(self) -> Batch:
        """Returns the next one."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Returns what must be the same where a run resumes; JSON values."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Returns the position: JSON values and tensors."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes at a position."""


def batches_of(batches: BatchSampler | Iterable[tuple[Tensor, Tensor]], model: LanguageModel) -> Batches:
    """Returns what was given to a trainer as its batches.

    Raises:
        TypeError: It is a dataset, or not iterable.
    """
    if isinstance(batches, BatchSampler):
        return SampledBatches(batches, model)
    is_dataset = isinstance(batches, Dataset) and not isinstance(batches, IterableDataset)
    if is_dataset or isinstance(batches, str | bytes) or not isinstance(batches, Iterable):
        hint = ": put it in a BatchSampler, or in a torch.utils.data.DataLoader" if is_dataset else ""
        raise TypeError(
            f"batches must be a BatchSampler or an iterable of (inputs, targets), got {type(batches).__name__}{hint}"
        )
    return GivenBatches(batches, model)


def device_of(batches: BatchSampler | Iterable[tuple[Tensor, Tensor]]) -> torch.device:
    """Returns the device of the batches of a sampler; of others it is not known, and that of a model is the CPU."""
    return batches.device if isinstance(batches, BatchSampler) else torch.device("cpu")


class SampledBatches(Batches):
    """The batches of a ``BatchSampler``, which resume exactly and never end.

    Args:
        sampler: The sampler.
        model: The model that is trained.
    """

    def __init__(self, sampler: BatchSampler, model: LanguageModel) -> None:
        self._sampler = sampler
        self.has_ignored_targets: bool = sampler.dataset.has_ignored_targets
        self._model = model
        self._features: FeaturesOfExamples | None = None
        self._asked = False

    def check_for(self, model: LanguageModel) -> None:
        """Checks that the model is on the same device, and has every id.

        Raises:
            ValueError: It is on another device.
            TokenIdError: It lacks an id.
        """
        if model.device != self._sampler.device:
            raise ValueError(
                f"the model is on {model.device}, but the batches are on {self._sampler.device}: "
                "move the model with model.to(batches.device)"
            )
        self._sampler.dataset.check_ids(model.vocab_size)

    def schedule(self, config: TrainerConfig) -> RunSchedule:
        """Returns the schedule of a run, in which an epoch is a pass over the dataset."""
        examples = self._sampler.dataset.examples_per_epoch
        return RunSchedule(config, examples=examples, batch_size=self._sampler.batch_size)

    def has_ended(self) -> bool:
        """Returns False."""
        return False

    def __next__(self) -> Batch:
        """Returns the next batch.

        Raises:
            ValueError: The model starts from counts, and has not counted the data.
            TypeError: Likewise, and the data cannot be divided.
        """
        if not self._asked:  # only now, when the weights of the run are known
            self._features, self._asked = self._model.features_of(self._sampler.dataset, self._sampler.device), True
        if self._features is None:
            return Batch(*next(self._sampler))
        (inputs, targets), numbers = self._sampler.next_examples()
        return Batch(inputs, targets, self._features(inputs, numbers))

    def identity(self) -> dict[str, Any]:
        """Returns that of the sampler."""
        return self._sampler.identity()

    def state_dict(self) -> dict[str, Any]:
        """Returns that of the sampler."""
        return self._sampler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes exactly where the sampler was."""
        self._sampler.load_state_dict(state)


class GivenBatches(Batches):
    """The batches of any iterable, which is iterated again when it ends, if it can be.

    Batches are moved to the device of the model, and those in main memory are checked.

    Args:
        batches: Gives inputs and targets, each ``(B, T)``, integer tensors or arrays.
        model: The model that is trained.
    """

    has_ignored_targets = True

    def __init__(self, batches: Iterable[tuple[Tensor, Tensor]], model: LanguageModel) -> None:
        self._batches = batches
        self._model = model
        self._iterator: Iterator[Any] = iter(())
        self._upcoming: Any = NOTHING
        self._drawn = 0

    def check_for(self, model: LanguageModel) -> None:
        """Checks that the model needs nothing but ids; each batch is checked when it is drawn.

        Raises:
            ValueError: It has to be told where examples come from.
        """
        model.features_of(None, model.device)

    def schedule(self, config: TrainerConfig) -> RunSchedule:
        """Returns the schedule of a run, in which an epoch is a pass over the iterable.

        Raises:
            ValueError: ``max_epochs`` is set, and how many batches there are is not known.
        """
        try:
            length = len(self._batches)  # type: ignore[arg-type]  # an iterable may have no length
        except TypeError:
            length = 0
        if config.max_epochs is not None and not length:
            raise ValueError(
                f"max_epochs needs to know how many batches there are, and a {type(self._batches).__name__} does not "
                "say with len(): give max_steps"
            )
        return RunSchedule(config, examples=length or 1, batch_size=1)

    def has_ended(self) -> bool:
        """Returns whether there is no next batch, after drawing it.

        Raises:
            ValueError: There is not even a first one; or it is one of several processes, and the others may go on.

        Warns:
            UserWarning: There is none.
        """
        if self._upcoming is NOTHING:
            self._upcoming = next(self._iterator, NOTHING)
        if self._upcoming is NOTHING:
            self._iterator = iter(self._batches)
            self._upcoming = next(self._iterator, NOTHING)
        if self._upcoming is not NOTHING:
            return False
        if not self._drawn:
            raise ValueError("batches is empty, or has been iterated over: give at least one batch")
        message = f"the batches ended after {self._drawn:,}, and cannot be iterated over again"
        if distributed.world_size() > 1:
            raise ValueError(f"{message}: of several processes, none must run out of batches")
        warnings.warn(f"{message}: the run ends there", stacklevel=5)
        return True

    def __next__(self) -> Batch:
        """Returns the next batch.

        Raises:
            TypeError: It is not a pair of integer tensors or arrays.
            ValueError: They are not ``(B, T)``, have an id that the model does not have, or every target is masked.
        """
        if self.has_ended():
            raise StopIteration
        batch, self._upcoming = self._upcoming, NOTHING
        name = f"batch {self._drawn + 1}"
        if not isinstance(batch, tuple | list) or len(batch) != 2:  # noqa: PLR2004 - inputs and targets
            raise TypeError(f"{name} must be a pair (inputs, targets), got {type(batch).__name__}")
        inputs = self._moved(f"the inputs of {name}", batch[0])
        targets = self._moved(f"the targets of {name}", batch[1])
        if inputs.shape != targets.shape:
            shapes = f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
            raise ValueError(f"{name} must have inputs and targets of one shape, got {shapes}")
        self._drawn += 1
        return Batch(inputs, targets)

    def _moved(self, name: str, ids: Any) -> Tensor:  # noqa: ANN401 - whatever an iterable gives
        """Returns ids as int64 on the device of the model, checked."""
        if isinstance(ids, np.ndarray):
            ids = torch.from_numpy(ids)
        if not isinstance(ids, torch.Tensor):
            raise TypeError(f"{name} must be a tensor or an array of integers, got {type(ids).__name__}")
        if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
            raise TypeError(f"{name} must be integers, got {ids.dtype}")
        if ids.ndim != 2 or not ids.numel():  # noqa: PLR2004 - (B, T)
            raise ValueError(f"{name} must be (B, T), each at least 1, got shape {tuple(ids.shape)}")
        if ids.device.type == "cpu":
            self._check_ids(name, ids.long(), may_be_masked="targets" in name)
        return ids.to(self._model.device, torch.int64, non_blocking=True)

    def _check_ids(self, name: str, ids: Tensor, *, may_be_masked: bool) -> None:
        size = self._model.vocab_size
        is_masked = ids == IGNORE_INDEX if may_be_masked else torch.zeros_like(ids, dtype=torch.bool)
        wrong = ids[((ids < 0) | (ids >= size)) & ~is_masked]
        if len(wrong):
            also = f", or {IGNORE_INDEX} for a masked one" if may_be_masked else ""
            raise ValueError(f"{name} must be ids 0 to {size - 1}{also}, got {int(wrong[0])}")
        if is_masked.all() and distributed.world_size() == 1:
            raise ValueError(f"{name} are all {IGNORE_INDEX}, which masks them: nothing is left to learn")

    def identity(self) -> dict[str, Any]:
        """Returns that these are from an iterable: nothing else is known of them."""
        return {"source": "an iterable"}

    def state_dict(self) -> dict[str, Any]:
        """Returns how many were drawn."""
        return {"batches": self._drawn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting; the iterable begins anew.

        Warns:
            UserWarning: Some were drawn before.
        """
        self._drawn = state["batches"]
        if self._drawn:
            warnings.warn(
                "the run resumes, but not exactly: batches come from an iterable, which begins from its start",
                stacklevel=6,
            )
