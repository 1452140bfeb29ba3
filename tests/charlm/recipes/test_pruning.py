"""Promises of smaller n-gram models, in Python and on the command line: files of the size that was asked for."""

import json
from pathlib import Path

import numpy as np
import pytest

from charlm import BigramLanguageModel, CharLM, NGramLanguageModel, python_docs, save_model
from charlm.cli.app import main
from chartok import Vocabulary

TEXT = python_docs()[:30_000]


@pytest.fixture(scope="module")
def lm() -> CharLM:
    return CharLM.fit(TEXT, order=5, smoothing="learned")


def test_a_compact_file_has_at_most_the_size_that_was_asked_for_and_scores_as_the_model_does(
    lm: CharLM, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    for max_bytes in (20_000, 40_000, 1_000_000):
        pruned = lm.prune(max_bytes=max_bytes)
        pruned.save(path, compact=True)
        size = path.stat().st_size
        assert size <= max_bytes
        assert size > max_bytes * 0.99 or len(pruned.stored) == len(lm.stored)  # type: ignore[arg-type]  # a table
        loaded = CharLM.load(path)
        assert loaded.score_samples([TEXT[:2000]]) == pytest.approx(pruned.score_samples([TEXT[:2000]]), rel=1e-3)
        assert CharLM(loaded.model, loaded.vocabulary).perplexity(TEXT[:99]) == pytest.approx(
            CharLM.load(path).perplexity(TEXT[:99]), rel=1e-6
        )


def test_an_exact_file_is_the_model_to_the_bit(lm: CharLM, tmp_path: Path) -> None:
    lm.save(tmp_path / "model.safetensors")
    loaded = CharLM.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.log_probabilities(TEXT[:999]), lm.log_probabilities(TEXT[:999]))
    assert loaded.update("new").score_samples(["new"]) == pytest.approx(lm.update("new").score_samples(["new"]))


def test_pruning_leaves_the_model_as_it_was(lm: CharLM) -> None:
    before = lm.score_samples([TEXT[:99]])
    pruned = lm.prune(entropy=1e-5)
    assert repr(pruned) == repr(lm)
    assert pruned.score_samples([TEXT[:99]]) < before
    assert np.array_equal(lm.score_samples([TEXT[:99]]), before)
    assert CharLM.fit(["ava", "eva"]).prune(2).sample(1)


def test_what_cannot_be_made_smaller_is_refused(lm: CharLM, tmp_path: Path) -> None:
    bigram = CharLM.fit("abc" * 9, "bigram")
    with pytest.raises(ValueError, match="n-gram models can be pruned, got one of the family bigram"):
        bigram.prune(2)
    for model, vocabulary in ((bigram.stored, bigram.vocabulary), (BigramLanguageModel(3), Vocabulary("abc"))):
        with pytest.raises(ValueError, match="compact is for n-gram models, got one of the family bigram"):
            save_model(tmp_path / "model", model, vocabulary, compact=True)
    with pytest.raises(ValueError, match="not fitted"):
        save_model(tmp_path / "model", NGramLanguageModel(3, order=2), Vocabulary("abc"), compact=True)
    with pytest.raises(TypeError, match="compact must be True or False, got 1"):
        lm.save(tmp_path / "model", compact=1)  # type: ignore[arg-type]  # the promise
    with pytest.raises(ValueError, match=r"max_bytes must be at least .*, got 100"):
        lm.prune(max_bytes=100)
    assert not list(tmp_path.iterdir())
    lm.save(tmp_path / "model", compact=True)
    compact = CharLM.load(tmp_path / "model")
    with pytest.raises(ValueError, match="has no counts"):
        compact.prune(2)
    with pytest.raises(ValueError, match="has no counts"):
        compact.update("new")
    assert len(compact.prune(entropy=1e-5).stored) < len(compact.stored)  # type: ignore[arg-type]  # tables


def test_a_command_prunes(
    lm: CharLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lm.save("model")
    whole = len(lm.stored)  # type: ignore[arg-type]  # a table
    assert main(["prune", "model", "--max-bytes", "40000", "--out", "small"]) == 0
    pruned = len(lm.prune(max_bytes=40_000).stored)  # type: ignore[arg-type]  # likewise
    size = Path("small").stat().st_size
    assert capsys.readouterr().out == f"{pruned:,} of {whole:,} n-grams in {size:,} bytes: saved to small\n"
    assert size <= 40_000
    assert main(["prune", "model", "--max-bytes", "40KB", "--out", "same"]) == 0
    assert Path("same").read_bytes() == Path("small").read_bytes()
    capsys.readouterr()
    assert main(["prune", "model", "--compact", "--out", "compact", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "out": "compact", "n_grams_before": whole, "n_grams": whole, "bytes": Path("compact").stat().st_size
    }  # fmt: skip
    for limit in (("--min-count", "2"), ("--entropy", "1e-5")):
        assert main(["prune", "model", *limit, "--out", "pruned"]) == 0
    assert CharLM.load("pruned").score_samples([TEXT[:99]]) == pytest.approx(
        lm.prune(entropy=1e-5).score_samples([TEXT[:99]])
    )
    capsys.readouterr()
    for wrong in ([], ["--min-count", "2", "--entropy", "1e-5"]):
        assert main(["prune", "model", *wrong, "--out", "new"]) == 2
        assert "give one of --min-count, --entropy and --max-bytes, or --compact alone" in capsys.readouterr().err
    capsys.readouterr()
    assert main(["prune", "model", "--max-bytes", "much", "--out", "new"]) == 2
    message = "charlm: --max-bytes must be a number of bytes or a size such as 500MB or 2GiB, got 'much'\n"
    assert capsys.readouterr().err == message
    assert main(["prune", "model", "--compact", "--out", "model"]) == 1
    assert main(["prune", "small", "--min-count", "2", "--out", "new"]) == 1
    assert "has no counts" in capsys.readouterr().err
    assert not Path("new").exists()
