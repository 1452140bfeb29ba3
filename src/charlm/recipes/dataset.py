"""A corpus as a dataset to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.data.framing import Framing
from charlm.data.record_dataset import RecordDataset
from charlm.data.streams import as_stream
from charlm.data.text_dataset import TextDataset

if TYPE_CHECKING:
    from charlm.data.dataset import CompleteDataset
    from charlm.recipes.corpus import Corpus


def dataset_of(corpus: Corpus, block_size: int, *, packing: bool = False) -> CompleteDataset:
    """Returns a corpus as a dataset to train on.

    Args:
        corpus: The texts.
        block_size: The largest number of inputs of an example; a longer record is cut into windows.
        packing: Whether to put records one after the other, without padding, into windows that may span several.

    Raises:
        ValueError: It is shorter than a window; or it is a text, and ``packing`` is set.
    """
    bos = Framing(corpus.vocabulary).bos
    try:
        if corpus.records is not None:
            dataset = RecordDataset.of(corpus.records, corpus.vocabulary, block_size=block_size)
            return dataset.packed(block_size) if packing else dataset
        if packing:
            raise ValueError("packing applies only to records: the windows of a text have no padding")  # noqa: TRY301
        assert corpus.stream is not None  # noqa: S101 - of a text
        pairs = corpus.passages.pairs()
        if len(pairs) == 1:
            return TextDataset(as_stream(corpus.stream).part(*pairs[0]), block_size, bos=bos)
        return TextDataset(corpus.stream, block_size, passages=pairs, bos=bos)
    except ValueError as error:
        raise corpus.error(str(error)) from None
