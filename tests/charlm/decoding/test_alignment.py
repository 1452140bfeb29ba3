import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.decoding import alignment
from charlm.decoding.alignment import aligned, edit_costs

short = st.text("abc\U0001f600", max_size=7)


def distance(seen: str, true: str) -> int:
    """Returns the fewest edits, as plainly as can be."""
    if not seen or not true:
        return len(seen) + len(true)
    return min(
        distance(seen[1:], true[1:]) + (seen[0] != true[0]), distance(seen[1:], true) + 1, distance(seen, true[1:]) + 1
    )


@given(seen=st.text("abc", max_size=4), true=st.text("abc", max_size=4))
def test_an_alignment_has_the_fewest_edits(seen: str, true: str) -> None:
    assert int(edit_costs(seen, true)[-1, -1]) == distance(seen, true)
    assert sum(one != other for one, other in aligned(seen, true)) == distance(seen, true)


@given(seen=short, true=short)
def test_the_sides_of_an_alignment_are_the_texts(seen: str, true: str) -> None:
    pairs = aligned(seen, true)
    assert "".join(one for one, _ in pairs) == seen
    assert "".join(other for _, other in pairs) == true
    assert ("", "") not in pairs


def test_texts_whose_table_would_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="texts of 9 and 8 characters are too long to align: give lines"):
        aligned("a" * 9, "b" * 8)
