"""Prints the recipe for a source distribution, with its SHA-256: ``fill_in.py dist/chartok-1.0.0.tar.gz``."""

import hashlib
import re
import sys
from pathlib import Path

RECIPE = Path(__file__).with_name("recipe.yaml")
NAME = re.compile(r"chartok-(\d+\.\d+\.\d+\S*)\.tar\.gz")


def filled_in(source: Path) -> str:
    """Returns the recipe for a source distribution.

    Raises:
        ValueError: The file does not have the name of one.
        OSError: It cannot be read.
    """
    named = NAME.fullmatch(source.name)
    if named is None:
        raise ValueError(f"expected chartok-VERSION.tar.gz, got {source.name!a}")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    text = re.sub(r"(?m)^  version: .*", f'  version: "{named[1]}"', RECIPE.read_text("utf-8"), count=1)
    return re.sub(r'(?m)^  sha256: "0{64}".*', f"  sha256: {digest}", text)


if __name__ == "__main__":
    print(filled_in(Path(sys.argv[1])), end="")
