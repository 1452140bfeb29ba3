"""Learned back-off over dictionaries, by its formula, one probability at a time."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from kneserney_reference import Gram

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


class ReferenceLearned:
    """The probabilities of learned back-off, computed from their definition.

    Args:
        texts: The ids of each text.
        constants: Those of each order, ``(order, 23)``.
        vocab_size: The number of ids.
        context_only: The ids that are never predicted.
        is_counted: Which ids of each text count, each with all n-grams that end in it; None counts all.
    """

    def __init__(
        self,
        texts: list[list[int]],
        constants: NDArray[np.float64],
        *,
        vocab_size: int,
        context_only: Sequence[int] = (),
        is_counted: Sequence[Sequence[bool]] | None = None,
    ) -> None:
        self._constants = constants.tolist()
        self._order = len(self._constants)
        self._outcomes = [token_id for token_id in range(vocab_size) if token_id not in context_only]
        self.counts = Counter[Gram]()
        self._before: dict[Gram, set[object]] = {}
        for text_number, text in enumerate(texts):
            counted = [True] * len(text) if is_counted is None else is_counted[text_number]
            for length in range(1, self._order + 1):
                for start in range(len(text) - length + 1):
                    if counted[start + length - 1]:
                        gram = tuple(text[start : start + length])
                        self.counts[gram] += 1
                        before = text[start - 1] if start else ("start", text_number)
                        self._before.setdefault(gram, set()).add(before)
        self.probability = cache(self._probability)

    def _adjusted(self, gram: Gram) -> int:
        return self.counts[gram] if len(gram) == self._order else len(self._before[gram])

    def _followers(self, context: Gram) -> list[int]:
        return [token_id for token_id in self._outcomes if (*context, token_id) in self.counts]

    def _probability(self, context: Gram, token_id: int) -> float:
        """Returns P(token_id | context), where the context is no longer than the order allows."""
        if not (followers := self._followers(context)):
            return self._lower(context, token_id)
        seen = {follower: self._seen(context, follower, followers) for follower in followers}
        unseen = self._weight(context, followers)
        norm = math.fsum(seen.values()) + unseen * math.fsum(
            self._lower(context, other) for other in self._outcomes if other not in seen
        )
        return (seen[token_id] if token_id in seen else unseen * self._lower(context, token_id)) / norm

    def _lower(self, context: Gram, token_id: int) -> float:
        return self.probability(context[1:], token_id) if context else 1 / len(self._outcomes)

    def _statistics(self, context: Gram, followers: list[int]) -> tuple[float, float, float, list[int], float]:
        adjusted = [self._adjusted((*context, follower)) for follower in followers]
        groups = [sum(a == 1 for a in adjusted), sum(a == 2 for a in adjusted), sum(a > 2 for a in adjusted)]
        counts = sum(self.counts[(*context, follower)] for follower in followers)
        return sum(adjusted), counts, len(followers), groups, max(adjusted)

    def _share(self, context: Gram, followers: list[int]) -> tuple[list[float], float, float]:
        of_order = self._constants[len(context)]
        caps = (0.99, 1.98, 2.97)
        discounts = [cap / (1 + math.exp(-own)) for cap, own in zip(caps, of_order[:3], strict=True)]
        theta = math.exp(of_order[3])
        total, _, _, groups, _ = self._statistics(context, followers)
        share = theta + sum(discount * number for discount, number in zip(discounts, groups, strict=True))
        return discounts, total + theta, share / (total + theta)

    def _seen(self, context: Gram, token_id: int, followers: list[int]) -> float:
        a_ = self._constants[len(context)][4:17]
        total, _, number, groups, largest = self._statistics(context, followers)
        discounts, room, share = self._share(context, followers)
        adjusted, count = self._adjusted((*context, token_id)), self.counts[(*context, token_id)]
        lower = self._lower(context, token_id)
        q = (adjusted - discounts[min(adjusted, 3) - 1]) / room + share * lower
        return math.exp(
            (1 + a_[0]) * math.log(q)
            + a_[1] * math.log(lower)
            + 0.4 * a_[2] * math.log(adjusted)
            + 0.4 * a_[3] * math.log(count)
            + a_[4] * (count == 1)
            + a_[5] * (count == 2)
            + a_[6] * math.log(total)
            + a_[7] * math.log(number)
            + a_[8] * groups[0] / number
            + a_[9] * largest / total
            + 0.05 * a_[10] * math.log(lower) ** 2
            + 0.05 * a_[11] * math.log(q) ** 2
        )

    def _weight(self, context: Gram, followers: list[int]) -> float:
        a12, *b = self._constants[len(context)][16:]
        total, counts, number, groups, largest = self._statistics(context, followers)
        _, _, share = self._share(context, followers)
        features = (
            0.3 * math.log(total),
            0.4 * math.log(number),
            0.3 * math.log(counts),
            groups[0] / number,
            largest / total,
            math.log(share),
        )
        return share * math.exp(a12 + sum(own * feature for own, feature in zip(b, features, strict=True)))
