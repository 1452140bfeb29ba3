"""The section on whether the model is calibrated: of what it gives 70%, seven in ten should come true."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.report.elements import figure, paragraph, section, table
from charlm.training.curves import Axis, Curve, Ends, chart, legend

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from charlm.report.scored import Scored

BINS = 10
FEWEST = 200
"""How many predictions it takes to tell anything."""


class Reliability(NamedTuple):
    """How often the likeliest symbol came true, by the probability that the model gave it.

    Attributes:
        counts: How many predictions there are in each tenth of the probabilities, int64 ``(10,)``.
        confidences: The mean probability in each, float64 ``(10,)``; 0 where there is none.
        accuracies: How many of them came true, from 0 to 1, float64 ``(10,)``; likewise.
        error: The expected calibration error, from 0 to 1.
    """

    counts: NDArray[np.int64]
    confidences: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    error: float


def reliability_of(confidences: ArrayLike, came_true: ArrayLike) -> Reliability:
    """Returns the reliability of predictions, and their expected calibration error.

    The error is the mean distance between confidence and accuracy, ``sum of n_b / n |acc_b - conf_b|`` over ten bins
    of equal width (Naeini et al., 2015; Guo et al., 2017, "On Calibration of Modern Neural Networks"); the diagram is
    that of DeGroot and Fienberg (1983).

    Args:
        confidences: The probability of the likeliest symbol at each place, from 0 to 1, ``(N,)``, N at least 1.
        came_true: Whether it was the symbol that came, bool ``(N,)``.

    Example:
        >>> found = reliability_of([0.95, 0.95, 0.55, 0.55], [True, True, True, False])
        >>> found.accuracies[[5, 9]].tolist(), round(found.error, 3)
        ([0.5, 1.0], 0.05)
    """
    confidences = np.asarray(confidences, dtype=np.float64)
    bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    shown = np.maximum(counts, 1)
    means = np.bincount(bins, weights=confidences, minlength=BINS) / shown
    hits = np.bincount(bins, weights=np.asarray(came_true, dtype=np.float64), minlength=BINS) / shown
    return Reliability(counts, means, hits, float((counts * np.abs(hits - means)).sum() / len(confidences)))


def reliability(scored: Scored) -> str:
    """Returns the section; nothing for a text that the model has made itself."""
    predictions = [
        (likely[0][1], likely[0][0] == (one.symbols[place] if place < len(one.symbols) else ""))
        for one in scored.texts
        for place, likely in enumerate(one.alternatives)
        if likely
    ]
    if scored.is_own:
        return ""
    if len(predictions) < FEWEST:
        few = f"{len(predictions):,} predictions over {scored.told} are too few to tell: it takes {FEWEST:,}."
        return section("reliability", "Reliability", paragraph(few))
    found = reliability_of(*zip(*predictions, strict=True))
    points = [
        (confidence, accuracy)
        for count, confidence, accuracy in zip(found.counts, found.confidences.tolist(), found.accuracies, strict=True)
        if count
    ]
    curves = [
        Curve(name="perfect", kind="diagonal", points=[(0, 0), (1, 1)], is_guide=True),
        Curve(name="model", kind="validation", points=[(place, float(value)) for place, value in points]),
    ]
    ends = Ends(first=0, last=1, lowest=0, highest=1)
    axis = Axis(label="share that came true")
    drawn = chart("Reliability", curves, axis, across="probability given", ends=ends, is_square=True)
    rows = [
        (f"{10 * place}-{10 * place + 10}%", f"{count:,}", f"{confidence:.1%}", f"{accuracy:.1%}")
        for place, (count, confidence, accuracy) in enumerate(zip(*found[:3], strict=True))
        if count
    ]
    numbers = table("Reliability", rows, ("probability given", "predictions", "mean", "came true"))
    return section(
        "reliability",
        "Reliability",
        "<p>Whether the model is as confident as it should be: how often its most likely symbol came true, by the "
        f"probability that it gave that symbol, over {scored.told}. Below the diagonal it is overconfident, above it "
        f"underconfident. The expected calibration error (Guo et al., 2017) is <strong>{100 * found.error:.1f} "
        f"percentage points</strong> over {len(predictions):,} predictions.</p>"
        f"{figure(drawn, legend(curves))}"
        f"<details><summary>Show the numbers</summary>{numbers}</details>",
    )
