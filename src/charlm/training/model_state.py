"""What a model carries from one step to the next: restored where that is possible, and else compared.

``state_dict`` of a model leaves out buffers that are not persistent, which weights are frozen or tied, and how the
optimizer is to treat each of them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from charlm.files.model_file import rebuilt_model
from charlm.models.parameter_groups import declared_groups
from charlm.models.shared_tensors import aliases, each_once
from charlm.training.state import check_alike

if TYPE_CHECKING:
    from torch import Tensor

    from charlm.models.base import LanguageModel
    from charlm.training.checkpoint import Checkpoint

PREFIX = "tensors."
"""Of the names of tensors in the description of a model."""
FROZEN = "frozen"


class Weights:
    """The parameters and persistent buffers of a model, tied ones once.

    Args:
        model: The model.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the tensors by name."""
        return each_once(self._model.state_dict())

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores them, also where the model ties them.

        Raises:
            RuntimeError: They are not those of this model.
        """
        first_names = aliases(self._model.state_dict())
        tied = {name: state[first] for name, first in first_names.items() if first in state}
        self._model.load_state_dict(state | tied)


class UnsavedBuffers:
    """The buffers of a model that are not persistent.

    Args:
        model: The model.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Tensor]:
        """Returns them by name."""
        persistent = self._model.state_dict()
        return {name: buffer for name, buffer in self._model.named_buffers() if name not in persistent}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores them.

        Raises:
            ValueError: They are not those of this model.
        """
        for name, buffer in self.state_dict().items():
            if name not in state:
                raise ValueError(f"the buffer {name!a} is missing")
            check_alike(name, state[name], buffer)
            buffer.copy_(state[name])


def described(model: LanguageModel) -> dict[str, Any]:
    """Returns the family and the settings of a model, and what each of its parameters and buffers is, by name.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> described(BigramLanguageModel(3).requires_grad_(False))
        {'model': 'bigram', 'model.vocab_size': 3, 'model.context_only': [],
         'tensors.table': 'float32 of shape (3, 3), frozen'}
    """
    groups = dataclasses.asdict(declared_groups(model))
    group_of = {name: group.replace("_", " ") for group, names in groups.items() for name in names}
    parameters = dict(model.named_parameters())
    tensors: dict[str, Tensor] = model.state_dict() | parameters | dict(model.named_buffers())
    tied = aliases(model.state_dict())
    found = {"model": model.family} | {f"model.{name}": value for name, value in model.settings().items()}
    for name, tensor in tensors.items():
        facts = [f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"]
        facts += [group_of[name]] if name in group_of else []
        facts += [FROZEN] if name in parameters and not tensor.requires_grad else []
        found[f"{PREFIX}{name}"] = f"tied to {tied[name]}" if name in tied else ", ".join(facts)
    return found


def restored_model(checkpoint: Checkpoint, device: torch.device) -> LanguageModel:
    """Returns the model of a run on a device, with the same parameters frozen.

    Raises:
        CheckpointMismatchError: Its family is not one of charlm's.
        CheckpointCorruptError: Its settings and its tensors do not match.
    """
    model = rebuilt_model(checkpoint.model, checkpoint.path).to(device)
    for name, parameter in model.named_parameters():
        was = checkpoint.values["data"].get(f"{PREFIX}{name}")
        parameter.requires_grad_(not str(was).endswith(FROZEN))
    return model
