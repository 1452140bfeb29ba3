"""Encodes texts that a program has or makes to a token file, in constant memory."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from chartok.arguments import check_several, checked_texts, flag
from chartok.files.atomic import Naming
from chartok.files.text import not_empty
from chartok.record_lines import ROLES
from chartok.token_file import TokenFile
from chartok.token_writer import TokenFileWriter
from chartok.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chartok.arguments import Errors


def encode_texts(
    texts: Iterable[str],
    destination: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
    *,
    records: bool = False,
    errors: Errors = "strict",
) -> TokenFile:
    """Returns the token file made from texts that a program has or makes: any iterable, in constant memory.

    Without a vocabulary the texts are needed twice. An iterator gives them only once: they are then kept in a
    temporary file beside the destination until they are encoded.

    Args:
        texts: Strings; without ``records`` they follow one another as one text, without a separator.
        destination: The file to write; an existing one is left unchanged until the new one is complete.
        vocabulary: The vocabulary to encode with; None builds one from the texts, as ``Vocabulary.from_text`` does.
            That of records has the special tokens ``bos``, ``eos`` and ``unk`` as well.
        records: Whether each text is a record of its own, with a start and an end.
        errors: What to do with a character that the vocabulary does not have, as in ``Vocabulary.encode``.

    Raises:
        UnknownCharacterError: A character has no id, under ``"strict"``; says of which text, and the position in it.
        ValueError: There is no character and no vocabulary; the vocabulary for records has no ``bos`` or no ``eos``.
        TypeError: ``texts`` is a single ``str`` or not iterable, or an item is not a ``str``.
        OSError: The file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "names.tokens"
        >>> with encode_texts((name.lower() for name in ["Ada", "Bob"]), path, records=True) as tokens:
        ...     tokens.records, tokens.vocabulary.symbols
        (2, ('a', 'b', 'd', 'o'))
    """
    check_several(texts, "texts")
    flag("records", records)
    with ExitStack() as stack:
        if vocabulary is None:
            if iter(texts) is texts:
                texts = _Spooled(checked_texts(texts, "texts"), stack.enter_context(_temporary_beside(destination)))
            found = not_empty(checked_texts(texts, "texts"), "texts")
            vocabulary = Vocabulary.from_text(found, special_tokens=ROLES if records else ())
        with TokenFileWriter(destination, vocabulary, records, errors=errors) as writer:
            for text in checked_texts(texts, "texts"):
                writer.append(text)
    return TokenFile(destination)


class _Spooled:
    """Texts that are written to a file once, and can then be read any number of times."""

    def __init__(self, texts: Iterable[str], file: IO[str]) -> None:
        file.writelines(f"{json.dumps(text, ensure_ascii=False)}\n" for text in texts)  # \u would join surrogates
        self._file = file

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        return map(json.loads, self._file)


def _temporary_beside(path: str | os.PathLike[str]) -> IO[str]:
    """Returns a file without a name in the folder of another, open for writing and reading.

    Raises:
        OSError: It cannot be created; names the other.
    """
    with Naming(os.fspath(path)):
        folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - any path
        return tempfile.TemporaryFile("w+", dir=folder, encoding="utf-8", errors="surrogatepass")
