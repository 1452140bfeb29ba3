"""What reshapes or cuts a distribution that is given by logits, before an id is drawn from it.

Every function takes logits of any shape ``(..., V)`` and any floating-point dtype and returns new ones of that shape
and dtype, minus infinity for each id that it excludes. An id that is excluded already stays so. Half precision is
computed with in float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor
from torch.nn import functional

from chartok.arguments import finite_number, number_from_zero, positive_integer, positive_number


class SamplingKeywords(TypedDict, total=False):
    """The parameters of ``SamplingSettings``, for the functions that take them as keywords."""

    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    repetition_penalty: float | None


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How ids are chosen, checked when made; None leaves a step out.

    Attributes:
        temperature: See ``scale_by_temperature``.
        top_k: See ``keep_top_k``.
        top_p: See ``keep_top_p``.
        min_p: See ``keep_min_p``.
        repetition_penalty: See ``penalize_repetition``.

    Raises:
        TypeError: One is not a number.
        ValueError: One is out of its range.

    Example:
        >>> settings = SamplingSettings(top_k=2, repetition_penalty=2)
        >>> seen = torch.tensor([True, False, False])
        >>> settings.applied_to(torch.tensor([0.5, 0.3, 0.2]).log(), seen).softmax(-1)
        tensor([0.4545, 0.5455, 0.0000])
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None

    def __post_init__(self) -> None:
        number_from_zero("temperature", self.temperature)
        if self.top_k is not None:
            positive_integer("top_k", self.top_k)
        if self.top_p is not None:
            _check_top_p("top_p", self.top_p)
        if self.min_p is not None:
            _check_min_p("min_p", self.min_p)
        if self.repetition_penalty is not None:
            positive_number("repetition_penalty", self.repetition_penalty)

    def applied_to(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """Returns logits after each step that is set: penalty, temperature, top-k, top-p, min-p, in that order.

        Args:
            logits: ``(..., V)``.
            seen: Of each id, whether it has come before, bool ``(..., V)``; needed for a penalty alone.
        """
        if self.repetition_penalty is not None and seen is not None:
            logits = penalize_repetition(logits, seen, self.repetition_penalty)
        logits = scale_by_temperature(logits, self.temperature)
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = keep_top_p(logits, self.top_p)
        return logits if self.min_p is None else keep_min_p(logits, self.min_p)


def scale_by_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Returns ``(logits - max) / temperature``; the logits as they are for 1.

    Args:
        logits: ``(..., V)``.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 keeps the likeliest id alone, of several
            equal ones the first.

    Raises:
        TypeError: The temperature is not a number.
        ValueError: It is negative, infinite or NaN.

    Example:
        >>> scale_by_temperature(torch.tensor([0.2, 0.8]).log(), 0.5).softmax(-1)
        tensor([0.0588, 0.9412])
    """
    number_from_zero("temperature", temperature)
    if temperature == 1:
        return logits
    if temperature == 0:
        return keep_top_k(logits, 1)
    # Subtracting the maximum first keeps a tiny temperature from turning the likeliest into infinity.
    return (_below_likeliest(logits) / _within_range(temperature, logits)).to(logits.dtype)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Returns logits of the ``k`` likeliest ids; of equally likely ones the lower ids stay.

    Args:
        logits: ``(..., V)``.
        k: How many; more than there are keeps them all.

    Raises:
        TypeError: ``k`` is not an integer.
        ValueError: It is below 1.

    Example:
        >>> keep_top_k(torch.tensor([1.0, 3.0, 2.0, 3.0, 2.0]), 3)
        tensor([-inf, 3., 2., 3., -inf])
    """
    positive_integer("k", k)
    ids = logits.sort(dim=-1, descending=True, stable=True).indices[..., :k]
    return torch.full_like(logits, -torch.inf).scatter(-1, ids, logits.gather(-1, ids))


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Returns logits of the fewest likeliest ids whose probabilities sum to ``p`` or more.

    Nucleus sampling (Holtzman et al., 2020). The likeliest id always stays; of equally likely ones the lower ids do.

    Args:
        logits: ``(..., V)``.
        p: What the probabilities must reach, above 0; 1 keeps every id.

    Raises:
        TypeError: ``p`` is not a number.
        ValueError: It is not above 0, or above 1.

    Example:
        >>> keep_top_p(torch.tensor([0.1, 0.5, 0.4]).log(), 0.6).exp()
        tensor([0.0000, 0.5000, 0.4000])
    """
    if _check_top_p("p", p) == 1:
        return logits
    ordered, ids = logits.sort(dim=-1, descending=True, stable=True)
    reached = ordered.softmax(dim=-1, dtype=_precise(logits)).cumsum(dim=-1)
    reached_before = functional.pad(reached[..., :-1], (1, 0))
    kept = ordered.masked_fill(reached_before >= p, -torch.inf)
    return torch.full_like(logits, -torch.inf).scatter(-1, ids, kept)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Returns logits of the ids that are at least ``p`` times as likely as the likeliest.

    Min-p sampling (Nguyen et al., 2024).

    Args:
        logits: ``(..., V)``.
        p: From 0, which keeps every id, to 1, which keeps the likeliest and those equal to it.

    Raises:
        TypeError: ``p`` is not a number.
        ValueError: It is below 0 or above 1.

    Example:
        >>> keep_min_p(torch.tensor([0.1, 0.6, 0.3]).log(), 0.4).exp()
        tensor([0.0000, 0.6000, 0.3000])
    """
    least = math.log(p) if _check_min_p("p", p) else -math.inf
    return logits.masked_fill(_below_likeliest(logits) < least, -torch.inf)


def penalize_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Returns log-probabilities in which those of the ids seen are multiplied by ``penalty``.

    The penalty of CTRL (Keskar et al., 2019, section 4.1), which divides the logit of a seen id. What that does depends
    on where the logits have their zero, which means nothing. Here it is applied to log-probabilities, and the
    probability of a seen id becomes its ``penalty``-th power, before all are made to sum to 1 again. What the model is
    all but sure of is therefore hardly held back.

    Args:
        logits: ``(..., V)``.
        seen: Of each id, whether it has come before, bool ``(..., V)``.
        penalty: Above 1 what was seen becomes less likely, below 1 likelier; 1 changes no probability.

    Raises:
        TypeError: ``penalty`` is not a number, or ``seen`` not bool.
        ValueError: ``penalty`` is not above 0, or not finite.

    Example:
        >>> seen = torch.tensor([True, False, False])
        >>> penalize_repetition(torch.tensor([0.5, 0.3, 0.2]).log(), seen, 2).exp()
        tensor([0.2500, 0.3000, 0.2000])
    """
    positive_number("penalty", penalty)
    if seen.dtype != torch.bool:
        raise TypeError(f"seen must be bool, got {seen.dtype} values")
    log_probabilities = logits.log_softmax(dim=-1, dtype=_precise(logits))
    penalized = torch.where(seen, log_probabilities * _within_range(penalty, logits), log_probabilities)
    return penalized.masked_fill(logits == -torch.inf, -torch.inf).to(logits.dtype)


def _check_top_p(name: str, p: float) -> float:
    if not 0 < finite_number(name, p) <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, got {p}")
    return float(p)


def _check_min_p(name: str, p: float) -> float:
    if not 0 <= finite_number(name, p) <= 1:
        raise ValueError(f"{name} must be from 0 to 1, got {p}")
    return float(p)


def _below_likeliest(logits: Tensor) -> Tensor:
    """Returns the logits minus the highest of their row; minus infinity in a row of nothing else."""
    logits = logits.to(_precise(logits))
    return logits - logits.amax(dim=-1, keepdim=True).clamp(min=torch.finfo(logits.dtype).min)


def _precise(logits: Tensor) -> torch.dtype:
    return torch.promote_types(logits.dtype, torch.float32)


def _within_range(value: float, logits: Tensor) -> float:
    """Returns a number above 0 that is neither 0 nor infinity in the precision of the logits."""
    limits = torch.finfo(_precise(logits))
    return min(max(value, limits.tiny), limits.max)
