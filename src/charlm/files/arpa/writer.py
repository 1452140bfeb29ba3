"""N-gram models in the ARPA format, which KenLM, SRILM and others read, with characters as words.

The number of n-grams of each length is followed by a section for each. A line is an n-gram with the base-10 logarithms
of its probability and, if it can be the context of a longer one, of its backoff weight: the form in which an
``NGramLanguageModel`` stores its tables. All ids are listed as n-grams of one word, in order.
``charlm.files.arpa.words`` names them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from charlm.files.arpa.reader import NEVER, read_arpa
from charlm.files.arpa.words import NAME_OF_ROLE, arpa_word
from charlm.files.serializing import check_pair
from charlm.models.ngram.table import NGramTable
from charlm.runtime.pytorch import require_pytorch
from chartok import Vocabulary
from chartok.files.atomic import replace_file
from chartok.tokens import FORMAT, VERSION

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from charlm.models.ngram.model import NGramLanguageModel
    from charlm.models.predictor import StoredModel

LN_10 = math.log(10)
LINES_AT_ONCE = 1 << 16
REQUIRED = ("bos", "eos", "unk")
"""KenLM requires their names in every file."""


def save_arpa(path: str | os.PathLike[str], model: StoredModel, vocabulary: Vocabulary) -> None:
    """Writes an n-gram model to an ARPA file; an existing file is replaced only when the new one is complete.

    Numbers have twelve digits, so that a model that is read back gives the same logarithms to within 1e-9. An id that
    is never predicted, such as ``<s>``, gets a probability of ``10^-99``, as does the name of ``bos``, ``eos`` or
    ``unk`` if the vocabulary does not have it.

    Args:
        path: The file.
        model: A fitted n-gram model.
        vocabulary: Its vocabulary.

    Raises:
        ValueError: The model is of another family or is not fitted, or the size of the vocabulary differs from its.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "model.arpa"
        >>> from charlm import NGramLanguageModel
        >>> save_arpa(path, NGramLanguageModel(2, order=2).fit([0, 1, 0]), Vocabulary("a "))
        >>> path.read_text("utf-8").splitlines()[1:3]
        ['ngram 1=5', 'ngram 2=2']
    """
    check_pair(model, vocabulary)
    if model.family != NGramTable.family:
        raise ValueError(
            f"model must be an n-gram model to be written to an ARPA file, got one of the family {model.family}: "
            "use save_model or save_onnx"
        )
    predictor = model.predictor()
    assert isinstance(predictor, NGramTable)  # noqa: S101 - by its family
    table = predictor.astype(np.dtype(np.float64))  # so that sums are not rounded again
    with replace_file(path) as file:
        for piece in _pieces(table, vocabulary):
            file.write(piece.encode())


def load_arpa(path: str | os.PathLike[str]) -> tuple[NGramLanguageModel, Vocabulary]:
    """Returns the n-gram model in an ARPA file, in evaluation mode, and the vocabulary of its words.

    Each word must be a character, or a name that ``save_arpa`` writes; ids follow the order of the file. Probabilities
    are not changed. Like a pruned model, it has no counts: ``update`` and ``prune(min_count=)`` raise
    ``ValueError``.

    Args:
        path: The file. A ``<s>``, ``</s>`` or ``<unk>`` with a probability of ``10^-99`` and no weight is left out.
            Any other ``<s>`` is never predicted, whatever its probability (some programs write 1), and neither is a
            ``<pad>`` with ``10^-99``.

    Raises:
        OSError: The file cannot be read.
        ArpaFileError: It is malformed, a word is not a character, or the prefix or suffix of an n-gram is missing;
            names the line.
        ModuleNotFoundError: PyTorch is not installed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "model.arpa"
        >>> from charlm import NGramLanguageModel
        >>> save_arpa(path, NGramLanguageModel(2, order=2).fit([0, 1, 0]), Vocabulary("a "))
        >>> load_arpa(path)[1]
        Vocabulary('a ')
    """
    table, vocabulary = load_arpa_table(path)
    require_pytorch(instead="charlm import reads an ARPA file without it")
    from charlm.models.ngram.model import NGramLanguageModel  # noqa: PLC0415 - needs PyTorch

    return NGramLanguageModel.of(table).eval(), vocabulary


def load_arpa_table(path: str | os.PathLike[str]) -> tuple[NGramTable, Vocabulary]:
    """Returns what ``load_arpa`` does, without PyTorch: the model as its table."""
    tokens, context_only, order, keys, probabilities = read_arpa(path)
    vocabulary = Vocabulary.from_dict({"format": FORMAT, "version": VERSION, "tokens": tokens})
    empty = NGramTable(vocab_size=vocabulary.size, order=order, context_only=context_only)
    return empty.holding(keys, np.zeros(0, dtype=np.int64), probabilities), vocabulary


def _pieces(table: NGramTable, vocabulary: Vocabulary) -> Iterator[str]:
    """Yields the file in pieces of thousands of lines."""
    tokens = (tuple(token) if isinstance(token, list) else token for token in vocabulary.to_dict()["tokens"])
    words = np.array([arpa_word(token) for token in tokens], dtype=object)
    absent = [NAME_OF_ROLE[role] for role in REQUIRED if role not in vocabulary.special_tokens]
    keys, levels = table.keys, table.levels
    log_probabilities, log_backoffs = table.backoff_table()
    counts = [len(words) + len(absent), *(stop - start for start, stop in pairwise(levels[1:]))]
    yield "\\data\\\n"
    yield from (f"ngram {length}={count}\n" for length, count in enumerate(counts, start=1))
    yield "\n\\1-grams:\n"
    unigrams = words.copy()
    if table.order == 1:  # a weight distinguishes them from names that the vocabulary does not have
        unigrams[list(table.context_only)] += "\t0"
    yield _lines(unigrams.tolist(), *_unigrams(table))
    yield from (f"{NEVER:g}\t{word}\n" for word in absent)
    for length in range(2, table.order + 1):
        yield f"\n\\{length}-grams:\n"
        for start in range(levels[length - 1], levels[length], LINES_AT_ONCE):
            lines = slice(start, min(start + LINES_AT_ONCE, levels[length]))
            columns = [words[ids].tolist() for ids in _ids(keys, lines, table.vocab_size)]
            weights = None if length == table.order else log_backoffs[lines.start + 1 : lines.stop + 1]
            yield _lines(map(" ".join, zip(*columns, strict=True)), log_probabilities[lines], weights)
    yield "\n\\end\\\n"


def _unigrams(table: NGramTable) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Returns the logarithms of the probabilities of all ids, stored or not, and of their weights, if any."""
    log_probabilities = table.search.rows(np.zeros(1, dtype=np.int64))[0]
    if table.order == 1:
        return log_probabilities, None
    stored = table.ids[: table.levels[1]]
    log_backoffs = np.zeros(table.vocab_size)
    log_backoffs[stored] = table.log_backoffs[1 : len(stored) + 1]
    return log_probabilities, log_backoffs


def _ids(keys: NDArray[np.int64], ngrams: slice, vocab_size: int) -> list[NDArray[np.int64]]:
    """Returns the first ids of n-grams of one length, the second ids, and so on."""
    parents, ids = np.divmod(keys[ngrams], vocab_size)
    columns = [ids]
    while parents.any():
        parents, ids = np.divmod(keys[parents - 1], vocab_size)
        columns.append(ids)
    return columns[::-1]


def _lines(
    ngrams: Iterable[str], log_probabilities: NDArray[np.float64], log_backoffs: NDArray[np.float64] | None
) -> str:
    # Avoids negative zero, and clamps to the value that represents a probability of zero.
    shown = (np.maximum(np.minimum(log_probabilities, 0) / LN_10, NEVER) + 0.0).tolist()
    if log_backoffs is None:
        return "".join([f"{number:.12g}\t{ngram}\n" for number, ngram in zip(shown, ngrams, strict=True)])
    weights = (log_backoffs / LN_10).tolist()
    lines = zip(shown, ngrams, weights, strict=True)
    return "".join([f"{number:.12g}\t{ngram}\t{weight:.12g}\n" for number, ngram, weight in lines])
