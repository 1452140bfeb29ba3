"""A model as the bytes that the runtime in a browser reads, and as a script with the runtime, within a size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from charlm.files.browser.container import browser_bytes, size_of_text
from charlm.files.browser.packing import packed_model
from charlm.files.browser.script import model_script
from charlm.files.browser.summary import summary_of
from charlm.files.serializing import check_pair
from charlm.models.ngram.packing import compact_size
from charlm.models.ngram.table import NGramTable, table_of
from chartok.arguments import file_path, finite_number, size_in_bytes
from chartok.files.atomic import replace_file
from chartok.files.reading import say_nothing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary
    from chartok.files.reading import Note

LARGEST = 20_000_000
"""How much text a model may be unless someone says: what can be mailed in a page, and is read in a few seconds."""
MOST_ATTEMPTS = 3
"""How often an n-gram model is pruned to find one that fits; the second fits, unless the limit is tiny."""
MARGIN = 0.94
"""Of the size aimed at: what is left when n-grams go can be packed less tightly."""


def browser_model(
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    *,
    name: str | None = None,
    validation_nats: float | None = None,
    max_bytes: int | str | None = None,
    note: Note = say_nothing,
) -> bytes:
    r"""Returns a model and its vocabulary as the bytes that ``charlm.load`` of the runtime takes.

    Args:
        model: A model of any family; it is not changed.
        vocabulary: Its vocabulary.
        name: What to call it.
        validation_nats: Its loss on held-out text, in nats per character, if it is known; it is left out of a model
            that is pruned here.
        max_bytes: Maximum size of the bytes in base64, as a page has them, a number or such as ``"2MB"``: an n-gram
            model is pruned until it fits, and any other is refused. By default 20 MB, and none is pruned.
        note: Called with a line that says what was left out.

    Raises:
        ValueError: The model is too large, has not been fitted, or has weights that are not finite; its family is not
            one of charlm's; or the sizes of the model and the vocabulary differ.

    Example:
        >>> from charlm import NGramTable
        >>> from chartok import Vocabulary
        >>> table = NGramTable.fit([0, 1, 0, 0], vocab_size=2, order=2)
        >>> browser_model(table, Vocabulary("ab"), max_bytes="10KB")[:2]
        b'\x1f\x8b'
    """
    check_pair(model, vocabulary)
    if validation_nats is not None:
        finite_number("validation_nats", validation_nats)
    limit = LARGEST if max_bytes is None else size_in_bytes("max_bytes", max_bytes)
    about = {"name": name, "validationLoss": validation_nats}
    data = _packed(model, vocabulary, about)
    if size_of_text(data) <= limit:
        return data
    table = table_of(model)
    if table is None or max_bytes is None:
        raise ValueError(_too_large(model, size_of_text(data), limit))
    unmeasured = about | {"validationLoss": None}
    smaller, data = _pruned(table, data, partial(_packed, vocabulary=vocabulary, about=unmeasured), limit)
    note(
        f"{len(smaller):,} of {len(table):,} n-grams are kept, those that do most, so that the model takes "
        f"{size_of_text(data):,} bytes in a page"
    )
    return data


def save_javascript(
    path: str | os.PathLike[str],
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    *,
    validation_nats: float | None = None,
    max_bytes: int | str | None = None,
    note: Note = say_nothing,
) -> None:
    """Writes a model and everything needed to run it as one script, for a page or for Node.

    The script defines the global ``charlm``, and has the model in ``charlm.models``, by the name of the file without
    its ending: after ``<script src="names.js"></script>`` a page calls ``charlm.load(charlm.models.names)``. The
    comment at its beginning lists everything else. It needs no other file and no network. Probabilities are those of
    the model, up to rounding: that of its compact file for n-grams, and to 8-bit weights for a Transformer.

    Args:
        path: The file; an existing one is replaced only when the new one is complete.
        model: A model of any family; it is not changed.
        vocabulary: Its vocabulary.
        validation_nats: Its loss on held-out text, in nats per character, if it is known: what a page may show.
        max_bytes: As for ``browser_model``: maximum size of the model, without the runtime.
        note: Called with a line that says what was left out.

    Raises:
        ValueError: As for ``browser_model``.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from charlm import NGramTable
        >>> from chartok import Vocabulary
        >>> path = Path(tempfile.mkdtemp()) / "ab.js"
        >>> save_javascript(path, NGramTable.fit([0, 1, 0, 0], vocab_size=2, order=2), Vocabulary("ab"))
        >>> path.read_text().splitlines()[-1][:31]
        'charlm.models["ab"] = "H4sIAAAA'
    """
    name = file_path("path", path).stem
    data = browser_model(model, vocabulary, name=name, validation_nats=validation_nats, max_bytes=max_bytes, note=note)
    with replace_file(path) as file:
        file.write(model_script(name, data).encode("ascii"))


def _packed(model: LanguageModel | CountModel, vocabulary: Vocabulary, about: dict[str, Any]) -> bytes:
    packed = packed_model(model)
    summary = about | summary_of(packed)
    return browser_bytes(
        packed.arrays, {"model": packed.description, "summary": summary, "vocabulary": vocabulary.to_dict()}
    )


def _pruned(
    table: NGramTable, data: bytes, pack: Callable[[NGramTable], bytes], limit: int
) -> tuple[NGramTable, bytes]:
    """Returns a table that fits, and its bytes.

    How many bytes an n-gram takes is known once those of some model are.

    Raises:
        ValueError: None fits.
    """
    smaller = table
    for _ in range(MOST_ATTEMPTS):
        share = size_of_text(data) / compact_size(table, len(smaller), len(smaller.log_backoffs))
        try:
            smaller = table.prune(max_bytes=max(1, int(MARGIN * limit / share)))
        except ValueError:
            break
        data = pack(smaller)
        if size_of_text(data) <= limit:
            return smaller, data
    raise ValueError(
        f"max_bytes of {limit:,} is too small for this model and its vocabulary, however many n-grams are left out: "
        "give more"
    )


def _too_large(model: LanguageModel | CountModel, size: int, limit: int) -> str:
    if model.family == "ngram":
        advice = "give a max_bytes, to which it is pruned"
    elif model.family == "bigram":
        advice = "give a larger max_bytes, or make one with a smaller vocabulary"
    else:
        advice = "give a larger max_bytes, or train one of a smaller size or, if it has n-grams, of a lower order"
    return f"the model takes {size:,} bytes in a page, and {limit:,} is the most: {advice}"
