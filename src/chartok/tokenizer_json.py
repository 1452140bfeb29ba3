"""A vocabulary in the form that Hugging Face's ``tokenizers`` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chartok.codepoints import NO_CHARACTER
from chartok.errors import VocabularyError, describe_character

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from chartok.arguments import SpecialToken

SURROGATES = range(0xD800, 0xE000)


def tokenizer_json(code_points: NDArray[np.uint32], special_ids: Mapping[SpecialToken, int]) -> dict[str, Any]:
    """Returns the content of a ``tokenizer.json`` that gives every text the same ids.

    A byte-pair model without merges splits text into its code points, and a ``Fuse`` decoder joins them again;
    there is nothing before or between that could change white space. Special tokens are entries of the model
    and not "added tokens": those would be looked for in the text, where ``<pad>`` is five characters.

    Raises:
        VocabularyError: A character is a surrogate, which no text of that library can hold.
    """
    vocabulary: dict[str, int] = {}
    for token_id, code_point in enumerate(code_points.tolist()):
        if code_point in SURROGATES:
            raise VocabularyError(
                f"{describe_character(chr(code_point))} (id {token_id}) is a surrogate: tokenizer.json cannot hold it"
            )
        if code_point != NO_CHARACTER:
            vocabulary[chr(code_point)] = token_id
    vocabulary |= {f"<{role}>": token_id for role, token_id in special_ids.items()}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>" if "unk" in special_ids else None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocabulary,
            "merges": [],
        },
    }
