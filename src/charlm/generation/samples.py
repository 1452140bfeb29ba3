"""What a model adds to a prompt, as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from charlm.generation.stopping import StopFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.generation.stopping import StopAutomaton

_Any = TypeVar("_Any")


class Sample(NamedTuple):
    """What a model has added to a prompt.

    Attributes:
        ids: The ids, or their code points if there is a spelling.
        log_probabilities: The natural logarithm of the probability, under the model itself, of each id that is there as
            a whole, and of the end if the sample has ended with it; float64, in nats. Empty unless asked for.
    """

    ids: list[int]
    log_probabilities: NDArray[np.float64]


class GrowingSample:
    """A sample that takes ids until a stop sequence, the end, or their maximum number.

    Args:
        automaton: That of the stop sequences, the end among them.
        most: The maximum number of ids.
        spelling: The code points of each id, which the sample then consists of.
        end: The id of the end, of which nothing is to be seen.

    Example:
        >>> from charlm.generation.stopping import StopAutomaton
        >>> sample = GrowingSample(StopAutomaton([[7, 8]]), most=9)
        >>> [sample.take(token_id, nats) for token_id, nats in ((5, -0.5), (7, -1.0), (8, -0.25))]
        [True, True, False]
        >>> sample.result()
        Sample(ids=[5], log_probabilities=array([-0.5]))
    """

    def __init__(
        self,
        automaton: StopAutomaton,
        most: int,
        spelling: Mapping[int, list[int]] | None = None,
        end: int | None = None,
    ) -> None:
        self._filter, self._left = StopFilter(automaton), most
        self._spelling, self._end = spelling, end
        self._ids: list[int] = []
        self._lengths: list[int] = []
        self._log_probabilities: list[float] = []

    def take(self, token_id: int, log_probability: float | None = None) -> bool:
        """Adds an id and returns whether more are taken.

        Args:
            token_id: The id.
            log_probability: Its log-probability, if that is asked for.
        """
        spelled = [token_id] if self._spelling is None else self._spelling[token_id]
        self._ids += self._filter.take_all(spelled)
        if log_probability is not None:
            self._lengths.append(0 if token_id == self._end else len(spelled))
            self._log_probabilities.append(log_probability)
        self._left -= 1
        return self._left > 0 and not self._filter.is_finished

    def result(self) -> Sample:
        """Returns the sample, once no more is taken."""
        ids = self._ids + self._filter.rest()
        if not self._lengths:
            return Sample(ids, np.empty(0))
        n_whole = int(np.searchsorted(np.cumsum(self._lengths), len(ids), side="right"))
        return Sample(ids, np.array(self._log_probabilities[:n_whole]))


def as_asked(found: Sequence[Sequence[_Any]], *, several: bool, n_samples: int | None) -> Any:  # noqa: ANN401 - nested
    """Returns what was found for each sample of each prompt, without the lists that a caller has not asked for.

    Args:
        found: The samples of each prompt.
        several: Whether several prompts were given.
        n_samples: How many samples were asked for; None is one, not in a list.

    Example:
        >>> as_asked([["a", "b"]], several=False, n_samples=2), as_asked([["a"], ["b"]], several=True, n_samples=None)
        (['a', 'b'], ['a', 'b'])
    """
    of_prompts = [samples[0] if n_samples is None else list(samples) for samples in found]
    return of_prompts if several else of_prompts[0]
