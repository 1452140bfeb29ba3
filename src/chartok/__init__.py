"""Characters to ids and back: exact for every string, at memory speed, with NumPy alone."""

from chartok.errors import FileDecodeError, TokenIdError, UnknownCharacterError, VocabularyError
from chartok.textfile import read_text
from chartok.vocabulary import Vocabulary

__all__ = [
    "FileDecodeError",
    "TokenIdError",
    "UnknownCharacterError",
    "Vocabulary",
    "VocabularyError",
    "__version__",
    "read_text",
]

__version__ = "0.1.0"
