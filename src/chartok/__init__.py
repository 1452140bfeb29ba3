"""Characters to ids and back: exact for every string, at memory speed, with NumPy alone.

NumPy is loaded only when a name that needs it is first used. Type checkers and editors read the same names in
``__init__.pyi``, which a test compares with the table below.
"""

from chartok.lazy import lazy_names

__version__ = "1.0.0"

_MODULE_OF = {
    "FileDecodeError": "errors",
    "IncrementalEncoder": "incremental",
    "ReadingSettings": "files.reading",
    "SourceError": "errors",
    "TokenFile": "token_file",
    "TokenFileError": "errors",
    "TokenFileWriter": "token_writer",
    "TokenIdError": "errors",
    "UnknownCharacterError": "errors",
    "Vocabulary": "vocabulary",
    "VocabularyError": "errors",
    "count_characters": "codepoints",
    "encode_file": "encode",
    "encode_files": "encode",
    "encode_texts": "encode_iterable",
    "read_counts": "files.counts",
    "read_records": "files.records",
    "read_text": "files.text",
}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604 - strings, all of them

__getattr__, __dir__ = lazy_names(__name__, _MODULE_OF)
