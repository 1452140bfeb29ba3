"""Finds the odd lines in a log: ``python examples/odd_lines.py usual.log new.log``, or in one that is made up."""

import random
import sys

from charlm import CharLM
from chartok import read_records

USERS = ["anna", "bruno", "clara", "daniel", "elena", "farid", "greta", "hugo", "ines", "jonas", "kira", "luis"]
ODD = [
    "09:12:44 INFO backup of disk b dome",
    "09:12:51 ERROR disk b not found",
    "09:13:02 INFO session opened for user '; DROP TABLE users",
    "09:13:20 INFO GET /index/12 200 in 17m",
    "Traceback (most recent call last):",
]


def made_up(number: int, seed: int) -> list[str]:
    """Returns the lines of a server's log."""
    generator = random.Random(seed)  # noqa: S311 - an experiment
    kinds = [
        lambda: f"backup of disk {generator.choice('abc')} done",
        lambda: f"GET /{generator.choice(['index', 'shop', 'help'])}/{generator.randrange(1000)} 200 in 17ms",
        lambda: f"session opened for user {generator.choice(USERS)} from 10.0.{generator.randrange(256)}.7",
        lambda: f"mail {generator.getrandbits(32):08x} sent to {generator.choice(USERS)}",
    ]
    return [
        f"{generator.randrange(24):02}:{generator.randrange(60):02}:{generator.randrange(60):02} INFO "
        + generator.choice(kinds)()
        for _ in range(number)
    ]


def main(usual: list[str], new: list[str], false_alarm_rate: float = 0.001) -> list[str]:
    """Returns the odd ones of new lines, with what is odd about them in brackets."""
    held_out = usual[::4]  # or lines of a later day
    lm = CharLM.fit([line for number, line in enumerate(usual) if number % 4]).calibrate(held_out)
    found = []
    for line, is_odd in zip(new, lm.is_unusual(new, false_alarm_rate), strict=True):
        if is_odd:
            marked = line
            for span in reversed(lm.unusual_spans(line, false_alarm_rate)):
                marked = f"{marked[: span.start]}[{span.text}]{marked[span.end :]}"
            found.append(marked)
    return found


if __name__ == "__main__":
    paths = sys.argv[1:]
    usual, new = map(read_records, paths) if paths else (made_up(8000, 1), [*made_up(5000, 2), *ODD])
    print("\n".join(main(usual, new)))
