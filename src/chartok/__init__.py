"""Characters to ids and back: exact for every string, at memory speed, with NumPy alone.

NumPy is loaded when a name that needs it is first used, not before.
"""

import importlib
from typing import TYPE_CHECKING, Any

from chartok.errors import FileDecodeError, TokenFileError, TokenIdError, UnknownCharacterError, VocabularyError

if TYPE_CHECKING:
    from chartok.codepoints import count_characters
    from chartok.encode import encode_file, encode_files
    from chartok.files.text import read_text
    from chartok.token_file import TokenFile
    from chartok.vocabulary import Vocabulary

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

__version__ = "1.0.0"

_MODULE_OF = {
    "TokenFile": "token_file",
    "Vocabulary": "vocabulary",
    "count_characters": "codepoints",
    "encode_file": "encode",
    "encode_files": "encode",
    "read_text": "files.text",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"chartok.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
