"""Tunes the constants of learned back-off on held-out ids, and finds the order that predicts these best."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.models.counting.counts import NGramCounts
from charlm.models.smoothing.inner_products import along
from charlm.models.smoothing.kneser_ney import adjusted_counts
from charlm.models.smoothing.lbfgs import minimize
from charlm.models.smoothing.learned import Estimate, Siblings, gradients, smoothed
from charlm.models.smoothing.shipped import shipped_constants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from charlm.models.smoothing.held_out import HeldOut

    Floats = NDArray[np.float64]

SHRINKAGE = 300.0
"""What a squared change of a constant must gain, in nats over all held-out ids."""
MAX_STEPS = 40
TOLERANCE = 1e-5
"""In nats per id."""
LEAST_GAIN = 0.001
"""How much better than a lower order a higher one must be, in nats per id: it makes the model larger."""


class Level(NamedTuple):
    """The n-grams of one length that follow the contexts of held-out ids in the rest of the texts.

    Attributes:
        parents: The context of each, ascending, int64 ``(N,)``.
        adjusted: The adjusted count of each.
        counts: The count of each.
        lower: The place of each without its first id in the level below.
        found: How many held-out ids end each, float64 ``(N,)``.
        longest: How many of these end no longer one.
        missed: How many held-out ids follow each context, of which the rest of the texts does not know it, ``(M,)``.
    """

    parents: NDArray[np.int64]
    adjusted: NDArray[np.int64]
    counts: NDArray[np.int64]
    lower: NDArray[np.int64]
    found: Floats
    longest: Floats
    missed: Floats

    def log_likelihood(self, estimate: Estimate, *, is_highest: bool = False) -> float:
        """Returns what the level adds to the log-likelihood of the held-out ids."""
        used = self.found if is_highest else self.longest
        return float(along(used, estimate.log_probabilities) + along(self.missed, estimate.log_backoffs))


class Tuning:
    """The loss of held-out ids as a function of the constants, given the counts of the other ids.

    The loss depends only on the n-grams that follow the contexts of held-out ids, and the sum of the logarithms of
    probabilities only on how often each probability and each backoff weight is used.

    Args:
        counts: The counts of all texts, with the held-out ids.
        suffixes: What ``suffix_nodes`` returns for them.
        held_out: The ids.
        context_only: The ids that are never predicted.
    """

    def __init__(
        self, counts: NGramCounts, suffixes: NDArray[np.int64], held_out: HeldOut, context_only: Sequence[int]
    ) -> None:
        self._outcomes = counts.vocab_size - len(context_only)
        is_target = held_out.is_held & ~np.isin(held_out.ids, context_only)
        self._weight = float(held_out.weights[is_target].sum())
        ends = ending_nodes(counts, held_out.ids)
        rest = _without(counts, ends, held_out)
        adjusted = adjusted_counts(rest, suffixes, context_only)
        adjusted[rest.counts == 0] = 0
        self._grouped: dict[tuple[int, bool], Siblings] = {}
        self._levels = list(
            _levels(rest, adjusted, suffixes, ends, np.flatnonzero(is_target), held_out.weights[is_target])
        )

    def losses(self) -> list[float]:
        """Returns the loss of each order from 1 on with the constants that come with the library, in nats per id."""
        losses: list[float] = []
        log_likelihood, log_lower = 0.0, self._log_uniform()
        for order, level in enumerate(self._levels, 1):
            if losses:
                log_lower = log_lower[level.lower]
            highest = smoothed(self._siblings(order - 1, is_highest=True), shipped_constants(order)[-1], log_lower)
            losses.append(-(log_likelihood + level.log_likelihood(highest, is_highest=True)) / self._weight)
            estimate = smoothed(
                self._siblings(order - 1, is_highest=False), shipped_constants(order + 1)[order - 1], log_lower
            )
            log_likelihood += level.log_likelihood(estimate)
            log_lower = estimate.log_probabilities
        return losses

    def best_order(self) -> int:
        """Returns the lowest order that is about as good as any."""
        losses = self.losses()
        return next(order for order, loss in enumerate(losses, 1) if loss <= min(losses) + LEAST_GAIN)

    def tuned(self, order: int) -> Floats:
        """Returns the constants that predict the held-out ids best, float64 ``(order, 23)``.

        They stay near those that come with the library, the nearer the fewer ids there are.

        Args:
            order: The highest order of the model.
        """
        shipped = shipped_constants(order)

        def function(point: Floats) -> tuple[float, Floats]:
            change = point.reshape(shipped.shape) - shipped
            loss, gradient = self.loss(shipped + change)
            penalty = SHRINKAGE / self._weight * change
            return loss + float((penalty * change).sum()), (gradient + 2 * penalty).ravel()

        return minimize(function, shipped.ravel(), max_steps=MAX_STEPS, tolerance=TOLERANCE).reshape(shipped.shape)

    def loss(self, constants: Floats) -> tuple[float, Floats]:
        """Returns the loss of a model, and its derivatives by the constants.

        Args:
            constants: Those of each order, float64 ``(order, 23)``.

        Returns:
            The loss in nats per id, and float64 ``(order, 23)``.
        """
        highest = len(constants) - 1
        levels = self._levels[: len(constants)]
        siblings = [self._siblings(place, is_highest=place == highest) for place in range(len(levels))]
        estimates: list[Estimate] = []
        loss, log_lower = 0.0, self._log_uniform()
        for place, level in enumerate(levels):
            if estimates:
                log_lower = estimates[-1].log_probabilities[level.lower]
            estimates.append(smoothed(siblings[place], constants[place], log_lower))
            loss -= level.log_likelihood(estimates[-1], is_highest=place == highest)
        gradient = np.zeros_like(constants)
        by_longer: Floats | float = 0.0
        for place, level in reversed(list(enumerate(levels))):
            used = level.found if place == highest else level.longest
            gradient[place], by_lower = gradients(
                siblings[place], constants[place], estimates[place], by_longer - used, -level.missed
            )
            if place:
                by_longer = _sums(level.lower, by_lower, len(levels[place - 1].parents))
        return loss / self._weight, gradient / self._weight

    def _siblings(self, place: int, *, is_highest: bool) -> Siblings:
        """Returns the n-grams of a level by context; those of the highest order have counts that are not adjusted."""
        if (place, is_highest) not in self._grouped:
            level = self._levels[place]
            adjusted = level.counts if is_highest else level.adjusted
            self._grouped[place, is_highest] = Siblings.of(level.parents, adjusted, level.counts)
        return self._grouped[place, is_highest]

    def _log_uniform(self) -> Floats:
        return np.full(len(self._levels[0].parents), -np.log(self._outcomes))


def ending_nodes(counts: NGramCounts, ids: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Returns the nodes of the n-grams of each length that end at each id, int64 ``(N,)``; 0 where there is none.

    Args:
        counts: The n-grams.
        ids: Ids of texts, with a negative number after each text, ``(N,)``.
    """
    ends = []
    nodes = np.zeros(len(ids), dtype=np.int64)  # of what precedes each id
    for start, stop in pairwise(counts.levels):
        wanted = nodes * counts.vocab_size + ids
        keys = counts.keys[start:stop]
        places = np.minimum(np.searchsorted(keys, wanted), max(stop - start - 1, 0))
        is_found = (ids >= 0) & (nodes >= (start > 0))
        is_found[is_found] = keys[places[is_found]] == wanted[is_found]
        ends.append(np.where(is_found, start + places + 1, 0))
        nodes = np.concatenate([[-1], np.where(is_found, ends[-1], -1)[:-1]])
    return ends


