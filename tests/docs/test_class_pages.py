"""Each class of the reference moves to a page of its own, and its place keeps a link and its first sentence."""

from pathlib import Path
from typing import Any

import pytest

import class_pages

REFERENCE = Path(__file__).parents[2] / "docs"
NOT_USED: Any = None
SOURCE = """# Some

```{eval-rst}
.. autoclass:: chartok.Vocabulary
   :members:

.. autofunction:: chartok.read_text

.. autoclass:: chartok.vocabulary.Vocabulary
```
"""


def test_a_class_moves_with_its_options_and_a_second_name_of_it_stays() -> None:
    assert class_pages.moved_classes(SOURCE) == {
        "chartok.Vocabulary": ".. autoclass:: chartok.Vocabulary\n   :members:\n"
    }


def test_the_page_of_a_class_describes_it() -> None:
    page = class_pages.page_of("chartok.Vocabulary", ".. autoclass:: chartok.Vocabulary\n   :members:\n")
    assert page.startswith("# Vocabulary\n")
    assert ".. autoclass:: chartok.Vocabulary\n   :members:\n```" in page


def test_a_link_takes_the_place_of_a_class_and_the_rest_stays() -> None:
    source = [SOURCE]
    class_pages.link_classes(NOT_USED, "reference/chartok", source)
    assert "- :py:class:`~chartok.Vocabulary`: " in source[0]
    assert ".. autofunction:: chartok.read_text" in source[0]
    assert source[0].endswith(":hidden:\n\nclasses/chartok.Vocabulary\n```\n")


def test_other_pages_are_left_alone() -> None:
    source = [SOURCE]
    class_pages.link_classes(NOT_USED, "tutorial/index", source)
    assert source == [SOURCE]


def test_the_first_sentence_ends_at_its_period() -> None:
    assert (
        class_pages.first_sentence("charlm.CharLM")
        == "A character-level language model that scores and generates text."
    )


def test_what_is_no_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"chartok\.read_text is no class"):
        class_pages.class_named("chartok.read_text")


@pytest.mark.parametrize("page", class_pages.PAGES)
def test_every_page_of_the_reference_has_classes(page: str) -> None:
    assert class_pages.moved_classes((REFERENCE / f"{page}.md").read_text("utf-8"))
