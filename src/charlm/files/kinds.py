"""Tells by its first bytes of which kind a file is that is no model file, and what to do with it."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING
from unicodedata import category

from chartok.files.opening import open_file
from chartok.files.suspicion import KINDS, is_safetensors

if TYPE_CHECKING:
    import os

SAMPLE = 512
"""How many bytes are looked at."""
IMPORT = "convert it with charlm import, or in Python with load_classic_gpt"
PYTORCH = "a PyTorch checkpoint"
SAFETENSORS = "a safetensors file of another program"
ARPA = "an ARPA file"
OPENING_OF_PYTORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled number with which checkpoints began before PyTorch 1.6."""
COMPRESSED = "a file of charlm compress"
OPENING_OF_COMPRESSED = b"\x89CHARLM\n"
TEXT = ("a text", "charlm train makes a model of it")
NOT_OF_TEXT = ("Cc", "Cn")
"""Control characters, but for white space, and what is no character: categories of Unicode."""
OTHERS = {
    OPENING_OF_COMPRESSED: (COMPRESSED, "decompress it with charlm decompress, and give a model"),
    OPENING_OF_PYTORCH: (PYTORCH, IMPORT),
    b"GGUF": ("a GGUF file", "charlm does not read that format"),
    b"CHARTOK\n": ("a token file, which holds a text as ids", "give a model"),
}
"""What a file is that begins so, and what to do with it."""
CLASSIFIER, ESTIMATOR = "classifier.json", "estimator.json"
"""What the folders of a classifier and of an estimator have, besides their models."""
SEVERAL_MODELS = {
    CLASSIFIER: "is the folder of a classifier, not of one model: charlm classify and TextClassifier.load read it",
    ESTIMATOR: "is the folder of an estimator, not of one model: load of its class in charlm.sklearn reads it",
}
"""What a folder with such a file is, and what reads it."""
FOLDERS = ("pytorch_model.bin", "ckpt.pt", "model.pt")
"""The checkpoints in folders of transformers, nanoGPT and minGPT."""


def kind_of(start: bytes) -> tuple[str, str] | None:
    """Returns what a file is that begins so, and what to do with it; None if that cannot be told.

    Args:
        start: The first ``SAMPLE`` bytes, or all.

    Example:
        >>> kind_of(b"GGUF and so on")
        ('a GGUF file', 'charlm does not read that format')
        >>> kind_of(b"To be, or not to be")
        ('a text', 'charlm train makes a model of it')
    """
    if start.startswith(b"PK\x03\x04") and b"/data.pkl" in start:  # PyTorch names it first
        return PYTORCH, IMPORT
    if start[:1] == b"\x08" and start[2:3] == b"\x12":  # the fields ir_version and producer_name
        return "an ONNX file", "load the model that it was exported from"
    if start.lstrip().startswith(b"\\data\\"):
        return ARPA, "convert it with charlm import, or in Python with load_arpa"
    for opening, kind in OTHERS.items():
        if start.startswith(opening):
            return kind
    for opening, (what, _) in KINDS.items():
        if start.startswith(opening) and not is_safetensors(start):  # whose length may begin so
            return what, "give a model"
    return TEXT if _is_text(start) else None


def _is_text(start: bytes) -> bool:
    """Returns whether a file that begins so is a text in UTF-8, and no JSON, of which each program has its own."""
    try:
        text = getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return False
    if not text.strip() or text.lstrip().startswith(("{", "[")):
        return False
    return all(each.isspace() or category(each) not in NOT_OF_TEXT for each in text)


def kind_of_file(path: str | os.PathLike[str]) -> str | None:
    """Returns what a file is, as far as ``kind_of`` can tell.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    with open_file(path) as file:
        kind = kind_of(file.read(SAMPLE))
    return None if kind is None else kind[0]


def explained(what: str, advice: str) -> str:
    """Returns how an error goes on after the name of a file that is no model file.

    Example:
        >>> explained("a GGUF file", "charlm does not read that format")
        'is a GGUF file, not a model file of charlm: charlm does not read that format'
    """
    return f"is {what}, not a model file of charlm: {advice}"
