"""A model as the bytes that the runtime in a browser reads, within a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.files.browser.container import browser_bytes
from charlm.files.browser.packing import packed_model
from charlm.files.serializing import check_sizes

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary


def browser_model(model: LanguageModel | CountModel, vocabulary: Vocabulary) -> bytes:
    """Returns a model and its vocabulary as the bytes that ``charlm.load`` of the runtime takes.

    Args:
        model: A model of any family.
        vocabulary: Its vocabulary.

    Raises:
        ValueError: The sizes of the model and the vocabulary differ, or the model has not been fitted.
    """
    check_sizes(model, vocabulary)
    packed = packed_model(model)
    return browser_bytes(packed.arrays, {"model": packed.description, "vocabulary": vocabulary.to_dict()})
