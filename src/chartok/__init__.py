"""Characters to ids and back: exact for every string, at memory speed, with NumPy alone."""

from chartok.encodefile import encode_file, encode_files
from chartok.errors import FileDecodeError, TokenFileError, TokenIdError, UnknownCharacterError, VocabularyError
from chartok.textfile import read_text
from chartok.tokenfile import TokenFile
from chartok.vocabulary import Vocabulary, count_characters

__all__ = [
    "FileDecodeError",
    "TokenFile",
    "TokenFileError",
    "TokenIdError",
    "UnknownCharacterError",
    "Vocabulary",
    "VocabularyError",
    "__version__",
    "count_characters",
    "encode_file",
    "encode_files",
    "read_text",
]

__version__ = "0.1.0"
