"""The optimizers: AdamW and Muon, over the parameter groups that a model declares."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from charlm.models.parameter_groups import declared_groups
from charlm.runtime.devices import FUSED_DEVICES
from charlm.training.muon import Muon
from charlm.training.optimizer import AdamW
from charlm.training.state import check_alike

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel
    from charlm.models.parameter_groups import ParameterGroups
    from charlm.training.config import TrainerConfig
    from charlm.training.optimizer import Optimizer

SLOW = 0.1
"""The learning rate of slow parameters, as a share of that of the others."""
REMEMBERED = {"AdamW": {"step", "exp_avg", "exp_avg_sq"}, "Muon": {"momentum_buffer"}}
"""The state that an optimizer keeps for each parameter after its first step."""


class Optimizers:
    """The optimizers that together update every parameter of a model.

    AdamW (Loshchilov and Hutter, 2019) updates all of them, or with ``"muon"`` all but the hidden matrices, whose
    updates Muon (Jordan et al., 2024) orthogonalizes. ``LanguageModel.parameter_groups`` declares which these are, and
    which parameters have weight decay.

    Args:
        model: The model, on the device on which it is trained.
        config: The settings.

    Raises:
        ValueError: Muon is chosen, but the model has no hidden matrices; or its groups name a parameter that it does
            not have, or a hidden matrix that is not two-dimensional.
    """

    def __init__(self, model: LanguageModel, config: TrainerConfig) -> None:
        self._model = model
        parameters = dict(model.named_parameters())
        declared = declared_groups(model)
        _check_groups(declared, parameters, model.family)
        by_muon = declared.hidden_matrices if config.optimizer == "muon" else frozenset()
        if config.optimizer == "muon" and not by_muon:
            raise ValueError(
                f"optimizer 'muon' needs hidden matrices, but a model of the family {model.family} has none: "
                "use 'adamw'"
            )
        matrices = [parameter for name, parameter in parameters.items() if name in by_muon]
        decays = dict.fromkeys(declared.hidden_matrices | declared.decayed, config.weight_decay)
        decays |= dict.fromkeys(declared.hashed_tables, config.table_decay or 0.0)
        rest = {name: parameter for name, parameter in parameters.items() if name not in by_muon}
        rates = dict.fromkeys(declared.slow, SLOW * config.learning_rate)
        by_settings: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in rest.items():
            settings = decays.get(name, 0.0), rates.get(name, config.learning_rate)
            by_settings.setdefault(settings, []).append(parameter)
        groups = [
            {"params": alike, "weight_decay": decay, "lr": rate}
            for (decay, rate), alike in sorted(by_settings.items(), key=itemgetter(0))
        ]
        fused = model.device.type in FUSED_DEVICES
        self._adamw = AdamW(groups, betas=(config.beta1, config.beta2), fused=fused)
        self._all: list[Optimizer] = [self._adamw]
        self._norm_before_clipping: Tensor | None = None
        if matrices:
            muon_rate = config.muon_learning_rate
            self._all.append(Muon(matrices, lr=muon_rate, weight_decay=config.weight_decay))
        for optimizer in self._all:
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]

    @property
    def learning_rate(self) -> float:
        """The learning rate of AdamW at the last step, of all but slow parameters."""
        return max(float(group["lr"]) for group in self._adamw.param_groups)

    @property
    def can_hold_still(self) -> bool:
        """Whether ``hold_still`` freezes all of them; Muon does not support it."""
        return len(self._all) == 1

    def zero_gradients(self) -> None:
        """Clears the gradients of the previous step."""
        for optimizer in self._all:
            optimizer.zero_grad()

    def step(self, scaler: torch.amp.GradScaler, *, factor: float, max_gradient_norm: float | None) -> None:
        """Updates every parameter.

        Args:
            scaler: The gradient scaler that scaled the loss.
            factor: The factor by which the configured learning rates are multiplied.
            max_gradient_norm: The norm to which larger gradients are clipped; None does not clip.
        """
        if max_gradient_norm is not None or scaler.is_enabled():
            for optimizer in self._all:
                scaler.unscale_(cast("torch.optim.Optimizer", optimizer))  # it asks for no more than ours have
        self._norm_before_clipping = None
        if max_gradient_norm is not None:
            self._norm_before_clipping = nn.utils.clip_grad_norm_(self._model.parameters(), max_gradient_norm)
        for optimizer in self._all:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            scaler.step(cast("torch.optim.Optimizer", optimizer))
        scaler.update()

    def gradient_norm(self) -> float:
        """Returns the norm of the gradient of the last step, before it was clipped.

        It is only computed when asked for, unless clipping has done so: at each step, it would be a pass over all
        gradients.
        """
        if self._norm_before_clipping is not None:
            return self._norm_before_clipping.item()
        gradients = [parameter.grad for parameter in self._model.parameters() if parameter.grad is not None]
        return nn.utils.get_total_norm(gradients).item()

    def hold_still(self, where: Tensor) -> None:
        """Freezes all parameters from this step on if a value on the device is 1, without reading it."""
        before = getattr(self._adamw, "found_inf", where)
        self._adamw.found_inf = torch.maximum(before, where)  # as torch's GradScaler does

    def move_again(self) -> None:
        """Undoes ``hold_still``."""
        self._adamw.__dict__.pop("found_inf", None)

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the optimizer state of each parameter, named ``PARAMETER.KEY``."""
        names = {id(parameter): name for name, parameter in self._model.named_parameters()}
        return {
            f"{names[id(parameter)]}.{key}": value
            for optimizer in self._all
            for parameter, remembered in optimizer.state.items()
            for key, value in remembered.items()
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores the state of optimizers for the same model and settings.

        Args:
            state: What their ``state_dict`` returned.

        Raises:
            ValueError: It does not match these optimizers.
        """
        states: dict[str, dict[str, Tensor]] = {}
        for name, tensor in state.items():
            parameter, _, key = name.rpartition(".")
            states.setdefault(parameter, {})[key] = tensor
        names = {parameter: name for name, parameter in self._model.named_parameters()}
        for optimizer in self._all:
            remembered = {
                parameter: states[names[parameter]]
                for group in optimizer.param_groups
                for parameter in group["params"]
                if names[parameter] in states
            }
            for parameter, of_parameter in remembered.items():
                _check_remembered(names[parameter], of_parameter, optimizer, parameter)
            optimizer.load(remembered)


def _check_groups(groups: ParameterGroups, parameters: dict[str, nn.Parameter], family: str) -> None:
    unknown = (groups.hidden_matrices | groups.decayed | groups.hashed_tables | groups.slow) - parameters.keys()
    if unknown:
        raise ValueError(
            f"the parameter groups of a model of the family {family} name {min(unknown)!a}, which it does not have"
        )
    for name in groups.hidden_matrices:
        if parameters[name].ndim != 2:  # noqa: PLR2004 - rows and columns
            raise ValueError(
                f"the hidden matrix {name!a} of a model of the family {family} must be two-dimensional, got "
                f"{parameters[name].ndim} dimensions"
            )


def _check_remembered(name: str, state: dict[str, Tensor], optimizer: Optimizer, weight: Tensor) -> None:
    keys = REMEMBERED[type(optimizer).__name__]
    if state.keys() != keys:
        raise ValueError(f"the optimizer state of {name!a} must have {sorted(keys)}, got {sorted(state)!a}")
    for key in keys - {"step"}:
        check_alike(f"{name}.{key}", state[key], weight)
    if "step" in keys and (state["step"].ndim or not state["step"] >= 0):
        raise ValueError(f"the optimizer step of {name!a} must be a non-negative number, got {state['step']}")
