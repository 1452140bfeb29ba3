"""What a recipe says of records: where their prompts end, and what becomes of long ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from charlm.data.prompts import with_prompts_up_to

if TYPE_CHECKING:
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.presets import Recipe


def shaped(corpus: Corpus, recipe: Recipe) -> Corpus:
    """Returns a corpus with its prompts masked and its long records dealt with; one that is so already is unchanged.

    Args:
        corpus: The texts.
        recipe: Says where prompts end, and what becomes of long records.

    Raises:
        ValueError: As ``masked`` and ``Records.limited`` do; or this is a text, and something is said of records.
    """
    if recipe.prompt_end is not None and (corpus.records is None or corpus.records.prompts is None):
        corpus = masked(corpus, recipe.prompt_end)
    if recipe.max_length is None:
        return corpus
    if corpus.records is None:
        raise corpus.error("max_length applies only to records: a text is cut into windows of block_size")
    try:
        records = corpus.records.limited(recipe.max_length, recipe.too_long or "split")
    except ValueError as error:
        raise corpus.error(str(error)) from None
    return dataclasses.replace(corpus, records=records)


def masked(corpus: Corpus, prompt_end: str) -> Corpus:
    """Returns a corpus of records whose prompts end with the first occurrence of a string, and are masked.

    Raises:
        ValueError: As ``with_prompts_up_to`` does; or this is a text.
    """
    if corpus.records is None:
        raise corpus.error("prompt_end applies only to records: a text has no prompts")
    try:
        records = with_prompts_up_to(corpus.records, prompt_end, corpus.vocabulary)
    except ValueError as error:
        raise corpus.error(str(error)) from None
    return dataclasses.replace(corpus, records=records)