def _without(counts: NGramCounts, ends: list[NDArray[np.int64]], held_out: HeldOut) -> NGramCounts:
    """Returns the counts of the other ids, of which some are 0."""
    left = counts.counts.copy()
    for nodes in ends:
        taken = np.bincount(nodes[held_out.is_held], held_out.weights[held_out.is_held], len(left) + 1)
        left -= taken[1:].astype(np.int64)
    return NGramCounts(vocab_size=counts.vocab_size, order=counts.order, keys=counts.keys, counts=left)


def _levels(
    rest: NGramCounts,
    adjusted: NDArray[np.int64],
    suffixes: NDArray[np.int64],
    ends: list[NDArray[np.int64]],
    targets: NDArray[np.int64],
    weights: NDArray[np.int64],
) -> Iterator[Level]:
    """Yields the n-grams of each length that follow contexts of targets, as long as there are any.

    Args:
        rest: The counts of the ids that are not held out.
        adjusted: The adjusted counts; 0 for n-grams that do not occur in them or are never predicted.
        suffixes: What ``suffix_nodes`` returns.
        ends: What ``ending_nodes`` returns for the ids.
        targets: The places of the targets among the ids.
        weights: How many times each target counts.
    """
    is_known = np.concatenate([[False], adjusted > 0])
    endings = [nodes[targets] for nodes in ends]
    rows = np.zeros(len(is_known), dtype=np.int64)  # of nodes, each within its level
    contexts = np.zeros(len(targets), dtype=np.int64)
    for order, (start, stop) in enumerate(pairwise(rest.levels), 1):
        has_targets = np.zeros(start + 1, dtype=bool)
        has_targets[contexts[contexts >= 0]] = True
        nodes = (
            start
            + 1
            + np.flatnonzero(has_targets[rest.keys[start:stop] // rest.vocab_size] & is_known[start + 1 : stop + 1])
        )
        if not len(nodes):
            return
        lower = rows[suffixes[nodes]]
        rows[nodes] = np.arange(len(nodes))
        parents, owners = np.unique(rest.keys[nodes - 1] // rest.vocab_size, return_inverse=True)
        context_rows = np.full(start + 1, -1)
        context_rows[parents] = np.arange(len(parents))
        found = is_known[endings[order - 1]]
        longer = is_known[endings[order]] if order < rest.order else np.zeros_like(found)
        missing_in = np.where(found | (contexts < 0), -1, context_rows[contexts])

        def used(rows: NDArray[np.int64], is_used: NDArray[np.bool_], size: int) -> Floats:
            return _sums(rows[is_used], weights[is_used], size)

        ending_rows = rows[endings[order - 1]]
        yield Level(
            parents=owners,
            adjusted=adjusted[nodes - 1],
            counts=rest.counts[nodes - 1],
            lower=lower,
            found=used(ending_rows, found, len(nodes)),
            longest=used(ending_rows, found & ~longer, len(nodes)),
            missed=used(missing_in, missing_in >= 0, len(parents)),
        )
        before = np.where(targets > 0, ends[order - 1][targets - 1], 0)
        contexts = np.where(before > 0, before, -1)


def _sums(places: NDArray[np.int64], values: NDArray[Any], size: int) -> Floats:
    """Returns the sum of the values at each place, ``(size,)``."""
    return np.bincount(places, weights=values, minlength=size).astype(np.float64, copy=False)
