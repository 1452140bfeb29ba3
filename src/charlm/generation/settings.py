"""The settings of sampling, which need neither NumPy nor PyTorch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from chartok.arguments import check_known, finite_number, instance, number_from_zero, positive_integer, positive_number

if TYPE_CHECKING:
    from typing import Self, Unpack


class SamplingKeywords(TypedDict, total=False):
    """The fields of ``SamplingSettings``, for the functions that take them as keywords."""

    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    repetition_penalty: float | None


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How to sample ids; None skips a step. Accepted by every function that samples.

    ``charlm.generation.sampling`` has a function for each step.

    Attributes:
        temperature: Below 1 makes likely ids more likely, above 1 less; 0 always takes the most likely.
        top_k: Sample from the ``top_k`` most likely ids; a number above V keeps all.
        top_p: Sample from the smallest set of most likely ids whose probabilities sum to ``top_p``; above 0, at most 1.
        min_p: Sample from the ids at least ``min_p`` times as likely as the most likely, from 0 to 1.
        repetition_penalty: The power to which the probability of every id already present is raised, including those in
            the prompt; above 1 reduces repetition.

    Raises:
        TypeError: A setting is not a number.
        ValueError: A setting is out of range.

    Example:
        >>> SamplingSettings(top_k=2).with_keywords(temperature=0.8)
        SamplingSettings(temperature=0.8, top_k=2, top_p=None, min_p=None, repetition_penalty=None)
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
            check_top_p("top_p", self.top_p)
        if self.min_p is not None:
            check_min_p("min_p", self.min_p)
        if self.repetition_penalty is not None:
            positive_number("repetition_penalty", self.repetition_penalty)

    def with_keywords(self, **settings: Unpack[SamplingKeywords]) -> Self:
        """Returns these settings with the given ones replaced.

        Raises:
            TypeError: A setting is unknown, and the nearest is named; or is not a number.
            ValueError: A setting is out of range.
        """
        check_known(settings, SamplingKeywords.__annotations__)
        return dataclasses.replace(self, **settings) if settings else self


def sampling_settings(settings: SamplingSettings | None, **sampling: Unpack[SamplingKeywords]) -> SamplingSettings:
    """Returns the settings given, by default those of the class, with those given as keywords replaced.

    Raises:
        TypeError: ``settings`` is not a ``SamplingSettings``; or as for its ``with_keywords``.
        ValueError: A setting is out of range.
    """
    given = SamplingSettings() if settings is None else instance("settings", settings, SamplingSettings)
    return given.with_keywords(**sampling)


def check_top_p(name: str, p: float) -> float:
    """Returns ``p`` as a number above 0 and at most 1.

    Raises:
        TypeError: It is not a number.
        ValueError: It is out of that range.
    """
    if not 0 < finite_number(name, p) <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, got {p}")
    return float(p)


def check_min_p(name: str, p: float) -> float:
    """Returns ``p`` as a number from 0 to 1.

    Raises:
        TypeError: It is not a number.
        ValueError: It is out of that range.
    """
    if not 0 <= finite_number(name, p) <= 1:
        raise ValueError(f"{name} must be from 0 to 1, got {p}")
    return float(p)
