"""Interpolated modified Kneser-Ney over dictionaries: slow, and as close to the formulas as Python gets."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

Gram = tuple[int, ...]


def ngram_counts(texts: Sequence[Sequence[int]], order: int) -> Counter[Gram]:
    return Counter(
        tuple(text[start : start + length])
        for text in texts
        for length in range(1, order + 1)
        for start in range(len(text) - length + 1)
    )


class ReferenceKneserNey:
    """``probability(context, token_id)`` for any context, longer than the model looks back or not.

    Args:
        texts: The ids of each text.
        vocab_size: The number of ids.
        order: The length of the longest n-grams.
        context_only: The ids that are never an outcome.
    """

    def __init__(
        self, texts: Sequence[Sequence[int]], *, vocab_size: int, order: int, context_only: Collection[int] = ()
    ) -> None:
        self.order = order
        self.outcomes = [token_id for token_id in range(vocab_size) if token_id not in context_only]
        counts = ngram_counts(texts, order)
        left = defaultdict(set)
        for gram in counts:
            left[gram[1:]].add(gram[0])
        starts = Counter(tuple(text[:length]) for text in texts for length in range(1, order) if length <= len(text))
        self.adjusted = {
            gram: count if len(gram) == order else len(left[gram]) + starts[gram]
            for gram, count in counts.items()
            if gram[-1] not in context_only
        }
        self.discounts = [self._discounts(length) for length in range(1, order + 1)]
        self.followers: dict[Gram, list[int]] = defaultdict(list)
        for gram in self.adjusted:
            self.followers[gram[:-1]].append(gram[-1])

    def _discounts(self, length: int) -> tuple[float, float, float]:
        frequencies = Counter(count for gram, count in self.adjusted.items() if len(gram) == length)
        n1, n2, n3, n4 = (frequencies[count] for count in (1, 2, 3, 4))
        if 0 in (n1, n2, n3, n4) or (length < self.order and n1 < 2 * n2):
            return 0.75, 1.25, 1.5
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        return found if min(found) > 0 else (0.75, 1.25, 1.5)

    def probability(self, context: Sequence[int], token_id: int) -> float:
        if token_id not in self.outcomes:
            return 0.0
        look_back = self.order - 1
        return self._probability(tuple(context[-look_back:]) if look_back else (), token_id)

    def _probability(self, context: Gram, token_id: int) -> float:
        lower = self._probability(context[1:], token_id) if context else 1 / len(self.outcomes)
        followers = self.followers.get(context)
        if not followers:
            return lower
        discounts = (0.0, *self.discounts[len(context)])
        counts = {follower: self.adjusted[(*context, follower)] for follower in followers}
        freed = sum(discounts[min(count, 3)] for count in counts.values())
        count = counts.get(token_id, 0)
        return (count - discounts[min(count, 3)] + freed * lower) / sum(counts.values())
