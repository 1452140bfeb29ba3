"""The texts that come with no package: Tiny Shakespeare, and makemore's list of 32,033 first names.

Each is read from the folder that ``CHARTOK_TEST_DATA`` names, by default ``../shared/data``. What is not there is
downloaded once, checked against its SHA-256, and cached where :func:`charlm.tiny_shakespeare` looks for it.
"""

from __future__ import annotations

import os
from pathlib import Path

from charlm.data.corpora import TINY_SHAKESPEARE, TINY_SHAKESPEARE_SHA256

FOLDER = Path(os.environ.get("CHARTOK_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
NAMES = "https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt"
NAMES_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"


def tiny_shakespeare() -> Path:
    """Returns the file of Tiny Shakespeare."""
    return _file("tinyshakespeare.txt", TINY_SHAKESPEARE, TINY_SHAKESPEARE_SHA256)


def first_names() -> Path:
    """Returns the file of the first names, one a line."""
    return _file("names.txt", NAMES, NAMES_SHA256)


def _file(name: str, url: str, sha256: str) -> Path:
    path = FOLDER / name
    if path.exists():
        return path
    try:
        import pooch  # noqa: PLC0415 - needed only where the file is missing

        cache = os.environ.get("CHARTOK_DATA") or pooch.os_cache("chartok")
        return Path(pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=name, path=os.fspath(cache)))
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(
            f"{path} is missing and cannot be downloaded: {error}\n"
            f"Put {name} into a folder, and name the folder in CHARTOK_TEST_DATA"
        ) from error
