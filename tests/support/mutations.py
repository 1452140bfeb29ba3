"""Damage for readers to find: bytes and JSON values that are nearly what was written."""

import copy
import json
import random
from typing import Any

ODD_VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**400, 0.5, 1e308, -0.0, "", "\x00",
    "\ud800", "9" * 99, "x" * 5000, "../../etc/passwd", [], {}, [[]], [None] * 9, {"": None}, [2**63] * 3,
]  # fmt: skip
ODD_TEXTS = [
    b"", b"\x00", b"\xff\xfe", b"9" * 400, b"-1", b"1e999", b"NaN", b"Infinity", b"null", b'"', b"{", b"[" * 2000,
    b"\n", b"\r", b"\t", b"18446744073709551616", b"9223372036854775808", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\\ud800",
]  # fmt: skip


def mutated(data: bytes, generator: random.Random) -> bytes:
    """Returns bytes after one to four small damages."""
    damaged = bytearray(data)
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        place = generator.randrange(len(damaged) + 1)
        stop = min(len(damaged), place + generator.choice((1, 1, 2, 8, 64)))
        match generator.randrange(7):
            case 0 if place < len(damaged):
                damaged[place] ^= 1 << generator.randrange(8)
            case 1 if place < len(damaged):
                damaged[place] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, *b'0"{}[],:'))
            case 2:
                del damaged[place:stop]
            case 3:
                damaged[place:place] = damaged[place:stop] * generator.choice((1, 1, 100))
            case 4:
                damaged[place:stop] = generator.choice(ODD_TEXTS)
            case 5:
                del damaged[place:]
            case _:
                damaged[place:stop] = generator.randbytes(stop - place)
    return bytes(damaged)


def mutated_json(value: Any, generator: random.Random) -> Any:
    """Returns a JSON value after one to three of the values in it have become others."""
    damaged = copy.deepcopy(value)
    for _ in range(generator.choice((1, 1, 2, 3))):
        holders = list(_containers(damaged))
        if not holders:
            return generator.choice(ODD_VALUES)
        holder = generator.choice(holders)
        key = generator.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        match generator.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[generator.choice(("", "extra", "version", "\ud800"))] = holder.pop(key)
            case 2 if isinstance(holder[key], int):
                holder[key] += generator.choice((-1, 1))
            case 3:
                holder[key] = copy.deepcopy(generator.choice([entry for other in holders for entry in _values(other)]))
            case _:
                holder[key] = copy.deepcopy(generator.choice(ODD_VALUES))
    return damaged


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _containers(value: Any) -> Any:
    if isinstance(value, dict | list) and value:
        yield value
        for entry in _values(value):
            yield from _containers(entry)


def _values(container: Any) -> list[Any]:
    return list(container.values() if isinstance(container, dict) else container)
