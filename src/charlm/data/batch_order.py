"""Which examples each global batch has: drawn or in an order, and put together by length if asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from charlm.data.permutation import Permutation
from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

Order: TypeAlias = Literal["random", "shuffled", "sequential"]

ORDERED_AT_ONCE = 1 << 12
"""How many examples are put in order at a time: ordering one takes as long as ordering hundreds."""
BATCHES_BY_LENGTH = 64
"""How many batches exchange examples of different lengths."""
MOST_BY_LENGTH = 1 << 20
"""How many examples they have at most, unless a single batch has more."""
ALIKE = 16
"""Examples of at most so many inputs are alike: padding one costs less than its batch would lose in variety."""


class BatchOrder:
    """The examples of each global batch, as numbers; those of a window of batches are determined together.

    Args:
        length: The number of examples.
        batch_size: The number of examples in a global batch.
        seed: Seeds every draw.
        order: As for ``BatchSampler``.
        widths: Puts examples together by length: returns the number of inputs of each of several; None does not.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        *,
        seed: int,
        order: Order,
        widths: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None,
    ) -> None:
        self._length, self._batch_size, self._seed, self._order = length, batch_size, seed, order
        self._widths = widths
        if widths is not None:
            self._batches = max(1, min(BATCHES_BY_LENGTH, MOST_BY_LENGTH // batch_size))
        else:
            self._batches = 1 if order == "random" else max(1, ORDERED_AT_ONCE // batch_size)
        self._generator = seeded_generator(seed)
        self._forget()

    def _forget(self) -> None:
        self._window, self._number = np.empty((0, self._batch_size), dtype=np.int64), -1
        self._state_before = self._generator.get_state()

    def __getitem__(self, number: int) -> NDArray[np.int64]:
        """Returns the examples of a global batch, int64 ``(batch_size,)``; ``random`` ones are drawn one by one."""
        window, place = divmod(number, self._batches)
        if window != self._number:
            self._state_before = self._generator.get_state()
            self._window, self._number = self._examples(window), window
        batch: NDArray[np.int64] = self._window[place]
        return batch

    def state(self, number: int) -> Tensor:
        """Returns the state of the generator from which the window of a batch is drawn: this one or the next."""
        return self._state_before if number // self._batches == self._number else self._generator.get_state()

    def resume(self, state: Tensor) -> None:
        """Draws the next window from a state of the generator."""
        self._generator.set_state(state)
        self._forget()

    def rewind(self, number: int) -> None:
        """Goes back to a batch by drawing everything before its window: keeping past states would take longer."""
        self._generator = seeded_generator(self._seed)
        if self._order == "random":
            for _ in range(number // self._batches * self._batches):
                self._random()
        self._forget()

    def _random(self) -> NDArray[np.int64]:
        drawn = torch.randint(self._length, (self._batch_size,), generator=self._generator)
        return np.asarray(drawn.numpy(), dtype=np.int64)

    def _examples(self, window: int) -> NDArray[np.int64]:
        """Returns the examples of a window, ``(batches, batch_size)``."""
        size = self._batches * self._batch_size
        if self._order == "random":
            examples, epochs = np.concatenate([self._random() for _ in range(self._batches)]), np.zeros(size, np.int64)
        else:
            epochs, positions = np.divmod(np.arange(window * size, (window + 1) * size), self._length)
            examples = positions if self._order == "sequential" else self._shuffled(epochs, positions)
        if self._widths is None:
            return examples.reshape(-1, self._batch_size)
        return np.asarray(examples[together(self._widths(examples), epochs, self._batch_size)])

    def _shuffled(self, epochs: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
        permutations = (
            Permutation(self._length, seed=self._seed, epoch=epoch)(positions[epochs == epoch])
            for epoch in range(int(epochs[0]), int(epochs[-1]) + 1)
        )
        return np.concatenate(list(permutations))


def together(widths: NDArray[np.int64], epochs: NDArray[np.int64], batch_size: int) -> NDArray[np.int64]:
    """Returns batches of examples of like length, as the places of the examples: ``(N / batch_size, batch_size)``.

    Examples of like length keep their order, and batches are in the order of their first examples, except that no
    example of an epoch comes after one of the next.

    Args:
        widths: The number of inputs of each example, ``(N,)``.
        epochs: The epoch of each, ascending, ``(N,)``.
        batch_size: The number of examples in a batch.

    Example:
        >>> widths = np.array([3, 90, 5, 7, 99, 16])
        >>> together(widths, np.zeros(6, dtype=int), 2)
        array([[0, 2],
               [1, 4],
               [3, 5]])
    """
    _, classes = np.frexp(np.maximum(widths, ALIKE) - 1.0)
    batches = np.lexsort((classes, epochs)).reshape(-1, batch_size)
    return batches[np.lexsort((batches.min(axis=1), epochs[batches].max(axis=1)))]
