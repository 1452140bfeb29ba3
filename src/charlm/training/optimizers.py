"""What moves the weights: optimizers with their parameter groups, learning-rate schedules, averaged weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from charlm.models.gpt.model import HashedEmbedding
from charlm.runtime.devices import FUSED_DEVICES
from charlm.training.muon import Muon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.optim import Optimizer

    from charlm.models.base import LanguageModel
    from charlm.training.config import Schedule, TrainerConfig

REMEMBERED = {"AdamW": {"step", "exp_avg", "exp_avg_sq"}, "Muon": {"momentum_buffer"}}
"""What an optimizer keeps of each parameter once it has moved it."""


def hidden_matrices(model: LanguageModel) -> dict[str, Tensor]:
    """Returns the weights of the linear layers inside a model, by name: what Muon is made for.

    Tables of embeddings are looked up and not multiplied with, and the layer that gives the logits, the last one if it
    has a row for each id, is one more such table; neither is among them.

    Args:
        model: Any language model.
    """
    weights = _linear_weights(model)
    if weights and next(reversed(weights.values())).shape[0] == model.vocab_size:
        weights.popitem()
    return weights


class Optimizers:
    """Those that together move every parameter of a model.

    AdamW (Loshchilov and Hutter, 2019) moves all of them, or with ``"muon"`` those that Muon (Jordan et al., 2024)
    does not: Muon orthogonalises the updates of the hidden matrices. The weights of linear layers decay, and hashed
    tables; biases, gains and the embeddings of ids do not.

    Args:
        model: On the device where it is to be trained.
        config: How to train.

    Raises:
        ValueError: Muon is asked for, and the model has no hidden matrix.
    """

    def __init__(self, model: LanguageModel, config: TrainerConfig) -> None:
        self._model = model
        matrices = hidden_matrices(model) if config.optimizer == "muon" else {}
        if config.optimizer == "muon" and not matrices:
            raise ValueError(f"optimizer 'muon' moves matrices, and a {model.family} model has none: use 'adamw'")
        decays = dict.fromkeys(_linear_weights(model), config.weight_decay)
        decays |= dict.fromkeys(_hashed_tables(model), config.table_decay)
        rest = {name: parameter for name, parameter in model.named_parameters() if name not in matrices}
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
            self._all.append(Muon(matrices.values(), lr=muon_rate, weight_decay=config.weight_decay))
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

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yields what they remember of each parameter, named ``PARAMETER.KEY``."""
        names = {id(parameter): name for name, parameter in self._model.named_parameters()}
        for optimizer in self._all:
            for parameter, state in optimizer.state.items():
                yield from ((f"{names[id(parameter)]}.{key}", value) for key, value in state.items())

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Remembers what those of the same model and settings yielded.

        Args:
            tensors: By the names that they were yielded with.

        Raises:
            ValueError: They were not yielded of optimizers like these.
        """
        states: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            parameter, _, key = name.rpartition(".")
            states.setdefault(parameter, {})[key] = tensor
        weights = dict(self._model.named_parameters())
        names = {parameter: name for name, parameter in weights.items()}
        for optimizer in self._all:
            description = optimizer.state_dict()
            parameters = [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]
            # torch puts each tensor where and into the type that the optimizer needs.
            description["state"] = {index: states[name] for index, name in enumerate(parameters) if name in states}
            for index, state in description["state"].items():
                _check_remembered(parameters[index], state, optimizer, weights[parameters[index]])
            optimizer.load_state_dict(description)


def learning_rate_factor(schedule: Schedule, progress: float, cooldown_fraction: float) -> float:
    """Returns what the learning rate is multiplied with when a share ``progress`` of the run is done.

    Args:
        schedule: ``linear`` falls in a straight line to zero, ``cosine`` along half a wave, ``constant`` not at all,
            and ``trapezoid`` in a straight line at the end of the run.
        progress: 0 at the first step after the warm-up, 1 after the last.
        cooldown_fraction: The share of the run in which a trapezoid falls.

    Example:
        >>> [learning_rate_factor("trapezoid", progress, 0.5) for progress in (0, 0.5, 0.75, 1)]
        [1.0, 1.0, 0.5, 0.0]
    """
    left = max(0.0, 1 - progress)
    match schedule:
        case "linear":
            return left
        case "cosine":
            return (1 - math.cos(math.pi * left)) / 2
        case "constant":
            return 1.0
        case "trapezoid":
            return min(1.0, left / cooldown_fraction)


class WeightAverage:
    """The exponential moving average of a model's weights (Polyak and Juditsky, 1992), often better than the last ones.

    Early on the average forgets faster, so that it does not hold on to the first weights: after ``t`` steps it keeps
    ``min(decay, (1 + t) / (10 + t))`` of itself.

    Args:
        model: Its weights as they are now are the first average.
        decay: How much of the average each step keeps, above 0 and below 1.

    Attributes:
        tensors: The averages, by the names of the parameters.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model = model
        self._decay = decay
        self.tensors = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Goes on from other averages.

        Raises:
            ValueError: They are not of weights like these.
        """
        for name, average in self.tensors.items():
            if name not in tensors:
                raise ValueError(f"there is no average of {name!a}")
            _check_alike(name, tensors[name], average)
            average.copy_(tensors[name])

    def update(self, step: int) -> None:
        """Takes in the weights after one more step, ``step`` steps having been done before."""
        keep = min(self._decay, (1 + step) / (10 + step))
        averages: list[Tensor] = list(self.tensors.values())
        get_ema_multi_avg_fn(keep)(averages, [parameter.detach() for parameter in self._model.parameters()], step)

    @torch.no_grad()
    def swap(self) -> None:
        """Puts the averages into the model and keeps its own weights here; a second call undoes it."""
        for name, parameter in self._model.named_parameters():
            kept = parameter.clone()
            parameter.copy_(self.tensors[name])
            self.tensors[name].copy_(kept)


def _check_remembered(name: str, state: dict[str, Tensor], optimizer: Optimizer, weight: Tensor) -> None:
    keys = REMEMBERED[type(optimizer).__name__]
    if state.keys() != keys:
        raise ValueError(f"an optimizer remembers {sorted(state)!a} of {name!a}, and not {sorted(keys)}")
    for key in keys - {"step"}:
        _check_alike(f"{name}.{key}", state[key], weight)
    if "step" in keys and (state["step"].ndim or not state["step"] >= 0):
        raise ValueError(f"an optimizer has done {state['step']} steps on {name!a}")


def _check_alike(name: str, tensor: Tensor, weight: Tensor) -> None:
    if tensor.shape != weight.shape or tensor.dtype != weight.dtype:
        raise ValueError(
            f"{name!a} is of type {tensor.dtype} and shape {tuple(tensor.shape)}, "
            f"not {weight.dtype} and {tuple(weight.shape)}"
        )


def _linear_weights(model: LanguageModel) -> dict[str, Tensor]:
    return {
        f"{name}.weight" if name else "weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    }


def _hashed_tables(model: LanguageModel) -> list[str]:
    return [f"{name}.weight" for name, module in model.named_modules() if isinstance(module, HashedEmbedding)]
