"""Each example does what its first line says."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_names_are_new_and_of_the_lengths_asked_for() -> None:
    example = load("names")
    found = example.main()
    assert len(set(found)) == 20
    assert not set(found) & set(example.SOME_NAMES.split())
    assert all(4 <= len(name) <= 10 for name in found)


def test_names_of_a_long_list_are_new(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    found = load("names").main(str(tmp_path / "names.txt"))
    assert len(set(found)) == 20
    assert not set(found) & set(names)


def test_real_words_score_above_random_ones() -> None:
    assert load("gibberish").main() >= 0.97


def test_languages_are_told_apart() -> None:
    assert load("language_id").main() == ["English", "Deutsch", "français"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") < 60
