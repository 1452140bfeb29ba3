"""The state of a run: put together from those of its parts, taken apart again, and checked before it is trusted.

Each part of a trainer has ``state_dict`` and ``load_state_dict``. What they return, JSON values and tensors by name,
becomes one flat state: its tensors as ``PART.NAME`` under ``tensors``, its values under the name of the part.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from charlm.errors import CheckpointMismatchError, CheckpointVersionError
from charlm.runtime import distributed
from charlm.training.config import CHANGES_ROUNDING, MAY_CHANGE
from chartok.arguments import finite_number, integer
from chartok.files.envelope import check_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.data.batch_sampler import BatchSampler
    from charlm.data.dataset import Dataset
    from charlm.models.base import LanguageModel
    from charlm.training.config import TrainerConfig
    from chartok import Vocabulary

VERSION = 1
COUNTS = ("step", "log_entries", "recent_characters", "best_step", "evaluations_since_best", "parts")
LARGEST_COUNT = 1 << 48
"""Far above what any run comes to, and far below where one would overflow."""


class Stateful(Protocol):
    """A part of a trainer that a checkpoint holds."""

    def state_dict(self) -> dict[str, Any]:
        """Returns where it stands: JSON values and tensors, by name."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Goes on from there."""


class OfEachProcess:
    """A part that stands elsewhere in each process, as one that each can go on with; the names begin with the rank.

    Args:
        own: That of this process.
    """

    def __init__(self, own: Stateful) -> None:
        self._own = own

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the tensors of all processes, each of which must call this."""
        return {
            f"{rank}.{name}": tensor
            for name, own in self._own.state_dict().items()
            for rank, tensor in enumerate(distributed.gather(own))
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Goes on from what the process of this rank had."""
        self._own.load_state_dict(_under(f"{distributed.rank()}.", state))


def composed(parts: Iterable[tuple[str, Stateful]]) -> dict[str, Any]:
    """Returns one state of those of all parts, its tensors as copies on the CPU.

    Args:
        parts: By their names; those without a name stand at the top.

    Example:
        >>> composed([("model", torch.nn.BatchNorm1d(1))])["tensors"]["model.weight"]
        tensor([1.])
    """
    values: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    for name, part_of_it in parts:
        for key, value in part_of_it.state_dict().items():
            if isinstance(value, Tensor):
                tensors[f"{name}.{key}" if name else key] = value.detach().to("cpu", copy=True)
            else:
                (values.setdefault(name, {}) if name else values)[key] = value
    return {"version": VERSION, **values, "tensors": tensors}


def load(parts: Iterable[tuple[str, Stateful]], state: dict[str, Any]) -> None:
    """Gives each part what it had when the state was composed.

    Raises:
        ValueError: A part cannot go on from what is there.
    """
    for name, part_of_it in parts:
        try:
            part_of_it.load_state_dict(part(state, name))
        except RuntimeError as error:  # a model's, of names and shapes
            raise ValueError(str(error)) from None


def part(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns the state of one part of those that were composed; without a name, all that stands at the top.

    Example:
        >>> part({"step": 3, "batches": {"seed": 0}, "tensors": {"batches.generator": torch.ones(2)}}, "batches")
        {'seed': 0, 'generator': tensor([1., 1.])}
    """
    tensors: dict[str, Tensor] = state["tensors"]
    if not name:
        return state | tensors
    values: dict[str, Any] = state.get(name, {})
    return values | _under(f"{name}.", tensors)


def without(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns a state without the tensors of a part."""
    tensors = {key: tensor for key, tensor in state["tensors"].items() if not key.startswith(f"{name}.")}
    return state | {"tensors": tensors}


def identity(
    model: LanguageModel, batches: BatchSampler, validation: str | None, vocabulary: Vocabulary | None
) -> dict[str, Any]:
    """Returns what is trained on what, as a flat description.

    Args:
        model: What is trained.
        batches: On what.
        validation: The fingerprint of the validation data.
        vocabulary: What the ids mean.
    """
    return {
        "model": model.family,
        **{f"model.{name}": value for name, value in model.settings().items()},
        **{f"batches.{name}": value for name, value in batches.identity().items()},
        "validation": validation,
        "vocabulary": None if vocabulary is None else vocabulary.fingerprint,
    }


def check_together(
    model: LanguageModel,
    batches: BatchSampler,
    validation: Dataset | None,
    config: TrainerConfig,
) -> None:
    """Checks that what a trainer is given can be used together.

    Raises:
        ValueError: The model and the batches are on different devices, or ``patience`` waits for evaluations and there
            is nothing to evaluate on.
        TokenIdError: The data hold an id that the model does not have.
    """
    if model.device != batches.device:
        raise ValueError(
            f"the model is on {model.device} and the batches on {batches.device}: "
            "move the model with model.to(batches.device)"
        )
    batches.dataset.check_ids(model.vocab_size)
    if config.patience is not None and validation is None:
        raise ValueError("patience counts evaluations, and there are none without validation=")


def check(state: dict[str, Any], now: dict[str, Any]) -> None:
    """Checks that a run can go on from a state: its version, its settings and its values.

    Args:
        state: What ``composed`` made, with the settings of the run.
        now: The settings and the data with which it is to go on.

    Raises:
        CheckpointVersionError: The state is of a newer version.
        CheckpointMismatchError: There are other settings; lists every difference.
        ValueError: A value is out of range; and so a ``KeyError`` or ``TypeError``.
    """
    check_version(state, VERSION, "a trainer's state", error=ValueError, newer=CheckpointVersionError)
    _check_settings(state["config"] | state["data"], now)
    _check_values(state)


def _check_settings(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuses other settings and data than the run was begun with, or warns of those that change the rounding alone."""
    now = json.loads(json.dumps(now))
    different = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)} - MAY_CHANGE
    changes = {name: f"{name}: {then.get(name)!a} -> {now.get(name)!a}" for name in sorted(different)}
    refused = [change for name, change in changes.items() if name not in CHANGES_ROUNDING]
    if refused:
        raise CheckpointMismatchError(f"the run was begun with other settings (then -> now): {'; '.join(refused)}")
    if changes:
        warnings.warn(f"the run goes on, but not bit for bit: {'; '.join(changes.values())}", stacklevel=4)


def _check_values(state: dict[str, Any]) -> None:
    """Checks what training would count on with."""
    counts = {name: state[name] for name in COUNTS} | {"batches": state["batches"]["batches"]}
    for name, count in counts.items():
        if integer(name, count) not in range(LARGEST_COUNT):
            raise ValueError(f"{name} is {count}")
    for name in ("seconds", "recent_seconds"):
        if finite_number(name, state[name]) < 0:
            raise ValueError(f"{name} is {state[name]}")
    if state["best_loss"] is not None:
        finite_number("best_loss", state["best_loss"])
    losses = state["tensors"]["losses"]
    if losses.ndim != 1 or losses.dtype != torch.float32:
        raise ValueError(f"losses is a tensor of type {losses.dtype} and shape {tuple(losses.shape)}")


def check_alike(name: str, tensor: Tensor, weight: Tensor) -> None:
    """Checks that a tensor is of the shape and the type of a weight.

    Raises:
        ValueError: It is not; calls it ``name``.
    """
    if tensor.shape != weight.shape or tensor.dtype != weight.dtype:
        raise ValueError(
            f"{name!a} is of type {tensor.dtype} and shape {tuple(tensor.shape)}, "
            f"not {weight.dtype} and {tuple(weight.shape)}"
        )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
