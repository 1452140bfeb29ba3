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
        ValueError: As ``with_prompts_up_to`` and ``Records.limited`` do; or this is a text, and something is said of
            records.
    """
    records = corpus.records
    if records is None:
        if recipe.max_length is not None:
            raise corpus.error("max_length applies only to records: a text is cut into windows of block_size")
        if recipe.prompt_end is not None:
            raise corpus.error("prompt_end applies only to records: a text has no prompts")
        return corpus
    try:
        if recipe.prompt_end is not None and records.prompts is None:
            records = with_prompts_up_to(records, recipe.prompt_end, corpus.vocabulary)
        if recipe.max_length is not None:
            records = records.limited(recipe.max_length, recipe.too_long or "split")
    except ValueError as error:
        raise corpus.error(str(error)) from None
    return dataclasses.replace(corpus, records=records)
