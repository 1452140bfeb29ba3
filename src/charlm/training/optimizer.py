"""What the optimizers have in common: parameters in groups, and what is remembered of each.

They are not subclasses of ``torch.optim.Optimizer``, whose first instance loads PyTorch's compiler, which takes
seconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.adamw import adamw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor


class Optimizer(ABC):
    """Updates parameters by their gradients.

    ``torch.amp.GradScaler`` accepts it just like PyTorch's own.

    Attributes:
        param_groups: Parameters that have the same settings, under ``params``, and the settings.
        state: What is remembered of each parameter after its first step.

    Args:
        groups: The groups, with their settings.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        self.param_groups: list[dict[str, Any]] = list(groups)
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    @abstractmethod
    def step(self) -> None:
        """Updates every parameter that has a gradient."""

    def zero_grad(self) -> None:
        """Removes the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def load(self, state: dict[Tensor, dict[str, Tensor]]) -> None:
        """Restores what was remembered, with each tensor on the device of its parameter.

        Args:
            state: What ``state`` was.
        """
        self.state = {
            parameter: {key: self._like(parameter, key, value) for key, value in remembered.items()}
            for parameter, remembered in state.items()
        }

    def _like(self, parameter: Tensor, key: str, value: Tensor) -> Tensor:  # noqa: ARG002 - AdamW asks which it is
        return value.detach().clone().to(parameter.device, parameter.dtype)


class AdamW(Optimizer):
    """Updates each parameter by its gradient, scaled by how large it usually is (Loshchilov and Hutter, 2019).

    The computation is that of ``torch.optim.AdamW``, to the bit.

    Args:
        groups: The groups, each with its ``lr`` and ``weight_decay``.
        betas: How much of the averages of the gradient and of its square is kept at each step.
        fused: Whether to compute a step in one kernel.

    Example:
        >>> weights = torch.nn.Parameter(torch.zeros(2))
        >>> weights.grad = torch.tensor([4.0, -0.1])
        >>> AdamW([{"params": [weights], "lr": 0.5, "weight_decay": 0.0}], betas=(0.9, 0.99), fused=False).step()
        >>> weights.data.round(decimals=3)
        tensor([-0.5000,  0.5000])
    """

    grad_scale: Tensor
    found_inf: Tensor

    def __init__(self, groups: Iterable[dict[str, Any]], *, betas: tuple[float, float], fused: bool) -> None:
        super().__init__(groups)
        self._betas = betas
        self._fused = fused
        self._step_supports_amp_scaling = fused
        """Tells ``torch.amp.GradScaler`` that ``step`` takes ``grad_scale`` and ``found_inf`` from here."""

    @torch.no_grad()
    def step(self) -> None:
        """Updates every parameter that has a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            states = [self._state_of(parameter) for parameter in parameters]
            adamw(
                parameters,
                [parameter.grad for parameter in parameters],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=self._fused,
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                amsgrad=False,
                beta1=self._betas[0],
                beta2=self._betas[1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=1e-8,
                maximize=False,
            )

    def _like(self, parameter: Tensor, key: str, value: Tensor) -> Tensor:
        if key == "step":
            return value.detach().clone().to(self._device_of_steps(parameter), torch.float32)
        return super()._like(parameter, key, value)

    def _device_of_steps(self, parameter: Tensor) -> torch.device:
        return parameter.device if self._fused else torch.device("cpu")

    def _state_of(self, parameter: Tensor) -> dict[str, Tensor]:
        if parameter not in self.state:
            self.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=self._device_of_steps(parameter)),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        return self.state[parameter]
