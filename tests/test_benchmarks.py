"""What the documentation says of speed and loss is what was measured."""

import page
import pytest
import quotes
from comparison import Comparison, compare


def compared(ours: float, rival: float, *, target: float = 1.0, why: str = "") -> Comparison:
    return Comparison(
        name="a thing",
        ours=lambda: ours,
        rival_name="theirs",
        rival=lambda: rival,
        target=target,
        unit="bytes",
        samples=3,
        why=why,
    )


def test_the_page_is_made_of_the_figures() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_the_figures_in_the_readme_are_those_that_were_measured() -> None:
    readme = quotes.README.read_text(encoding="utf-8")
    assert quotes.quoted(readme) == readme


def test_another_figure_in_the_readme_is_put_right() -> None:
    readme = quotes.README.read_text(encoding="utf-8")
    wrong = readme.replace("nats a character; a bigram has 2.", "nats a character; a bigram has 1.")
    assert wrong != readme
    assert quotes.quoted(wrong) == readme


def test_a_readme_without_one_of_the_sentences_is_refused() -> None:
    readme = quotes.README.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"expected .* once, found it 0 times"):
        quotes.quoted(readme.replace("a bigram has", "a bigram may have"))


def test_a_ratio_says_how_many_times_more_the_rival_takes() -> None:
    result = compare(compared(ours=2, rival=10))
    assert (result.ours, result.rival, result.ratio) == (2, 10, 5)


@pytest.mark.parametrize(("target", "is_shown"), [(4.0, False), (5.0, False), (6.0, True)])
def test_a_reason_is_shown_only_below_the_target(target: float, is_shown: bool) -> None:
    result = compare(compared(ours=2, rival=10, target=target, why="It must be so."))
    assert bool(result.explanation) == is_shown
