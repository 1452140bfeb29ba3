"""A model for a browser fits into the size that is asked for, or is refused with its size and what to do."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import browser_models
import charlm.recipes.browser as module
from charlm import CharLM, NGramLanguageModel, NGramTable, save_javascript
from charlm.cli.app import main
from charlm.files.browser.container import size_of_text
from charlm.recipes.browser import browser_model
from chartok import Vocabulary

SYMBOLS = Vocabulary("abcdefgh")


@pytest.fixture(scope="module")
def table() -> NGramTable:
    return NGramTable.fit(np.random.default_rng(0).integers(0, 8, 6000), vocab_size=8, order=5)


def test_an_n_gram_model_is_pruned_until_it_fits_and_says_so(table: NGramTable) -> None:
    whole, notes = size_of_text(browser_model(table, SYMBOLS)), list[str]()
    before = len(table)
    for limit in (whole // 2, whole // 4):
        data = browser_model(table, SYMBOLS, max_bytes=limit, note=notes.append)
        assert 0.5 * limit < size_of_text(data) <= limit
    assert len(table) == before
    assert all("n-grams are kept" in note for note in notes)
    assert len(notes) == 2


def test_a_loss_is_that_of_the_whole_model_alone(table: NGramTable) -> None:
    def shown(max_bytes: int | None) -> bool:
        data = browser_model(table, SYMBOLS, validation_nats=1.5, max_bytes=max_bytes)
        return b'validationLoss\\": 1.5' in gzip.decompress(data)

    whole = size_of_text(browser_model(table, SYMBOLS, validation_nats=1.5))
    assert shown(None)
    assert not shown(whole // 2)


def test_a_model_that_fits_is_not_pruned(table: NGramTable) -> None:
    notes: list[str] = []
    whole = browser_model(table, SYMBOLS)
    assert browser_model(table, SYMBOLS, max_bytes=size_of_text(whole), note=notes.append) == whole
    assert browser_model(NGramLanguageModel.of(table), SYMBOLS, max_bytes="1MB", note=notes.append) == whole
    assert not notes


def test_nothing_is_pruned_unless_a_size_is_given(table: NGramTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    with pytest.raises(ValueError, match=r"takes .* bytes in a page, and 1,000 is the most: give a max_bytes"):
        browser_model(table, SYMBOLS)


def test_a_size_that_no_n_grams_fit_into_is_refused(table: NGramTable) -> None:
    with pytest.raises(ValueError, match="max_bytes of 200 is too small for this model and its vocabulary"):
        browser_model(table, SYMBOLS, max_bytes=200)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("bigram, counted", "make one with a smaller vocabulary"),
        ("gpt with a prior", "train one of a smaller size or, if it has n-grams, of a lower order"),
        ("mixture", "train one of a smaller size"),
        ("classic gpt", "train one of a smaller size"),
    ],
)
def test_other_families_are_refused_with_their_size(name: str, advice: str) -> None:
    case = browser_models.case(name)
    size = size_of_text(browser_model(case.model, case.vocabulary))
    with pytest.raises(ValueError, match=f"takes {size:,} bytes in a page, and 100 is the most.*{advice}"):
        browser_model(case.model, case.vocabulary, max_bytes=100)


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), ("much", ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_a_size_that_is_none_is_refused(table: NGramTable, size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_bytes"):
        browser_model(table, SYMBOLS, max_bytes=size)


def test_a_vocabulary_of_another_size_is_refused(table: NGramTable) -> None:
    with pytest.raises(ValueError, match="as many ids as the model"):
        browser_model(table, Vocabulary("ab"))


def test_the_default_size_can_be_mailed() -> None:
    assert module.LARGEST == 20_000_000


def test_a_script_is_written_whole_or_not_at_all(tmp_path: Path, table: NGramTable) -> None:
    path = tmp_path / "some names.js"
    path.write_text("before")
    with pytest.raises(ValueError, match="too small"):
        save_javascript(path, table, SYMBOLS, max_bytes=9)
    assert path.read_text() == "before"
    save_javascript(path, table, SYMBOLS)
    assert path.read_text(encoding="ascii").splitlines()[-1].startswith('charlm.models["some names"] = "')
    assert [*tmp_path.iterdir()] == [path]


def test_the_command_line_writes_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: NGramTable
) -> None:
    model, out = tmp_path / "model.safetensors", tmp_path / "page.js"
    CharLM(table, SYMBOLS).save(model)
    assert main(["export", str(model), "--format", "js", "--out", str(out), "--max-bytes", "5KB"]) == 0
    said = capsys.readouterr()
    assert said.out == f"saved to {out}\n"
    assert "n-grams are kept, those that do most" in said.err
    assert len(out.read_text(encoding="ascii").splitlines()[-1]) < 5_100
    assert main(["export", str(model), "--format", "arpa", "--out", str(out), "--max-bytes", "5KB"]) == 2
    assert "--max-bytes is for --format js, got --format arpa: leave it out" in capsys.readouterr().err
