import pickle

import pytest

from chartok import FileDecodeError, TokenIdError, UnknownCharacterError


@pytest.mark.parametrize(
    "error",
    [
        UnknownCharacterError("\ud800", 3, 65),
        UnknownCharacterError("a", 3, 65, text_index=2),
        UnknownCharacterError("a", 3, 65, argument="prompt"),
        TokenIdError(99, 4, 65),
        TokenIdError(-1, 0, None),
        FileDecodeError("caf\u00e9.txt", 10, b"\xff", "invalid start byte"),
    ],
)
def test_errors_cross_process_borders_unchanged(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert str(error).isascii()


def test_messages_say_where_what_and_what_to_do() -> None:
    assert str(UnknownCharacterError("\ud800", 3, 65)).startswith("text[3] is U+D800 '\\ud800', which is not in")
    assert str(UnknownCharacterError("a", 3, 65, text_index=2)).startswith("texts[2][3] is U+0061 'a'")
    assert str(UnknownCharacterError("a", 3, 65, argument="prefix")).startswith("prefix[3] is U+0061 'a'")
    assert str(UnknownCharacterError("a", 3, 65, text_index=2, argument="prompt")).startswith("prompt[2][3] is U+0061")
    # Whoever called may have nothing but a text to give: no generate takes errors.
    assert str(UnknownCharacterError("a", 3, 65)).endswith(
        "of 65 ids: remove it, pass errors='ignore' where that is accepted, or use a vocabulary that has it"
    )
    assert str(TokenIdError(99, 4, 65)).startswith("ids[4] is 99: this vocabulary has ids 0 to 64")
    assert str(TokenIdError(-1, 0, None)).startswith("ids[0] is -1: ids are never negative")
