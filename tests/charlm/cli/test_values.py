"""Text that is typed with escapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.cli.values import unescaped
from strategies import any_text


def typed(character: str, form: str) -> str:
    width, letter = {"x": (2, "x"), "u": (4, "u"), "U": (8, "U")}[form]
    return f"\\{letter}{ord(character):0{width}x}"


@given(text=any_text)
def test_text_without_a_backslash_is_what_was_typed(text: str) -> None:
    assert unescaped(text.replace("\\", "")) == text.replace("\\", "")
    assert unescaped(text.replace("\\", "\\\\")) == text


@given(text=any_text, form=st.sampled_from("xuU"))
def test_every_character_can_be_typed_by_number(text: str, form: str) -> None:
    limit = {"x": 0xFF, "u": 0xFFFF, "U": 0x10FFFF}[form]
    possible = [character for character in text if ord(character) <= limit]
    assert unescaped("".join(typed(character, form) for character in possible)) == "".join(possible)
    assert unescaped(
        "".join(
            typed(character, form).upper().replace("\\X", "\\x").replace("\\U", f"\\{form}") for character in possible
        )
    ) == "".join(possible)


def test_short_escapes_are_those_of_python() -> None:
    assert unescaped(r"a\n\r\t\0\\n") == "a\n\r\t\0\\n"


@pytest.mark.parametrize("escape", ["\\q", "\\", "\\x1", "\\xg0", "\\u123", "\\U00110000", "\\U1234567", "\\\n", "\\N"])
@pytest.mark.parametrize("before", ["", "a\\n", "\\\\"])
def test_an_escape_that_is_none_is_named(escape: str, before: str) -> None:
    with pytest.raises(ValueError, match=r"is none of .*; a backslash itself is \\\\") as caught:
        unescaped(before + escape)
    assert str(caught.value).startswith(f"{escape[:10] if escape[1:2] == 'U' and len(escape) == 10 else escape[:2]!a}")
