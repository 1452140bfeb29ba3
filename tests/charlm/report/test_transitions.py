"""The table of transitions has the most frequent symbols, and leaves out more of them on a narrow screen."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from charlm import CharLM
from charlm.models.bigram.table import BigramTable
from charlm.report.heat_map import FITTING, heat_map
from charlm.report.transitions import MOST_SYMBOLS, transitions


def test_a_large_vocabulary_shows_its_frequent_characters() -> None:
    text = "".join(chr(0x4E00 + place) for place in range(300)) + "abab" * 99
    lm = CharLM.fit(text, "bigram")
    table = transitions(lm)
    assert len(table.symbols) == MOST_SYMBOLS
    assert {"a", "b"} <= set(table.symbols)
    assert table.left_out == 302 - MOST_SYMBOLS
    assert heat_map(table).count("<td style") == MOST_SYMBOLS**2


def test_the_rows_of_a_large_vocabulary_are_never_all_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    characters = [chr(0x4E00 + place) for place in range(300)]
    lm = CharLM.fit("".join(character * place for place, character in enumerate(characters, 1)), "bigram")
    expected = transitions(lm)
    start, rows = BigramTable.start, []

    def counting(model: BigramTable, prompts: NDArray[np.int64]) -> Any:
        rows.append(len(prompts))
        return start(model, prompts)

    monkeypatch.setattr(BigramTable, "start", counting)
    monkeypatch.setattr("charlm.report.transitions.ROWS_AT_ONCE", 70)
    table = transitions(lm)
    assert table.symbols == expected.symbols == characters[-MOST_SYMBOLS:]
    np.testing.assert_allclose(table.probabilities, expected.probabilities)
    assert max(rows) == MOST_SYMBOLS


def test_the_text_says_which_characters_are_frequent() -> None:
    lm = CharLM.fit("".join(f"{first}{second}" for first in "abcdefgh" for second in "abcdefgh"), "bigram")
    text = "".join(character * 100 * place for place, character in enumerate("abcdefgh", 1))
    assert transitions(lm, [lm.inspect(text)]).ranks.tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_without_a_text_a_record_that_ends_goes_on_with_another() -> None:
    table = transitions(CharLM.fit(["Xa", "Xb", "Xc", "Xd"] * 9))
    assert table.symbols[int(np.argmin(table.ranks))] == "X"  # it follows no symbol


def test_a_narrow_screen_shows_the_most_frequent_symbols() -> None:
    characters = [chr(0x4E00 + place) for place in range(60)]
    table = transitions(CharLM.fit("".join(each * place for place, each in enumerate(characters, 1)), "bigram"))
    assert table.ranks.tolist() == list(range(60))[::-1]
    sheets = re.findall(r"@media\(max-width:(\w+)\){(.*?){display:none}}", heat_map(table))
    for width, selectors in sheets:
        hidden = {int(place) - 2 for place in re.findall(r"tr>:nth-child\((\d+)\)", selectors)}
        assert hidden == set(range(60 - FITTING[width]))
    assert len(sheets) == 3
