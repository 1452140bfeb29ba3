"""Usual and unusual lines, made by chance: domain names of people and of malware, and the log of a server."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

VOWELS, CONSONANTS = "aeiouy", "bcdfghjklmnpqrstvwxz"
ENDINGS = ("shop", "online", "app", "web", "tech", "net", "blog", "group")
BEGINNINGS = ("my", "the", "get", "go", "e", "i")
COMMON = 3000
"""Of so many words most names are made."""


def domain_names(words: list[str], number: int, generator: random.Random) -> list[str]:
    """Returns different names as people choose them: words, pairs of words, words with a number or an ending."""
    common = generator.sample(words, min(COMMON, len(words)))

    def word() -> str:
        return generator.choice(common if generator.random() < 0.7 else words)  # noqa: PLR2004 - a share

    kinds: list[tuple[int, Callable[[], str]]] = [
        (20, word),
        (35, lambda: word() + word()),
        (8, lambda: f"{word()}-{word()}"),
        (8, lambda: generator.choice(BEGINNINGS) + word()),
        (6, lambda: f"{word()}{generator.randrange(1, 1000)}"),
        (14, lambda: word() + generator.choice(ENDINGS)),
        (6, lambda: word() + word() + word()),
        (3, lambda: "".join(generator.choices(string.ascii_lowercase, k=generator.randint(2, 4)))),
    ]
    weights, makers = zip(*kinds, strict=True)
    return list(dict.fromkeys(make() for make in generator.choices(makers, weights, k=number)))


def families(words: list[str], generator: random.Random) -> dict[str, Callable[[], str]]:
    """Returns what makes the names of each family of malware: simple forms of what real ones do."""
    state = 20261126

    def of_the_date() -> str:
        nonlocal state
        letters = []
        for _ in range(generator.randint(8, 16)):
            state = (state * 1_103_515_245 + 12_345) % (1 << 31)  # a linear congruential generator
            letters.append(string.ascii_lowercase[(state >> 16) % 25])
        return "".join(letters)

    def length() -> int:
        return generator.randint(8, 20)

    return {
        "letters, each as likely": lambda: "".join(generator.choices(string.ascii_lowercase, k=length())),
        "consonants and vowels in turn": lambda: "".join(
            generator.choice(VOWELS if place % 2 else CONSONANTS) for place in range(length())
        ),
        "hexadecimal digits": lambda: f"{generator.getrandbits(80):020x}"[: length()],
        "arithmetic on the date": of_the_date,
        "six letters": lambda: "".join(generator.choices(string.ascii_lowercase, k=6)),
        "two words": lambda: generator.choice(words) + generator.choice(words),
    }


def log_lines(words: list[str], number: int, generator: random.Random) -> list[str]:
    """Returns the lines of a server's log, of several kinds and lengths, some of them rare."""

    def address() -> str:
        return f"10.{generator.randrange(4)}.{generator.randrange(256)}.{generator.randrange(1, 255)}"

    def some(most: int) -> str:
        return " ".join(generator.choices(words, k=generator.randint(1, most)))

    def size() -> int:
        return generator.randrange(10 ** generator.randint(1, 6))

    kinds: list[tuple[float, Callable[[], str]]] = [
        (30, lambda: f"INFO backup of disk {generator.choice('abc')} done"),
        (25, lambda: f"INFO {address()} GET /{generator.choice(words)}/{size()} 200 {generator.randrange(900)}ms"),
        (20, lambda: f"INFO session opened for user {generator.choice(words)} from {address()} port {size()}"),
        (10, lambda: "DEBUG cache hit"),
        (8, lambda: f"WARN slow query for {generator.choice(words)} took {size()} ms, {size()} rows of {size()}"),
        (4, lambda: f"INFO mail {generator.getrandbits(40):010X} queued, {size()} bytes, from <{some(1)}@example.org>"),
        (2, lambda: f"ERROR connection to {address()} refused"),
        (1, lambda: f"NOTE {some(20)}"),
    ]
    weights, makers = zip(*kinds, strict=True)
    return [
        f"{generator.randrange(24):02}:{generator.randrange(60):02}:{generator.randrange(60):02} {make()}"
        for make in generator.choices(makers, weights, k=number)
    ]


def with_letters(line: str, number: int, generator: random.Random) -> str:
    """Returns a line with so many random letters in it, which is what is unusual about it."""
    place = generator.randint(0, len(line))
    return line[:place] + "".join(generator.choices(string.ascii_lowercase, k=number)) + line[place:]
