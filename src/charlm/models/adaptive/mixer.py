"""Mixing: each mixer weights the logits of all predictions, by weights for a small context, and learns the weights.

The opinions of the mixers are mixed once more. Source of the method: Mahoney 2005, "Adaptive Weighing of Context
Models for Lossless Data Compression"; in two layers: his PAQ8.
"""

from __future__ import annotations

from charlm.models.adaptive.compiled import inlined
from charlm.models.adaptive.counters import limited
from charlm.models.adaptive.logistic import LARGEST_LOGIT
from charlm.models.adaptive.state import FINAL_ROW, FRACTION, MIXED, N_INPUTS, N_MIXERS, ROWS, State

RATE = 16
FIRST_RATE = 1000
"""Is added to the rate of a row, halved after ``SETTLING`` bits, and so on harmonically."""
SETTLING = 128
MOST_SEEN = 20_000
FINAL_RATE = 4


@inlined
def mix(state: State) -> int:
    """Returns the logit of all inputs, mixed."""
    inputs, weights = state.inputs, state.weights
    total, final_row = 0, int(state.last[FINAL_ROW])
    for mixer in range(N_MIXERS):
        row = int(state.rows[mixer])
        opinion = 0
        for place in range(N_INPUTS):
            opinion += int(weights[row, place]) * int(inputs[place])
        opinion = limited(opinion >> FRACTION)
        state.opinions[mixer] = opinion
        total += int(state.final_weights[final_row, mixer]) * opinion
    return limited(total >> FRACTION)


@inlined
def learn_mix(state: State, bit: int) -> None:
    """Moves each weight against the error of its mixer."""
    inputs, weights = state.inputs, state.weights
    final_row = int(state.last[FINAL_ROW])
    final_error = ((bit << 16) - int(state.squash[int(state.last[MIXED]) + LARGEST_LOGIT])) * FINAL_RATE
    for mixer in range(N_MIXERS):
        row, opinion = int(state.rows[mixer]), int(state.opinions[mixer])
        state.final_weights[final_row, mixer] += (opinion * final_error + (1 << 13)) >> 14
        seen = int(state.rows_seen[row])
        rate = RATE + FIRST_RATE * SETTLING // (SETTLING + seen)
        if seen < MOST_SEEN:
            state.rows_seen[row] = seen + 1
        error = ((bit << 16) - int(state.squash[opinion + LARGEST_LOGIT])) * rate
        for place in range(N_INPUTS):
            weights[row, place] += (int(inputs[place]) * error + (1 << 15)) >> 16


@inlined
def choose_rows(state: State, node: int, last: int, known: int, shape: int) -> None:
    """Chooses the row of each mixer.

    Args:
        state: The model.
        node: The decision.
        last: The last id.
        known: How much is known of this place.
        shape: What the place looks like.
    """
    state.rows[0] = known
    state.rows[1] = ROWS + min(node, ROWS - 1)
    state.rows[2] = 2 * ROWS + last % ROWS
    state.rows[3] = 3 * ROWS + shape
    state.last[FINAL_ROW] = min(node, ROWS - 1)
