"""Pictures of what is counted: windows over a text, back-off, and Kneser-Ney smoothing."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from drawing import SIDE, Drawing, Fill
from stories import stories

BLOCK_SIZE = 8
SEEN = "the ant hid in nisidu,"
START = 4
"""Where the window over ``SEEN`` begins."""
CONTEXT = "n zubi"
"""Six characters that a story may have, but the training part does not."""
LONGEST = 5
"""How many continuations are shown."""


def windows() -> Drawing:
    """Draws the inputs and the targets of a window."""
    drawing = Drawing(
        760, 250, "A stream of characters; below it the inputs of a window of eight, and below these the targets"
    )
    left, place = 120, 120 + START * SIDE
    for y, words in ((44, "stream"), (114, "inputs"), (174, "targets")):
        drawing.text(20, y, words)
    drawing.characters(left, 24, SEEN)
    drawing.characters(place, 94, SEEN[START : START + BLOCK_SIZE], "blue")
    drawing.characters(place + SIDE, 154, SEEN[START + 1 : START + BLOCK_SIZE + 1], "orange")
    end = place + BLOCK_SIZE * SIDE
    drawing.path(f"M{place} 54V94M{end} 54V94", "blue-path dashed")
    drawing.path(f"M{end + SIDE} 54V154", "orange-path dashed")
    drawing.path(f"M{place} 206v6H{end}v-6")
    drawing.text((place + end) / 2, 231, f"block_size = {BLOCK_SIZE}", look="small quiet", anchor="middle")
    drawing.text(end + 52, 114, "what the model sees", look="small quiet")
    drawing.text(end + 52, 174, "what comes next, at each position", look="small quiet")
    drawing.text(end + 52, 231, "\N{MIDDLE DOT} is a space", look="small quiet")
    return drawing


def continuations(context: str) -> Counter[str]:
    """Returns how often each character follows a context in the training part of the stories."""
    text = "".join(stories())
    text = text[: len(text) * 9 // 10]
    places = [place for place in range(len(text) - len(context)) if text.startswith(context, place)]
    return Counter(text[place + len(context)] for place in places)


def back_off() -> Drawing:
    """Draws how an n-gram model falls back to shorter contexts until it finds one that it has seen."""
    contexts = [CONTEXT[start:] for start in range(len(CONTEXT))]
    found = [continuations(context) for context in contexts]
    shown = next(row for row, counts in enumerate(found) if counts) + 2
    drawing = Drawing(
        760,
        70 + 62 * shown,
        f"Back-off: the context {CONTEXT!r} was never seen, so the model backs off to a shorter one, and so on, "
        "and combines the counts of those that it finds",
    )
    drawing.text(20, 36, "context", look="small quiet")
    drawing.text(250, 36, "seen in the training split", look="small quiet")
    drawing.text(470, 36, "what came next", look="small quiet")
    for row, (context, counts) in enumerate(zip(contexts[:shown], found, strict=False)):
        y = 52 + 62 * row
        left = 20 + (len(CONTEXT) - len(context)) * SIDE
        drawing.characters(left, y, context, "blue" if counts else "plain")
        times = sum(counts.values())
        drawing.text(250, y + 21, f"{times:,} times" if times else "never", look="strong" if times else "quiet")
        if not times:
            drawing.text(470, y + 21, "nothing: back off further", look="quiet")
        for column, (character, count) in enumerate(counts.most_common(LONGEST)):
            drawing.characters(470 + 56 * column, y, character, "orange")
            drawing.text(470 + 56 * column + SIDE / 2, y + 46, f"{count}", look="small quiet", anchor="middle")
        if row + 1 < shown:
            drawing.arrow([(20 + (len(CONTEXT) - 0.5) * SIDE, y + 32), (20 + (len(CONTEXT) - 0.5) * SIDE, y + 58)])
    return drawing


DISCOUNT = {1: 0.75, 2: 1.25, 3: 1.5}
WORD = "abracadabra"
AFTER = "a"


def kneser_ney() -> Drawing:
    """Draws how Kneser-Ney smoothing shares out what follows an ``a`` in *abracadabra*."""
    drawing = Drawing(
        760,
        330,
        "Kneser-Ney smoothing after an a in abracadabra: discounted counts, the probability set aside, "
        "shared out by how many different characters each follows, and the sum of both",
    )
    counts = Counter(second for first, second in pairwise(WORD) if first == AFTER)
    before = {(first, second) for first, second in zip(" " + WORD, WORD, strict=False)}
    ways = Counter(second for _, second in before)
    symbols, total, all_ways = sorted(ways), sum(counts.values()), sum(ways.values())
    kept = {symbol: (counts[symbol] - DISCOUNT[counts[symbol]]) / total for symbol in counts}
    aside = sum(DISCOUNT[count] for count in counts.values()) / total
    even = sum(DISCOUNT[min(count, 3)] for count in ways.values()) / all_ways / len(symbols)
    without = {symbol: (ways[symbol] - DISCOUNT[min(ways[symbol], 3)]) / all_ways + even for symbol in symbols}
    columns = ((20, "1. counts, discounted"), (286, "2. shared out by contexts"), (552, "3. the sum"))
    for x, words in columns:
        drawing.text(x, 36, words, look="strong")
    for x, words in ((20, f"{1 - aside:.4f} in total"), (286, f"{aside:.4f} in total"), (552, "1 in total")):
        drawing.text(x, 56, words, look="small quiet")
    for row, symbol in enumerate(symbols):
        y = 76 + 48 * row
        own: tuple[float, Fill] = kept.get(symbol, 0.0), "blue"
        shared: tuple[float, Fill] = aside * without[symbol], "orange"
        for x, parts in ((20, [own]), (286, [shared]), (552, [own, shared])):
            drawing.characters(x, y, symbol)
            start: float = x + 38
            for length, fill in parts:
                if length:
                    drawing.bar(start, y + 7, 360 * length, fill)
                    start += 360 * length
            drawing.text(start + 8, y + 20, f"{sum(length for length, _ in parts):.4f}", look="small quiet")
        drawing.text(236, y + 21, "+", look="strong", anchor="middle")
        drawing.text(520, y + 21, "=", look="strong", anchor="middle")
    return drawing
