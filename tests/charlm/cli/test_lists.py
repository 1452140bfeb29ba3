"""A list that is learned as one text is noticed, and running text is not taken for one."""

from pathlib import Path

import pytest

from charlm.cli.app import main
from charlm.cli.lists import SAMPLE, hint_of_records, is_list
from charlm.recipes.corpus import Corpus

CITIES = ["Amsterdam", "Athens", "Berlin", "Bern", "Bratislava", "Brussels", "Bucharest", "Budapest", "Dublin", "Oslo"]
VERSES = "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n".join(CITIES[:5]),
        "\n\n".join(CITIES),
        "Athens\n" * 30,
        "\n".join(f"{number} {VERSES}" for number in range(30)),
        "\n".join(f"{city} is a city, and this line is far too long for a thing in a list" for city in CITIES),
    ],
)
def test_running_text_is_no_list(text: str) -> None:
    assert not is_list(text)


@pytest.mark.parametrize("end", ["", "\n"])
def test_short_lines_that_differ_are_a_list(end: str) -> None:
    assert is_list("\n".join(CITIES) + end)
    assert is_list("\r\n".join(f"{left}+{left}={2 * left}" for left in range(30)) + end)


def test_the_beginning_of_a_long_list_is_enough() -> None:
    names = "\n".join(f"name {number}" for number in range(SAMPLE // 5))
    assert hint_of_records(Corpus.of_text(names)) is not None
    assert hint_of_records(Corpus.of_text(names[: SAMPLE - 1] + "\n" + VERSES)) is not None
    assert hint_of_records(Corpus.of_records(CITIES)) is None


def test_training_on_a_list_without_records_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cities.txt").write_text("\n".join(CITIES), encoding="utf-8")
    note = "charlm: the lines look like a list, and are learned as one text: --records learns each as an example"
    assert main(["train", "cities.txt", "--model", "bigram", "--out", "text"]) == 0
    assert note in capsys.readouterr().err
    assert main(["train", "cities.txt", "--model", "bigram", "--out", "records", "--records"]) == 0
    assert note not in capsys.readouterr().err
