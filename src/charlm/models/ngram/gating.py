r"""The weights of models in a mixture, in each context: found on held-out text.

The weight of model i in a context h is the softmax over the models of

    s_i(h) = a_i + sum of b_ik over 1 <= k <= l_i(h) + c_i ln gamma_i(h)

with l_i(h) the length of the longest suffix of h that the model knows, and gamma_i(h) the backoff weight of that
suffix, which is small where the model has seen much of what follows. With b and c zero the weights are the same
everywhere; those a_i are found by the EM algorithm (Dempster, Laird and Rubin, 1977), and from there all constants by
gradient descent on the held-out loss plus a multiple of the squares of their changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from charlm.models.smoothing.inner_products import along, weighted
from charlm.models.smoothing.lbfgs import minimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.models.ngram.table import NGramTable
    from charlm.models.smoothing.choices import Weights

    Floats = NDArray[np.float64]

SHRINKAGE = 1.0
"""What a squared change of a constant must gain, in nats over all held-out ids."""
MAX_STEPS = 200
TOLERANCE = 1e-6
"""In nats per id."""
LEAST_WEIGHT = 1e-6
"""Of a model that is of no use, so that it has a logarithm."""


class Known(NamedTuple):
    """What a model knows of contexts.

    Attributes:
        lengths: The length of the longest suffix of each that the model stores, int64 ``(M,)``.
        log_backoffs: ln of the backoff weight of that suffix, float64 ``(M,)``.
    """

    lengths: NDArray[np.int64]
    log_backoffs: Floats


class HeldOutScores(NamedTuple):
    """What several models say of held-out ids.

    Attributes:
        probabilities: The probability of each id under each model, float64 ``(models, T)``.
        known: What each model knows of the contexts of the ids.
        times: How many times each id counts, float64 ``(T,)``.
    """

    probabilities: Floats
    known: list[Known]
    times: Floats

    @classmethod
    def of(
        cls,
        models: Sequence[NGramTable],
        ids: NDArray[np.integer[Any]],
        lengths: NDArray[np.int64],
        times: NDArray[np.int64] | None,
    ) -> Self:
        """Returns the scores of texts.

        Args:
            models: The models, over the same ids.
            ids: The ids of all texts, concatenated; the first of each is context alone.
            lengths: The number of ids in each, int64 ``(N,)``.
            times: How many times each text counts, int64 ``(N,)``; None counts each once.
        """
        is_context = np.ones(len(ids), dtype=bool)
        is_context[np.cumsum(lengths)[lengths > 0] - 1] = False
        known = []
        for model in models:
            nodes = model.search.contexts(ids, lengths)[is_context]
            known.append(Known(model.search.lengths(nodes), model.backoff_table().log_backoffs[nodes]))
        each = np.ones(len(lengths)) if times is None else times.astype(np.float64)
        probabilities = np.exp([model.scores(ids, lengths) for model in models])
        return cls(probabilities, known, np.repeat(each, np.maximum(lengths - 1, 0)))

    def chosen(self, is_chosen: NDArray[np.bool_]) -> HeldOutScores:
        """Returns those of some of the ids."""
        known = [Known(own.lengths[is_chosen], own.log_backoffs[is_chosen]) for own in self.known]
        return HeldOutScores(self.probabilities[:, is_chosen], known, self.times[is_chosen])


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate:
    """The weights of models in contexts.

    Attributes:
        static: ln of the weight of each model regardless of the context, float64 ``(models,)``.
        constants: The constants b and c of each model, float64 ``(order,)`` each.
    """

    static: Floats
    constants: tuple[Floats, ...]

    @classmethod
    def fitted(cls, scores: HeldOutScores, orders: Sequence[int], weights: Weights) -> Self:
        """Returns the gate with which held-out ids have the highest likelihood.

        Args:
            scores: What the models say of the ids.
            orders: The order of each model.
            weights: Whether they depend on the context.
        """
        static = cls(static=_static(scores), constants=tuple(np.zeros(order) for order in orders))
        if weights == "static":
            return static
        features = [_features(own, order) for own, order in zip(scores.known, orders, strict=True)]
        cuts = np.cumsum([1, *orders])[1:] - 1  # of the constants of each model, b and c, after all a
        models, total = len(orders), float(scores.times.sum())

        def split(point: Floats) -> tuple[Floats, list[Floats]]:
            return static.static + point[:models], np.split(point[models:], cuts[:-1])

        def loss(point: Floats) -> tuple[float, Floats]:
            gates = _softmax(*split(point), features)
            joint = gates * scores.probabilities
            mixed = joint.sum(axis=0)
            of_models = scores.times * (joint / mixed - gates)
            slopes = [along(own, of_model) for own, of_model in zip(features, of_models, strict=True)]
            value = -float(along(scores.times, np.log(mixed))) + SHRINKAGE * float(point @ point)
            gradient = 2 * SHRINKAGE * point - np.concatenate([of_models.sum(axis=1), *slopes])
            return value / total, gradient / total

        start = np.zeros(models + sum(orders))
        a, rest = split(minimize(loss, start, max_steps=MAX_STEPS, tolerance=TOLERANCE))
        return cls(static=a, constants=tuple(rest))

    def __call__(self, known: Sequence[Known]) -> Floats:
        """Returns the weights of the models in contexts, float64 ``(models, M)``, from what each knows of them."""
        features = [_features(own, len(constants)) for own, constants in zip(known, self.constants, strict=True)]
        return _softmax(self.static, self.constants, features)


def _static(scores: HeldOutScores) -> Floats:
    """Returns the logarithms of the weights that are best everywhere, by EM."""
    share = scores.times / scores.times.sum()
    weights: Floats = np.full(len(scores.probabilities), 1 / len(scores.probabilities))
    before = -np.inf
    for _ in range(MAX_STEPS):
        joint = weights[:, None] * scores.probabilities
        mixed = joint.sum(axis=0)
        value = float(along(share, np.log(mixed)))
        if value - before < TOLERANCE:
            break
        weights, before = along(joint / mixed, share), value
    logarithms: Floats = np.log(np.maximum(weights, LEAST_WEIGHT))
    return logarithms


def _features(known: Known, order: int) -> Floats:
    """Returns what the constants b and c of a model are multiplied by, ``(order, M)``."""
    return np.array([*(known.lengths >= length for length in range(1, order)), known.log_backoffs], dtype=np.float64)


def _softmax(static: Floats, constants: Sequence[Floats], features: Sequence[Floats]) -> Floats:
    by_context = [weighted(own, of) for own, of in zip(constants, features, strict=True)]
    scores: Floats = np.add(by_context, static[:, None])
    scores -= scores.max(axis=0)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=0)
    return scores
