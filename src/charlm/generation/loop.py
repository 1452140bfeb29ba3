"""The loop behind every way to generate: step, choose, step again, for a batch of samples or for a single one."""

from __future__ import annotations

from itertools import chain, islice, product, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import on_host
from charlm.generation.drawing import draw, uniform_points
from charlm.generation.rows import Rows, batches
from charlm.generation.samples import GrowingSample
from charlm.generation.sampling import apply_settings
from charlm.generation.stopping import StopAutomaton, StopFilter
from charlm.models.context import first_needed
from charlm.models.predictor import log_softmax
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import check_iterable, positive_integer
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.generation.samples import Sample
    from charlm.generation.settings import SamplingSettings
    from charlm.models.predictor import PredictingModel, Predictor
    from chartok.ids import Ids


def continuations(  # noqa: PLR0913 - what the ways to generate have in common
    model: PredictingModel,
    prompts: Sequence[list[int]],
    seeds: Sequence[int],
    settings: SamplingSettings,
    *,
    max_new_tokens: int,
    allowed: Ids | None = None,
    stop: Iterable[list[int]] = (),
    end: int | None = None,
    min_new_tokens: int = 0,
    seen: Sequence[list[int]] | None = None,
    spelling: Mapping[int, list[int]] | None = None,
    is_scored: bool = False,
) -> list[list[Sample]]:
    """Returns for each prompt, and for each seed, how the model continues it.

    Prompts of all lengths are continued in as few batches as is fast; see ``charlm.generation.rows``.

    Args:
        model: A model of any family.
        prompts: The ids to continue, at least one each.
        seeds: The seed of each sample of a prompt.
        settings: How to sample.
        max_new_tokens: The maximum number of ids in a sample.
        allowed: The ids that may be generated, besides ``end``; None allows all.
        stop: Sequences of ids, or of code points if there is a ``spelling``, before which a sample ends; none empty.
        end: An id before which a sample also ends.
        min_new_tokens: The minimum number of ids before ``end``.
        seen: Of each prompt, the ids that a repetition penalty treats as already present; None takes its own.
        spelling: The code points of each id, which are then returned in its place.
        is_scored: Whether to return log-probabilities.

    Raises:
        ValueError: As for ``generate``.
        TokenIdError: As for ``generate``.
        TypeError: As for ``generate``.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> from charlm.generation.settings import SamplingSettings
        >>> model = BigramLanguageModel(5, seed=1)
        >>> found = continuations(model, [[3]], [7, 8], SamplingSettings(), max_new_tokens=9, end=4, min_new_tokens=1)
        >>> [sample.ids for sample in found[0]]
        [[1, 0, 1], [1, 0]]
    """
    predictor, most = model.predictor(), positive_integer("max_new_tokens", max_new_tokens)
    nearest = [prompt[first_needed(len(prompt), predictor.history, predictor.period) :] for prompt in prompts]
    automaton = _automaton(stop, end, spelling)
    found: list[list[Sample]] = [[] for _ in prompts]
    for places in batches([*map(len, nearest)], len(seeds), most):
        cells = list(product(places, range(len(seeds))))
        rows = Rows([nearest[place] for place, _ in cells])
        samples = [GrowingSample(automaton, most, spelling, end) for _ in cells]
        steps = next_ids(
            predictor,
            rows,
            [seeds[number] for _, number in cells],
            settings,
            forbidden(model.vocab_size, allowed, rows.delays, end, min_new_tokens),
            [(prompts if seen is None else seen)[place] for place, _ in cells],
            is_scored=is_scored,
        )
        growing = list(range(len(samples)))
        for step, (column, scores) in enumerate(steps):
            if model.vocab_size in column:
                stuck = (row for row in growing if step >= rows.delays[row] and column[row] == model.vocab_size)
                if (row := next(stuck, None)) is not None:
                    place, number = cells[row]
                    raise ValueError(nothing_to_draw(number, place if len(prompts) > 1 else None))
            growing = [row for row in growing if step < rows.delays[row] or samples[row].take(column[row], scores[row])]
            if not growing:
                break
        for (place, _), sample in zip(cells, samples, strict=True):
            found[place].append(sample.result())
    return found


def continuation(  # noqa: PLR0913 - as stream_ids
    model: PredictingModel,
    prompt: list[int],
    settings: SamplingSettings,
    *,
    max_new_tokens: int,
    allowed: Ids | None,
    stop: Iterable[list[int]],
    seed: int | None,
    seen: list[int],
    end: int | None = None,
    spelling: Mapping[int, list[int]] | None = None,
) -> Iterator[int]:
    """Yields the ids that ``stream_ids`` does, or their code points; ``continuations`` describes the arguments."""
    size, rows = model.vocab_size, Rows([prompt])
    stop_filter = StopFilter(_automaton(stop, end, spelling))
    masks = forbidden(size, allowed, rows.delays, end)
    columns = next_ids(model.predictor(), rows, [seed_or_new(seed)], settings, masks, [seen])
    drawn = (column[0] for column, _ in islice(columns, positive_integer("max_new_tokens", max_new_tokens)))
    return _passed(drawn, size, stop_filter, spelling)


def _passed(
    drawn: Iterator[int], vocab_size: int, stop_filter: StopFilter, spelling: Mapping[int, list[int]] | None
) -> Iterator[int]:
    for token_id in drawn:
        if token_id == vocab_size:
            raise ValueError(nothing_to_draw())
        yield from stop_filter.take_all([token_id] if spelling is None else spelling[token_id])
        if stop_filter.is_finished:
            break
    yield from stop_filter.rest()


