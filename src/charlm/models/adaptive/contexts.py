"""What a model that learns while it reads predicts from: hashes of the ids before, of the word, of the line."""

from __future__ import annotations

from charlm.models.adaptive.compiled import inlined
from charlm.models.adaptive.state import (
    COLUMN,
    MATCH_AT,
    MATCH_LENGTH,
    MATCH_PLACE,
    SHAPE,
    TIME,
    WORD,
    WORD_BEFORE,
    WORD_LENGTH,
    State,
)

MASK = 0xFFFFFFFF
SHORTEST_MATCH = 6
LONGEST_MATCH = 1 << 16
LONGEST_COLUMN = 60


@inlined
def mixed(seed: int, value: int) -> int:
    """Returns the hash of a hash and of one value more, 32 bits."""
    product = (seed * 0x2C1B3C6D + (value + 1) * 0x5851F42D) & MASK
    product = ((product ^ (product >> 15)) * 0x297A2D39) & MASK
    return product ^ (product >> 16)


@inlined
def recent(state: State, back: int) -> int:
    """Returns one more than the id so many places back; 0 before the beginning."""
    time = int(state.now[TIME])
    return int(state.ids[(time - back) % len(state.ids)]) + 1 if back <= time else 0


@inlined
def enter_contexts(state: State) -> None:
    """Computes the hashes of the contexts of the next id."""
    hashes, now = state.hashes, state.now
    hashed = 0
    hashes[0] = 1
    for back in range(1, 9):
        hashed = mixed(hashed, recent(state, back))
        if back < 7:  # noqa: PLR2004 - orders 1 to 6
            hashes[back] = mixed(hashed, back)
    hashes[7] = mixed(hashed, 8)
    word, last = int(now[WORD]), recent(state, 1)
    hashes[8] = mixed(word, 0x10001)
    hashes[9] = mixed(mixed(word, int(now[WORD_BEFORE])), 0x10002)
    hashes[10] = mixed(mixed(recent(state, 2), recent(state, 3)), 0x10003)
    hashes[11] = mixed(mixed(int(now[SHAPE]), last), 0x10004)
    hashes[12] = mixed(mixed(min(int(now[COLUMN]), LONGEST_COLUMN), last), 0x10005)


@inlined
def enter_match(state: State) -> None:
    """Finds where the last ids were read before, unless the last match still holds."""
    ids, now, matches = state.ids, state.now, state.matches
    time, size = int(now[TIME]), len(ids)
    length = int(now[MATCH_LENGTH])
    if time < SHORTEST_MATCH:
        return
    hashed = 0
    for back in range(1, SHORTEST_MATCH + 1):
        hashed = mixed(hashed, recent(state, back))
    place = hashed % len(matches)
    now[MATCH_PLACE] = place
    if length == 0:
        at = int(matches[place])
        oldest = max(0, time - size + 1)
        while at - length > oldest and length < 40 and ids[(at - length - 1) % size] == ids[(time - length - 1) % size]:  # noqa: PLR2004 - far enough to know that it is one
            length += 1
        now[MATCH_AT] = at
        now[MATCH_LENGTH] = length


@inlined
def observe(state: State, token_id: int) -> None:
    """Takes an id that was read into what comes before the next."""
    now, ids = state.now, state.ids
    time = int(now[TIME])
    if now[MATCH_LENGTH] > 0:
        if ids[int(now[MATCH_AT]) % len(ids)] == token_id:
            now[MATCH_LENGTH] = min(int(now[MATCH_LENGTH]) + 1, LONGEST_MATCH)
            now[MATCH_AT] += 1
        else:
            now[MATCH_LENGTH] = 0
    if time >= SHORTEST_MATCH:
        state.matches[int(now[MATCH_PLACE])] = time
    ids[time % len(ids)] = token_id
    now[TIME] = time + 1
    letter, ends_line = int(state.letters[token_id]), token_id == int(state.line_end[0])
    if letter:
        now[WORD] = mixed(int(now[WORD]), letter)
        now[WORD_LENGTH] += 1
    else:
        if now[WORD_LENGTH] > 0:
            now[WORD_BEFORE] = now[WORD]
        now[WORD] = 0
        now[WORD_LENGTH] = 0
    now[SHAPE] = ((int(now[SHAPE]) << 2) + (1 if letter else 2 if ends_line else 0)) & 0xFFFF
    now[COLUMN] = 0 if ends_line else int(now[COLUMN]) + 1
