"""What hypothesis generates, built once, and how much of it."""

from hypothesis import settings
from hypothesis import strategies as st

from chartok import Vocabulary

any_character = st.integers(0, 0x10FFFF).map(chr)
"""Every code point, lone surrogates included; ``st.characters`` leaves some out or makes them rare."""

any_text = st.text(st.one_of(st.characters(codec="latin-1"), st.characters(exclude_categories=()), any_character))
"""Narrow and wide characters mixed, so that both ways through the tables are taken."""

special_tokens = st.lists(st.sampled_from(["pad", "bos", "eos", "unk"]), unique=True)

vocabularies = st.builds(Vocabulary, st.lists(any_character, unique=True, max_size=300), special_tokens=special_tokens)
"""Sizes on both sides of a byte, in any order of characters, with any special tokens."""

_few = st.text(st.sampled_from("abc\0\ud800\U0001f600"), min_size=1, max_size=4)
symbol_vocabularies = st.builds(
    Vocabulary,
    st.lists(_few, unique=True, max_size=12),
    special_tokens=special_tokens | st.just(["pad", "<mask>", "unk"]),
)
"""Symbols of one character and of several that are prefixes of each other, overlap, or have characters with no id."""

text_of_symbols = st.text(st.sampled_from("abc\0\ud800\U0001f600d"))
"""Text in which those symbols occur often, with one character that no vocabulary has."""


def costly(least: int = 20, *, share: float = 0.1) -> settings:
    """Returns the settings of a property that takes long, with models or on disk.

    Args:
        least: How many examples it has in any case.
        share: Of the examples of the profile, where that is more.
    """
    return settings(max_examples=max(least, round(share * settings().max_examples)))
