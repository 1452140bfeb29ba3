"""The prediction of one decision, and what is learned from how it falls."""

from __future__ import annotations

from charlm.models.adaptive.compiled import inlined
from charlm.models.adaptive.contexts import enter_contexts, enter_match, mixed, observe, recent
from charlm.models.adaptive.counters import LOWEST_BYTE, MOST_LEARNED, enter_group, learned, slot_after
from charlm.models.adaptive.logistic import LARGEST_LOGIT, ONE
from charlm.models.adaptive.mixer import choose_rows, learn_mix, mix
from charlm.models.adaptive.state import (
    COUNT_CLASSES,
    EXPECTED,
    FOUND,
    FRACTION,
    KNOT_SHIFT,
    KNOTS,
    MATCH_AT,
    MATCH_CLASS,
    MATCH_LENGTH,
    MIXED,
    N_CONTEXTS,
    REFINED,
    REFINED_0,
    REFINED_1,
    ROWS,
    WORD_LENGTH,
    State,
)

TO_STRETCH = FRACTION - 12
LEAST = 16
"""The least probability that is coded, of 65536."""
REFINING = 6
"""A refined probability moves by a 64th of its error."""


@inlined
def enter_id(state: State, claims: bool) -> None:  # noqa: FBT001 - numba takes positions
    """Prepares the prediction of the next id."""
    enter_contexts(state)
    enter_match(state)
    if state.tree.start == 0:
        enter_group(state, 0, claims)


@inlined
def count_class(count: int) -> int:
    """Returns the class of the number of bits that a slot has seen, from 1 on: fine at first, then coarse."""
    if count <= 8:  # noqa: PLR2004
        return count - 1
    return min(7 + (count >> 3), 10) if count < 32 else min(11 + (count >> 6), COUNT_CLASSES - 1)  # noqa: PLR2004


@inlined
def ask_contexts(state: State, node: int) -> None:
    """Writes the inputs of all contexts: a logit by the history of a decision, and one by its slot's probability."""
    inputs, stretch = state.inputs, state.stretch
    place = int(state.tree.places[node])
    for context in range(N_CONTEXTS):
        slot = int(state.buckets[state.places[context], place])
        count = slot & LOWEST_BYTE
        if count == 0:
            inputs[2 * context] = 0
            inputs[2 * context + 1] = 0
            state.cells[context, 0] = -1
            continue
        by_history = context * ROWS + (slot >> 8 & LOWEST_BYTE)
        knot = (int(stretch[slot >> 20]) + (KNOTS // 2 << KNOT_SHIFT) + (1 << KNOT_SHIFT >> 1)) >> KNOT_SHIFT
        by_slot = (context * COUNT_CLASSES + count_class(count)) * KNOTS + min(max(knot, 0), KNOTS - 1)
        state.cells[context, 0] = by_history
        state.cells[context, 1] = by_slot
        inputs[2 * context] = stretch[state.of_histories[by_history] >> TO_STRETCH]
        inputs[2 * context + 1] = stretch[state.of_slots[by_slot] >> TO_STRETCH]


@inlined
def ask_match(state: State, node: int) -> None:
    """Writes the inputs of the match, if what followed it before is reached by way of this decision."""
    tree, inputs = state.tree, state.inputs
    length = int(state.now[MATCH_LENGTH])
    expected = -1
    if length > 0:
        token_id = int(state.ids[int(state.now[MATCH_AT]) % len(state.ids)])
        step = int(tree.path_starts[token_id] + tree.depths[node])
        if step < int(tree.path_starts[token_id + 1]) and int(tree.path_nodes[step]) == node:
            expected = int(tree.path_bits[step])
    state.last[EXPECTED] = expected
    if expected < 0:
        inputs[2 * N_CONTEXTS] = 0
        inputs[2 * N_CONTEXTS + 1] = 0
        return
    match_class = length if length < 16 else min(15 + (length >> 3), 31)  # noqa: PLR2004
    state.last[MATCH_CLASS] = match_class
    probability = int(state.of_matches[match_class]) >> FRACTION - 16
    sign = 2 * expected - 1
    inputs[2 * N_CONTEXTS] = sign * int(state.stretch[probability >> 4])
    inputs[2 * N_CONTEXTS + 1] = sign * ((probability - ONE // 2) >> 4)


@inlined
def predict(state: State, node: int) -> int:
    """Returns the probability that a decision falls for 1, of 65536; the group of the decision has been entered."""
    ask_contexts(state, node)
    ask_match(state, node)
    state.inputs[2 * N_CONTEXTS + 2] = 256
    now, last = state.now, recent(state, 1)
    is_matched = 1 if state.last[EXPECTED] >= 0 else 0
    known = int(now[FOUND]) * 16 + (int(state.last[MATCH_CLASS]) >> 1 if is_matched else 0)
    shape = min(int(now[WORD_LENGTH]), 15) * 16 + min(int(state.tree.depths[node]), 7) * 2 + is_matched
    choose_rows(state, node, last, known, shape)
    logit = mix(state)
    state.last[MIXED] = logit
    return refine(state, node, logit, last)


@inlined
def refine(state: State, node: int, logit: int, last: int) -> int:
    """Returns the probability of a logit, refined by what such logits came to after the last id and the last two."""
    refined = state.refined
    position = min(max(logit + (KNOTS // 2 << KNOT_SHIFT), 0), (KNOTS - 1 << KNOT_SHIFT) - 1)
    knot, beyond = position >> KNOT_SHIFT, position & (1 << KNOT_SHIFT) - 1
    first = (mixed(node, last) % REFINED) * KNOTS + knot
    second = (REFINED + mixed(mixed(node, last), recent(state, 2)) % REFINED) * KNOTS + knot
    before = (1 << KNOT_SHIFT) - beyond
    of_first = (int(refined[first]) * before + int(refined[first + 1]) * beyond) >> KNOT_SHIFT
    of_second = (int(refined[second]) * before + int(refined[second + 1]) * beyond) >> KNOT_SHIFT
    nearer = 1 if beyond >= before else 0
    state.last[REFINED_0] = first + nearer
    state.last[REFINED_1] = second + nearer
    probability = (2 * int(state.squash[logit + LARGEST_LOGIT]) + 3 * of_first + 3 * of_second + 4) >> 3
    return min(max(probability, LEAST), ONE - LEAST)


@inlined
def learn_bit(state: State, node: int, bit: int) -> None:
    """Learns how the decision that was predicted last has fallen."""
    place = int(state.tree.places[node])
    for each in (REFINED_0, REFINED_1):
        cell = int(state.last[each])
        state.refined[cell] += (bit * (ONE - 1) - int(state.refined[cell])) >> REFINING
    learn_mix(state, bit)
    for context in range(N_CONTEXTS):
        at = int(state.places[context])
        slot = int(state.buckets[at, place])
        by_history, by_slot = int(state.cells[context, 0]), int(state.cells[context, 1])
        if by_history >= 0:
            learned(state.of_histories, state.of_histories_seen, by_history, bit, state.rates, MOST_LEARNED)
            learned(state.of_slots, state.of_slots_seen, by_slot, bit, state.rates, MOST_LEARNED)
        state.buckets[at, place] = slot_after(state, slot, bit)
    expected = int(state.last[EXPECTED])
    if expected >= 0:
        held = 1 if expected == bit else 0
        learned(state.of_matches, state.of_matches_seen, int(state.last[MATCH_CLASS]), held, state.rates, ROWS)


@inlined
def leave_id(state: State, token_id: int) -> None:
    """Takes an id, all decisions of which have been learned, into what comes before the next."""
    observe(state, token_id)
