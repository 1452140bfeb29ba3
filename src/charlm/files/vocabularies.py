"""Reads a vocabulary from whatever has one: a run, a model file, a token file, JSON, or nanoGPT's ``meta.pkl``."""

from __future__ import annotations

import os
from pathlib import Path

from charlm.files.meta_pickle import is_pickle, read_meta_pickle
from charlm.files.model_file import read_model_file
from chartok import TokenFile, Vocabulary, VocabularyError
from chartok.files.opening import open_file
from chartok.files.strict_json import parse_json, read_json
from chartok.token_file import is_token_file


def read_vocabulary(path: str | os.PathLike[str]) -> Vocabulary:
    """Returns the vocabulary of a run folder, a model file, a token file, a ``tokenizer.json``, or one in JSON.

    Also that in a ``meta.pkl`` of nanoGPT, of which nothing is run.

    Its content says which of these it is, not its name.

    Args:
        path: The file or folder.

    Raises:
        OSError: It cannot be read.
        ValueError: It is none of these, or is damaged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "vocabulary.json"
        >>> Vocabulary("abc").save(path)
        >>> read_vocabulary(path)
        Vocabulary('abc')
    """
    if Path(path).is_dir():
        return read_model_file(path).vocabulary
    if is_token_file(path):
        with TokenFile(path) as tokens:
            return tokens.vocabulary
    if is_pickle(path):
        return read_meta_pickle(path)
    with open_file(path) as file:
        is_json = file.read(64).lstrip().startswith(b"{")
    if not is_json:  # a model file begins with eight bytes of a length
        return read_model_file(path).vocabulary
    try:
        content = parse_json(read_json(path))
    except ValueError as error:
        raise VocabularyError(f"{os.fspath(path)!a}: {error}") from None
    return Vocabulary.from_tokenizer_json(path) if "model" in content else Vocabulary.load(path)
