"""Compresses random texts, and decompresses them in another process: ``coded_texts.py compress|decompress FILE COUNT``.

It needs neither pytest nor PyTorch, so that each process may have a NumPy of its own.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from charlm import AdaptiveLanguageModel, CharLM, compress, decompress

WORDS = [
    "to be",
    "or not",
    "to be, that is",
    "anna",
    "42",
    "\t",
    "\r\n",
    "\n",
    "e\u0301",
    "字",
    "\U0001f600",
    "\0",
    "ß",
]
VERSE = "to be or not to be, that is the question\nanna had 42 words\n" * 3
MODELS = [None, CharLM.fit(VERSE, order=3), CharLM.fit(VERSE, order=5, symbols=["to", "be"])]
"""What coding starts from."""


def contents(count: int) -> Iterator[tuple[bytes, CharLM | None]]:
    """Yields texts, records, and what is neither, with the model to start from."""
    generator = random.Random(0)  # noqa: S311 - texts
    for _ in range(count):
        words = generator.choices(WORDS, k=generator.choice((0, 1, 3, 20, 200)))
        match generator.randrange(5):
            case 0:
                content = "\n".join(words).encode()
            case 1:
                content = "".join(chr(generator.randrange(0xD800)) for _ in words).encode()
            case 2:
                content = generator.randbytes(len(words))
            case 3:
                content = "".join(words).encode(errors="surrogatepass") + generator.choice(
                    (b"", b"\xff", b"\xed\xa0\x80")
                )
            case _:
                content = " ".join(words).encode(generator.choice(("utf-8", "utf-16", "cp437")), "replace")
        yield content, generator.choice(MODELS)


def codes(count: int) -> Iterator[tuple[AdaptiveLanguageModel, AdaptiveLanguageModel, list[int]]]:
    """Yields two equal models of random settings, and ids."""
    generator = random.Random(1)  # noqa: S311 - ids
    for _ in range(count):
        size = generator.choice((2, 3, 17, 256, 300))
        weights = np.array([generator.choice((1, 2, 1000)) for _ in range(size)])
        letters = [generator.choice((0, 0, 1)) for _ in range(size)]
        settings = {"weights": weights, "letters": letters, "table_bytes": 1 << generator.choice((16, 17, 20))}
        ids = generator.choices(range(min(size, generator.choice((1, 2, size)))), k=generator.choice((0, 1, 50)))
        yield AdaptiveLanguageModel(size, **settings), AdaptiveLanguageModel(size, **settings), ids  # type: ignore[arg-type]


def write(path: Path, count: int) -> None:
    path.write_text("".join(f"{compress(content, lm).hex()}\n" for content, lm in contents(count)), encoding="ascii")


def check(path: Path, count: int) -> None:
    """Checks that each text comes back, and is compressed to the same bytes here."""
    lines = path.read_text(encoding="ascii").splitlines()
    for line, (content, lm) in zip(lines, contents(count), strict=True):
        compressed = bytes.fromhex(line)
        assert decompress(compressed, lm) == content
        assert compress(content, lm) == compressed


def main(command: str, path: str, count: str) -> None:
    {"compress": write, "decompress": check}[command](Path(path), int(count))
    print(f"{command}: {int(count):,} texts with NumPy {np.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
