"""Prints what memory it takes, over Python with NumPy, to load a count model and score a line, or to import torch."""

import importlib
import sys

import numpy as np  # noqa: F401 - what it takes does not count

from alone import peak_bytes


def main(what: str, *arguments: str) -> None:
    """Does it."""
    before = peak_bytes()
    module = importlib.import_module(what)
    if arguments:
        module.CharLM.load(arguments[0]).score_samples(["To be, or not to be"])
    print(peak_bytes() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
