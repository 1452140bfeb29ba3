"""The text of the tutorial, as its pages make it."""

from __future__ import annotations

import random

STORIES = 1000


def stories() -> list[str]:
    """Returns a thousand lines, the same each time."""
    draw = random.Random(1).choice  # noqa: S311 - reproducible
    animals = ["ant", "bee", "cat", "dog", "fox", "hen", "owl", "pig"]
    deeds = ["hid in", "ran to", "sat by", "went past"]
    places = ["".join(draw("bdfgklmnprstvz") + draw("aeiou") for _ in range(3)) for _ in range(256)]

    def story() -> str:
        animal = draw(animals)
        return f"the {animal} {draw(deeds)} {draw(places)}, and there the {animal} slept.\n"

    return [story() for _ in range(STORIES)]
