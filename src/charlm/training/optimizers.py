"""What moves the weights: AdamW and Muon, side by side over the groups of parameters that a model declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from charlm.runtime.devices import FUSED_DEVICES
from charlm.training.muon import Muon
from charlm.training.state import check_alike

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from charlm.models.base import LanguageModel
    from charlm.models.parameter_groups import ParameterGroups
    from charlm.training.config import TrainerConfig

REMEMBERED = {"AdamW": {"step", "exp_avg", "exp_avg_sq"}, "Muon": {"momentum_buffer"}}
"""What an optimizer keeps of each parameter once it has moved it."""


class Optimizers:
    """Those that together move every parameter of a model.

    AdamW (Loshchilov and Hutter, 2019) moves all of them, or with ``"muon"`` those that Muon (Jordan et al., 2024)
    does not: Muon orthogonalises the updates of the hidden matrices. Which these are, and what decays, says
    ``LanguageModel.parameter_groups``.

    Args:
        model: On the device where it is to be trained.
        config: How to train.

    Raises:
        ValueError: Muon is asked for, and the model has no hidden matrix; or its groups name what it does not have, or
            a hidden matrix that is none.
    """

    def __init__(self, model: LanguageModel, config: TrainerConfig) -> None:
        self._model = model
        parameters = dict(model.named_parameters())
        declared = model.parameter_groups()
        _check_groups(declared, parameters, model.family)
        by_muon = declared.hidden_matrices if config.optimizer == "muon" else frozenset()
        if config.optimizer == "muon" and not by_muon:
            raise ValueError(f"optimizer 'muon' moves matrices, and a {model.family} model has none: use 'adamw'")
        matrices = [parameter for name, parameter in parameters.items() if name in by_muon]
        decays = dict.fromkeys(declared.hidden_matrices | declared.decayed, config.weight_decay)
        decays |= dict.fromkeys(declared.hashed_tables, config.table_decay)
        rest = {name: parameter for name, parameter in parameters.items() if name not in by_muon}
        groups = [
            {"params": [value for name, value in rest.items() if decays.get(name, 0.0) == decay], "weight_decay": decay}
            for decay in sorted({0.0, *decays.values()})
        ]
        self._adamw = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            fused=model.device.type in FUSED_DEVICES,
        )
        self._all: list[Optimizer] = [self._adamw]
        if matrices:
            muon_rate = config.muon_learning_rate
            self._all.append(Muon(matrices, lr=muon_rate, weight_decay=config.weight_decay))
        for optimizer in self._all:
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]

    @property
    def learning_rate(self) -> float:
        """That of AdamW at the last step."""
        return float(self._adamw.param_groups[0]["lr"])

    @property
    def can_hold_still(self) -> bool:
        """Whether ``hold_still`` stops all of them; Muon has nothing of the kind."""
        return len(self._all) == 1

    def zero_gradients(self) -> None:
        """Forgets the gradients of the step before."""
        for optimizer in self._all:
            optimizer.zero_grad()

    def step(self, scaler: torch.amp.GradScaler, *, factor: float, max_gradient_norm: float | None) -> None:
        """Moves every parameter.

        Args:
            scaler: What the loss was multiplied by.
            factor: What the learning rates of the settings are multiplied with.
            max_gradient_norm: Longer gradients are cut to this length; None leaves them.
        """
        if max_gradient_norm is not None:
            for optimizer in self._all:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(self._model.parameters(), max_gradient_norm)
        for optimizer in self._all:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            scaler.step(optimizer)
        scaler.update()

    def hold_still(self, where: Tensor) -> None:
        """Lets nothing move from this step on where a value on the device is 1, without reading it here."""
        before = getattr(self._adamw, "found_inf", where)
        self._adamw.found_inf = torch.maximum(before, where)  # type: ignore[attr-defined]  # as torch's GradScaler does

    def move_again(self) -> None:
        """Undoes ``hold_still``."""
        self._adamw.__dict__.pop("found_inf", None)

    def state_dict(self) -> dict[str, Tensor]:
        """Returns what they remember of each parameter, named ``PARAMETER.KEY``."""
        names = {id(parameter): name for name, parameter in self._model.named_parameters()}
        return {
            f"{names[id(parameter)]}.{key}": value
            for optimizer in self._all
            for parameter, remembered in optimizer.state.items()
            for key, value in remembered.items()
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Remembers what those of the same model and settings did.

        Args:
            state: What their ``state_dict`` returned.

        Raises:
            ValueError: It is not of optimizers like these.
        """
        states: dict[str, dict[str, Tensor]] = {}
        for name, tensor in state.items():
            parameter, _, key = name.rpartition(".")
            states.setdefault(parameter, {})[key] = tensor
        weights = dict(self._model.named_parameters())
        names = {parameter: name for name, parameter in weights.items()}
        for optimizer in self._all:
            description = optimizer.state_dict()
            parameters = [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]
            # torch puts each tensor where and into the type that the optimizer needs.
            description["state"] = {index: states[name] for index, name in enumerate(parameters) if name in states}
            for index, remembered in description["state"].items():
                _check_remembered(parameters[index], remembered, optimizer, weights[parameters[index]])
            optimizer.load_state_dict(description)


def _check_groups(groups: ParameterGroups, parameters: dict[str, nn.Parameter], family: str) -> None:
    unknown = (groups.hidden_matrices | groups.decayed | groups.hashed_tables) - parameters.keys()
    if unknown:
        raise ValueError(f"the parameter groups of a {family} model name {min(unknown)!a}, which is no parameter of it")
    for name in groups.hidden_matrices:
        if parameters[name].ndim != 2:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"the hidden matrix {name!a} of a {family} model has {parameters[name].ndim} dimensions")


def _check_remembered(name: str, state: dict[str, Tensor], optimizer: Optimizer, weight: Tensor) -> None:
    keys = REMEMBERED[type(optimizer).__name__]
    if state.keys() != keys:
        raise ValueError(f"an optimizer remembers {sorted(state)!a} of {name!a}, and not {sorted(keys)}")
    for key in keys - {"step"}:
        check_alike(f"{name}.{key}", state[key], weight)
    if "step" in keys and (state["step"].ndim or not state["step"] >= 0):
        raise ValueError(f"an optimizer has done {state['step']} steps on {name!a}")