def _automaton(stop: Iterable[list[int]], end: int | None, spelling: Mapping[int, list[int]] | None) -> StopAutomaton:
    """Returns what finds the stop sequences and the end, in ids or in their code points."""
    ends = [] if end is None else [[end] if spelling is None else spelling[end]]
    return StopAutomaton([*stop, *ends])


def next_ids(
    predictor: Predictor,
    rows: Rows,
    seeds: Sequence[int],
    settings: SamplingSettings,
    masks: Iterator[NDArray[np.float64] | None],
    seen: Sequence[list[int]],
    *,
    is_scored: bool = False,
) -> Iterator[tuple[list[int], Sequence[float | None]]]:
    """Yields an endless sequence of the next id of each row, and of its log-probability under the model.

    The id is ``vocab_size`` if none can be drawn. Before a row is first continued it is without meaning. A sample that
    has ended continues with the others, since only the model can take its state apart.

    Args:
        predictor: The predictor of the model.
        rows: The prompts.
        seeds: The seed of each row.
        settings: How to sample.
        masks: What ``forbidden`` returns.
        seen: The ids that a repetition penalty treats as already present, of each row.
        is_scored: Whether to compute the log-probabilities, which are None otherwise.
    """
    logits, state = predictor.start(rows.first)
    is_seen = None
    if settings.repetition_penalty is not None:
        is_seen = np.zeros(logits.shape, dtype=bool)
        for row, seen_ids in zip(is_seen, seen, strict=True):
            row[seen_ids] = True
    places, unscored = np.arange(len(logits)), [None] * len(logits)
    points_of_steps = uniform_points(seeds, rows.delays)
    for given, mask, points in zip(chain(rows.given, repeat(None)), masks, points_of_steps, strict=False):
        drawn = draw(apply_settings(settings, logits if mask is None else logits + mask, is_seen), points)
        column: list[int] = drawn.tolist()
        ids = np.minimum(drawn, predictor.vocab_size - 1) if predictor.vocab_size in column else drawn
        yield column, log_softmax(logits)[places, ids].astype(np.float64).tolist() if is_scored else unscored
        if is_seen is not None:
            is_new = slice(None) if given is None else given < 0
            is_seen[places[is_new], ids[is_new]] = True
        logits, state = predictor.step(ids if given is None else np.where(given < 0, ids, given), state)


def nothing_to_draw(sample: int = 0, prompt: int | None = None) -> str:
    """Returns the message for a sample, of one of several prompts, for which ``next_ids`` could not draw an id."""
    place = f"sample {sample}" if prompt is None else f"sample {sample} of prompt[{prompt}]"
    return f"there is no id to draw for {place}: every allowed id has probability zero, or a logit is NaN"


def forbidden(
    vocab_size: int,
    allowed: Ids | None,
    delays: Sequence[int],
    end: int | None = None,
    min_new_tokens: int = 0,
) -> Iterator[NDArray[np.float64] | None]:
    """Yields, for each step without end, what to add to the logits; None for nothing.

    It is minus infinity for a forbidden id and 0 for an allowed one, float64 ``(V,)`` or ``(B, V)``.

    Args:
        vocab_size: The number of ids, V.
        allowed: The ids allowed at every position; None allows all.
        delays: The step in which each row is first continued.
        end: An id allowed in a row only from position ``min_new_tokens`` on, whether or not it is in ``allowed``.
        min_new_tokens: Ignored without ``end``.

    Raises:
        ValueError: ``allowed`` is empty.
        TokenIdError: An id is not in the vocabulary.
    """
    if allowed is None and end is None:
        return repeat(None)
    mask = np.full(vocab_size, -np.inf)
    mask[slice(None) if allowed is None else checked_ids("allowed", allowed, vocab_size)] = 0
    if end is None:
        return repeat(mask)
    early, late = mask.copy(), mask
    early[end], late[end] = -np.inf, 0
    first = np.array(delays)[:, None] + min_new_tokens
    return chain((np.where(step < first, early, late) for step in range(int(first.max()))), repeat(late))


def stop_sequences(stop: Iterable[Ids] | None, vocab_size: int) -> list[list[int]]:
    """Returns the stop sequences as lists of ids, none of them empty.

    Raises:
        TypeError: They are not integers.
        TokenIdError: An id is not in the vocabulary.
        ValueError: A sequence is empty, or is not one-dimensional.
    """
    if stop is None:
        return []
    check_iterable("stop", stop, "sequences of ids")
    return [checked_ids("each stop sequence", ids, vocab_size) for ids in stop]


def checked_ids(name: str, ids: Ids, vocab_size: int) -> list[int]:
    """Returns ids as a list of at least one.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not in the vocabulary.
        ValueError: There are none, or they are not one-dimensional.
    """
    array = as_id_array(on_host(ids), vocab_size, name)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be a non-empty one-dimensional sequence of ids, got shape {array.shape}")
    checked: list[int] = array.tolist()
    return checked


def id_list(name: str, ids: Ids, vocab_size: int) -> list[int]:
    """Returns ids of any number and shape as a flat list.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not in the vocabulary.
    """
    flat: Any = as_id_array(on_host(ids), vocab_size, name).ravel().tolist()
    return list(flat)
