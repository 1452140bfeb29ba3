"""The state of a run: composed from the states of its parts, split again, and validated before use.

Each part of a trainer has ``state_dict`` and ``load_state_dict``. What they return, JSON values and tensors by name,
becomes one flat state: its tensors as ``PART.NAME`` under ``tensors``, its values under the name of the part.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from charlm.data.dataset import ValidationDataset, check_keeps
from charlm.errors import CheckpointMismatchError, CheckpointVersionError, described_change
from charlm.runtime import distributed
from charlm.training.config import CHANGES_ROUNDING, MAY_CHANGE
from chartok.arguments import finite_number, integer, natural_number
from chartok.files.envelope import check_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.models.base import LanguageModel
    from charlm.training.batches import Batches
    from charlm.training.config import TrainerConfig
    from chartok import Vocabulary

VERSION = 1
COUNTS = ("step", "log_entries", "recent_characters", "best_step", "evaluations_since_improvement", "parts")
LARGEST_COUNT = 1 << 48
"""Far more than any run reaches, and far below overflow."""


class Stateful(Protocol):
    """A part of a trainer that a checkpoint holds."""

    def state_dict(self) -> dict[str, Any]:
        """Returns its state: JSON values and tensors, by name."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Restores a state."""


class OfEachProcess:
    """A part whose state differs in each process, with the states of all processes; names begin with the rank.

    Args:
        own: The part of this process.
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
        """Restores the state of the process with this rank."""
        self._own.load_state_dict(_under(f"{distributed.rank()}.", state))


def composed(parts: Iterable[tuple[str, Stateful]]) -> dict[str, Any]:
    """Returns one state composed from those of all parts, with tensors copied to the CPU.

    Args:
        parts: Names and parts; a part with an empty name goes to the top level.

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
    """Restores each part from its portion of a composed state.

    Raises:
        ValueError: A part cannot be restored.
    """
    for name, part_of_it in parts:
        try:
            part_of_it.load_state_dict(part(state, name))
        except RuntimeError as error:  # from a model, about names and shapes
            raise ValueError(str(error)) from None


def part(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns the state of one part of a composed state; with an empty name, everything at the top level.

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


def identity(batches: Batches, validation: str | None, vocabulary: Vocabulary | None) -> dict[str, Any]:
    """Returns a flat description of the data.

    Args:
        batches: The training data.
        validation: The fingerprint of the validation data.
        vocabulary: The vocabulary of the model.
    """
    return {
        **{f"batches.{name}": value for name, value in batches.identity().items()},
        "validation": validation,
        "vocabulary": None if vocabulary is None else vocabulary.fingerprint,
    }


def check_together(
    model: LanguageModel,
    batches: Batches,
    validation: ValidationDataset | None,
    config: TrainerConfig,
) -> None:
    """Checks that the arguments of a trainer are compatible.

    Raises:
        ValueError: The model and the batches are on different devices, its weights are float16 or all frozen, or
            a setting of evaluations is given without validation data, or ``min_delta`` without ``patience``.
        TokenIdError: The data has an id that the model does not have.
        TypeError: The validation data cannot be scored.
    """
    if any(weight.dtype == torch.float16 for weight in model.parameters()):
        raise ValueError(
            "the weights of the model are float16, in which updates underflow: train it in float32 with model.float(), "
            "and precision='float16' to compute in float16"
        )
    if not any(weight.requires_grad for weight in model.parameters()):
        raise ValueError("the model has no parameter to train: all are frozen, or it is counted")
    batches.check_for(model)
    if validation is not None:
        check_keeps(ValidationDataset, "validation", validation, "give a TextDataset or a RecordDataset")
    for name in ("patience", "evaluation_characters"):
        if getattr(config, name) is not None and validation is None:
            raise ValueError(f"{name} needs validation data: give validation=")
    check_settings(config)


def check_settings(config: TrainerConfig) -> None:
    """Checks that the settings of a run are compatible, once those that have no value yet have one.

    Raises:
        ValueError: They are not.
    """
    if config.min_delta and config.patience is None:
        raise ValueError("min_delta says what counts as an improvement for patience: set patience as well")


def check(state: dict[str, Any], now: dict[str, Any]) -> None:
    """Checks that a run can resume from a state: its version, its settings and its values.

    Args:
        state: What ``composed`` returned, with the settings of the run.
        now: The current settings and data.

    Raises:
        CheckpointVersionError: The state is of a newer version.
        CheckpointMismatchError: The settings differ; lists every difference.
        ValueError: A value is out of range; a missing or mistyped value raises ``KeyError`` or ``TypeError``.
    """
    check_version(state, VERSION, "a trainer's state", error=ValueError, newer=CheckpointVersionError)
    _check_settings(state["config"] | state["data"], now)
    _check_values(state)


def _check_settings(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Rejects settings and data that differ from those of the run, or warns if they only change rounding."""
    now = json.loads(json.dumps(now))
    different = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)} - MAY_CHANGE
    changes = {name: described_change(name, then.get(name), now.get(name)) for name in sorted(different)}
    refused = [change for name, change in changes.items() if name not in CHANGES_ROUNDING]
    if refused:
        raise CheckpointMismatchError(
            f"the run was started with different settings (saved -> current): {'; '.join(refused)}; to go on from its "
            "model with others, start a new run with init_from (--init-from)"
        )
    if changes:
        warnings.warn(f"the run resumes, but not bit for bit: {'; '.join(changes.values())}", stacklevel=4)


def _check_values(state: dict[str, Any]) -> None:
    """Checks the values with which training would continue."""
    counts = {name: state[name] for name in COUNTS} | {"batches": state["batches"]["batches"]}
    for name, count in counts.items():
        if integer(name, count) not in range(LARGEST_COUNT):
            raise ValueError(f"{name} is out of range: {count}")
    for name in ("seconds", "recent_seconds"):
        if finite_number(name, state[name]) < 0:
            raise ValueError(f"{name} must not be negative, got {state[name]}")
    for name in ("best_loss", "reference_loss"):
        if state[name] is not None:
            finite_number(name, state[name])
    losses = state["tensors"]["losses"]
    if losses.ndim != 1 or losses.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"losses must be one-dimensional float32 or float64, got {losses.dtype} of shape {tuple(losses.shape)}"
        )
    if state["scaler"]:
        _check_scaler(state["scaler"])


def _check_scaler(state: dict[str, Any]) -> None:
    """Checks what a gradient scaler goes on from."""
    if not 0 < finite_number("the scale of gradients", state["scale"]) <= torch.finfo(torch.float32).max:
        raise ValueError(f"the scale of gradients is out of range: {state['scale']}")
    if natural_number("the steps at this scale", state["_growth_tracker"]) >= LARGEST_COUNT:
        raise ValueError(f"the steps at this scale are out of range: {state['_growth_tracker']}")


def check_alike(name: str, tensor: Tensor, weight: Tensor) -> None:
    """Checks that a tensor has the shape and dtype of a weight.

    Raises:
        ValueError: It does not; calls it ``name``.
    """
    if tensor.shape != weight.shape or tensor.dtype != weight.dtype:
        raise ValueError(
            f"{name!a} must be {weight.dtype} of shape {tuple(weight.shape)}, "
            f"got {tensor.dtype} of shape {tuple(tensor.shape)}"
        )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
