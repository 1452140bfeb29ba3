"""Prints the memory, beyond Python with NumPy, for loading a count model and scoring a line, or for importing torch."""

import importlib
import sys

import numpy as np  # noqa: F401 - its memory does not count

from alone import peak_bytes


def main(what: str, *arguments: str) -> None:
    """Imports a module, scores a line if there is a model, and prints the memory."""
    before = peak_bytes()
    module = importlib.import_module(what)
    if arguments:
        module.CharLM.load(arguments[0]).score_samples(["To be, or not to be"])
    print(peak_bytes() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
