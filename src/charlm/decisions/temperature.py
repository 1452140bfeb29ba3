"""A temperature that makes differences of log-likelihoods into probabilities that hold.

The characters of a text depend on each other, and a model that has not learned how counts the same evidence again and
again: differences of log-likelihoods grow too fast with the length of the text. Guo et al. (2017), "On calibration of
modern neural networks", divide them by one temperature; here it is a power of the length:

    P(label | text) is proportional to prior(label) P(text | label)^(1 / T),  T = scale * length^power
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from charlm.models.predictor import log_softmax
from charlm.models.smoothing.lbfgs import minimize
from chartok.arguments import finite_number, number_from_zero, positive_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

USUAL_SCALE, USUAL_POWER = 0.8, 0.35
"""Between those that suit two kinds of text in 17 languages: see ``benchmarks/telling_languages.py``."""
USUAL = np.array([np.log(USUAL_SCALE), USUAL_POWER])
SPREAD = np.array([0.5, 0.15])
"""How far from the usual log scale and power they are expected to be: a few texts do not move them further."""
TINY = 1e-300
MOST_STEPS, TOLERANCE = 100, 1e-10
SPREAD_OF_LIKELIHOODS = 1e4
"""In nats; further below the highest, log-likelihoods make no difference, minus infinity included."""


@dataclass(frozen=True)
class Temperature:
    """What log-likelihoods are divided by, as a function of the length of the text.

    Attributes:
        scale: The temperature of a text of one character, above 0.
        power: How it grows with the length, from 0, where all texts have the same, to 1.

    Raises:
        ValueError: One is out of range.
        TypeError: One is not a number.

    Example:
        >>> Temperature(1.0, 0.5).of(np.array([0, 1, 100]))
        array([ 1.,  1., 10.])
    """

    scale: float = USUAL_SCALE
    power: float = USUAL_POWER

    def __post_init__(self) -> None:
        positive_number("scale", self.scale)
        if number_from_zero("power", finite_number("power", self.power)) > 1:
            raise ValueError(f"power must be at most 1, got {self.power}")

    def of(self, lengths: NDArray[np.integer]) -> NDArray[np.float64]:
        """Returns the temperature of texts of these lengths in characters, float64 ``(N,)``."""
        temperatures: NDArray[np.float64] = self.scale * np.maximum(lengths, 1.0) ** self.power
        return temperatures

    def log_probabilities(
        self, log_likelihoods: NDArray[np.float64], lengths: NDArray[np.integer], log_priors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Returns the logarithms of the probabilities of labels.

        Args:
            log_likelihoods: Those of texts under the models of labels, ``(N, labels)``.
            lengths: The lengths of the texts in characters, ``(N,)``.
            log_priors: The logarithms of the probabilities of labels before a text is seen, ``(labels,)``.

        Returns:
            float64 ``(N, labels)``, in nats; those of the priors for a text that is impossible under all models.
        """
        evidence = _bounded(log_likelihoods) / self.of(lengths)[:, None]
        return log_softmax(evidence + log_priors).astype(np.float64, copy=False)

    @classmethod
    def fit(
        cls,
        log_likelihoods: NDArray[np.float64],
        lengths: NDArray[np.integer],
        log_priors: NDArray[np.float64],
        labels: NDArray[np.integer],
        weights: NDArray[np.float64] | None = None,
        *,
        share_of_wrong_labels: float = 0.0,
    ) -> Self:
        """Returns the temperature with which texts get their labels with the lowest log loss.

        It starts from the usual one, which a few texts hardly change.

        Args:
            log_likelihoods: Those of held-out texts, ``(N, labels)``.
            lengths: As for ``log_probabilities``.
            log_priors: Likewise.
            labels: The column of the label of each text, ``(N,)``.
            weights: How much each text counts, ``(N,)``; by default each counts as one.
            share_of_wrong_labels: For which share of texts the label says nothing: that of a text that is in another
                language than the rest, of a name or an address. Without it, a few of them determine the temperature.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> logits = rng.normal(size=(20_000, 3)) * 4
            >>> labels = (logits / 2 + rng.gumbel(size=logits.shape)).argmax(axis=1)
            >>> found = Temperature.fit(logits, np.full(20_000, 9), np.zeros(3), labels)
            >>> found.of(np.array([9])).round(1)
            array([2.])
        """
        counted = np.ones(len(labels)) if weights is None else weights
        loss = _loss(log_likelihoods, lengths, log_priors, labels, counted, share_of_wrong_labels)
        point = minimize(loss, USUAL, max_steps=MOST_STEPS, tolerance=TOLERANCE)
        power = min(max(float(point[1]), 0.0), 1.0)
        if power != point[1]:

            def loss_at_bound(log_scale: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
                value, slopes = loss(np.array([log_scale[0], power]))
                return value, slopes[:1]

            point = minimize(loss_at_bound, point[:1], max_steps=MOST_STEPS, tolerance=TOLERANCE)
        return cls(float(np.exp(point[0])), power)


def _loss(
    log_likelihoods: NDArray[np.float64],
    lengths: NDArray[np.integer],
    log_priors: NDArray[np.float64],
    labels: NDArray[np.integer],
    counted: NDArray[np.float64],
    share_of_wrong_labels: float,
) -> Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    """Returns the log loss of texts, with that of the usual temperature, and its gradient, by log scale and power."""
    evidence, log_lengths = _bounded(log_likelihoods), np.log(np.maximum(lengths, 1.0))
    log_wrong = np.log(max(share_of_wrong_labels, TINY) / len(log_priors))
    log_right = np.log1p(-share_of_wrong_labels)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shrunk = evidence * np.exp(-point[0] - point[1] * log_lengths)[:, None]
        log_probabilities = log_softmax(shrunk + log_priors)
        of_labels = np.take_along_axis(log_probabilities, labels[:, None], axis=1)[:, 0]
        of_right = log_right + np.maximum(of_labels, -SPREAD_OF_LIKELIHOODS)  # bounded where the prior is 0
        of_texts = np.logaddexp(of_right, log_wrong)
        expected = np.sum(np.exp(log_probabilities) * shrunk, axis=1)
        slopes = np.take_along_axis(shrunk, labels[:, None], axis=1)[:, 0] - expected
        slopes *= counted * np.exp(of_right - of_texts)
        apart = (point - USUAL) / SPREAD
        value = float(-of_texts @ counted + apart @ apart / 2)
        return value, np.array([slopes.sum(), slopes @ log_lengths]) + apart / SPREAD

    return loss


def _bounded(log_likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns log-likelihoods less the highest of each text, none of them infinite; 0 where all are impossible."""
    highest = log_likelihoods.max(axis=1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        below = np.where(np.isinf(highest), 0.0, log_likelihoods - highest)
    bounded: NDArray[np.float64] = np.maximum(below, -SPREAD_OF_LIKELIHOODS)
    return bounded
