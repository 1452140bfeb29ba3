"""Unusual texts, as an outlier detector of scikit-learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.decisions.calibration import FEWEST_TEXTS, checked_calibration, texts_needed
from charlm.lm import CharLM
from charlm.sklearn.estimator import TextEstimator, texts_of, texts_to_learn
from charlm.sklearn.scikit_learn import OutlierMixin, check_is_fitted
from chartok.arguments import finite_number, fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.presets import Family

ROOM = 1e-9
"""A p-value that equals the false-alarm rate makes an outlier, whatever rounding does."""


class CharLMOutlierDetector(OutlierMixin, TextEstimator):
    """Finds texts that are unlike those it was fitted to, with a false-alarm rate that holds for texts of any length.

    Some of the texts are held out from the model, and say what usual texts look like: see ``CharLM.calibrate``.

    Args:
        model: The family of the model.
        order: The order of an n-gram model; None chooses it.
        smoothing: How counts become probabilities; None is the default of the family.
        min_count: Characters that occur less often are unknown.
        false_alarm_rate: The share of usual texts that may be called outliers. It takes ``1 / false_alarm_rate - 1``
            texts that are held out, and 20 at least.
        held_out: The share of the texts that are held out.
        settings: Settings of ``CharLM.fit`` that are no parameters here, by name.
        random_state: Draws which texts are held out, and seeds models that are trained, such as ``"gpt"``, unless
            ``settings`` has a ``config``.

    Attributes:
        lm_: The calibrated ``CharLM``.
        offset_: What ``decision_function`` subtracts from ``score_samples``: that of the false-alarm rate at ``fit``.

    Example:
        >>> usual = [f"{hour:02}:{minute:02} backup done" for hour in range(24) for minute in range(60)]
        >>> detector = CharLMOutlierDetector(order=4).fit(usual)
        >>> detector.predict(["07:15 backup done", "07:15 backup dome", "disk not found"]).tolist()
        [1, -1, -1]
    """

    lm_: CharLM
    offset_: float

    def __init__(
        self,
        model: Family = "ngram",
        *,
        order: int | None = None,
        smoothing: Smoothing | float | None = None,
        min_count: int = 1,
        false_alarm_rate: float = 0.01,
        held_out: float = 0.3,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = 0,  # noqa: ANN401 - as in scikit-learn
    ) -> None:
        self.model: Family = model
        self.order = order
        self.smoothing = smoothing
        self.min_count = min_count
        self.false_alarm_rate = false_alarm_rate
        self.held_out = held_out
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Iterable[str], y: object = None) -> Self:
        """Fits the model to some of the texts, calibrates it on the others, and returns the estimator.

        Args:
            X: Usual texts, none of which is empty.
            y: Not used.

        Raises:
            ValueError: There are too few texts for the false-alarm rate; says how many must be held out. Or a parameter
                is out of range; like the other errors of ``CharLM.fit``.
            TypeError: ``X`` is a single ``str``, or an item is not a ``str``.
        """
        del y
        texts = texts_to_learn(X)
        share = fraction("held_out", self.held_out)
        rate = fraction("false_alarm_rate", self.false_alarm_rate)
        needed = max(FEWEST_TEXTS, texts_needed(rate))
        order = np.random.default_rng(self.seed()).permutation(len(texts)).tolist()
        n_held_out = round(share * len(texts))
        if n_held_out < needed:
            raise ValueError(
                f"X must have at least {math.ceil(needed / share)} texts, of which held_out={share:g} gives {needed}, "
                f"as false_alarm_rate={rate:g} takes: got {len(texts)}"
            )
        lm = CharLM.fit([texts[place] for place in order[n_held_out:]], self.model, **self.fit_settings())
        lm.calibrate([texts[place] for place in order[:n_held_out]])
        checked_calibration(lm.calibration).check_rate(rate)
        self.lm_ = lm
        self.offset_ = float(np.log(rate)) + ROOM
        return self

    def score_samples(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Returns the natural logarithm of the p-value of each text, float64 ``(N,)``: the lower, the more unusual.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            TypeError: As for ``fit``.
        """
        check_is_fitted(self)
        found: NDArray[np.float64] = np.log(self.lm_.p_values(texts_of(X)))
        return found

    def decision_function(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Returns ``score_samples`` less ``offset_``, float64 ``(N,)``: negative for outliers; raises what it does."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Iterable[str]) -> NDArray[np.int64]:
        """Returns -1 for outliers and 1 for usual texts, int64 ``(N,)``; raises what ``score_samples`` does."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _fitted(self) -> dict[str, Any]:
        return {"offset": self.offset_}

    def _restore(self, models: list[CharLM], fitted: Mapping[str, Any]) -> None:
        (self.lm_,) = models
        self.offset_ = finite_number("offset", fitted["offset"])
