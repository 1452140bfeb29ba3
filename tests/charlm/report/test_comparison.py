"""A report of several runs lays their losses over each other, says what differs, and warns where nothing compares."""

import math
import re
import shutil
from pathlib import Path

import pytest

from charlm import CharLM, TrainerConfig, write_report
from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from charlm.report.comparison import NOT_COMPARABLE, OTHER_TEXTS, UNKNOWN_TEXTS

TEXT = "the quick brown fox jumps over the lazy dog. " * 30
TINY = ["--max-steps", "4", "--log-interval", "2", "--evaluation-interval", "2", "--block-size", "8"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("runs")
    (folder / "a.txt").write_text(TEXT)
    (folder / "b.txt").write_text(TEXT.upper())
    bigram = ["--model", "trained-bigram", *TINY]
    for name, typed in {
        "ngram": ["a.txt", "--order", "3"],
        "slow": ["a.txt", *bigram, "--learning-rate", "0.001"],
        "<fast>": ["a.txt", *bigram, "--learning-rate", "0.1"],
        "other": ["b.txt", "--order", "3"],
    }.items():
        text, *flags = typed
        assert main(["train", str(folder / text), "--out", str(folder / name), *flags]) == 0
    return folder


def test_losses_of_one_text_are_laid_over_each_other(runs: Path) -> None:
    out = write_report([runs / "ngram", runs / "slow", runs / "<fast>"])
    assert out == runs / "comparison.html"
    html = out.read_text("utf-8")
    assert NOT_COMPARABLE not in html
    by_step, by_second = re.findall(r'aria-label="(Validation loss by [^"]+)"', html)
    assert "ngram" not in by_step  # it has no steps
    assert by_step.count("at step 2 ") == 2
    assert "not in the chart by step: ngram." in html
    assert html.count(' dot">ngram</span>') == 1  # it is a dot in the chart by seconds
    assert by_second.startswith("Validation loss by seconds of training: ngram from ")
    for name in ("ngram", "slow", "<fast>"):
        described = RunFolder(runs / name).read_description()
        assert described is not None
        assert described.validation_loss is not None
        assert f"{described.validation_loss / math.log(2):.4f}" in html
    assert '<tr><th scope="row">learning_rate</th><td></td><td>0.001</td><td>0.1</td></tr>' in html
    assert '<tr><th scope="row">block_size</th><td></td><td>8</td><td>8</td></tr>' in html
    assert "log_interval</th><td></td>" in html
    assert "<fast>" not in html
    assert "<dt>lowest loss</dt>" in html


def test_sizes_are_those_of_info_and_what_only_a_file_needs_is_left_out(runs: Path, tmp_path: Path) -> None:
    lm = CharLM.fit(TEXT * 9, "gpt", n_layers=1, n_heads=1, width=8, block_size=16, config=TrainerConfig(max_steps=1))
    lm.save(tmp_path / "gpt.safetensors")
    parameters, n_grams = f"{lm.facts()['parameters']:,}", f"{lm.facts()['n_grams']:,}"
    both = write_report([tmp_path / "gpt.safetensors", runs / "ngram"], tmp_path / "both.html").read_text("utf-8")
    alone = write_report(tmp_path / "gpt.safetensors").read_text("utf-8")
    card = lm._repr_html_()
    assert f"<td>{parameters}</td><td>{n_grams}</td>" in both
    assert f"<dt>parameters</dt><dd>{parameters}</dd></div><div><dt>n-grams</dt><dd>{n_grams}</dd>" in alone
    assert parameters in card
    assert n_grams in card
    assert "<dt>parameters</dt>" not in write_report(runs / "ngram").read_text("utf-8")
    for name in ("vocab_size", "context_only", "hash_rows", "hashed_as", "prior"):
        assert name not in both + alone + card


def test_what_is_the_same_is_left_out(runs: Path, tmp_path: Path) -> None:
    html = write_report([runs / "slow", runs / "<fast>"], tmp_path / "two.html").read_text("utf-8")
    assert 'scope="row">learning_rate</th>' in html
    assert 'scope="row">block_size</th>' not in html
    assert "<title>slow and &lt;fast&gt; · charlm</title>" in html


def test_runs_of_different_texts_are_said_not_to_compare(runs: Path, tmp_path: Path) -> None:
    html = write_report([runs / "ngram", runs / "other"], tmp_path / "two.html").read_text("utf-8")
    assert f"{OTHER_TEXTS} {NOT_COMPARABLE}" in html
    assert "lowest loss" not in html
    CharLM.fit(TEXT).save(tmp_path / "alone.safetensors")
    html = write_report([runs / "ngram", tmp_path / "alone.safetensors"], tmp_path / "two.html").read_text("utf-8")
    assert f"{UNKNOWN_TEXTS} {NOT_COMPARABLE}" in html


def test_runs_of_one_name_are_told_apart_by_their_paths(runs: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        CharLM.fit(TEXT).save(tmp_path / folder / "model.safetensors")
    both = [tmp_path / "a" / "model.safetensors", tmp_path / "b" / "model.safetensors"]
    html = write_report(both, tmp_path / "two.html").read_text("utf-8")
    assert all(str(path) in html for path in both)
    assert "No run has a log or a validation loss." in html


def test_names_that_turn_a_line_around_are_shown_as_code_points(runs: Path, tmp_path: Path) -> None:
    named = shutil.copytree(runs / "slow", tmp_path / "slow \u202efast")
    described = named / "run.json"
    described.write_text(described.read_text("utf-8").replace("a.txt", r"\u202e.txt"), encoding="utf-8")
    pages = [write_report(reported).read_text("utf-8") for reported in (named, [named, runs / "ngram"])]
    for html in pages:
        assert "\u202e" not in html
        assert r"\u202e" not in html  # in the JSON of a chart
        assert "slow U+202Efast" in html
        assert "U+202E.txt" in html


def test_what_several_runs_cannot_have_is_refused(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)
    for typed, told in (
        (["ngram", "ngram"], "'ngram' is given twice: give each run once"),
        (["ngram", "./ngram/"], "'./ngram/' is given twice: give each run once"),
        (["ngram", "other", "--text", "a.txt"], "text is for the report of one run, got 2 runs: leave out --text"),
        (["ngram", "slow", "--stride", "2"], "stride is for the report of one run, got 2 runs: leave it out"),
        (["ngram", "other", "--out", "other/model.safetensors"], "other/model.safetensors"),
    ):
        capsys.readouterr()
        assert main(["report", *typed]) in (1, 2)
        assert told in capsys.readouterr().err
    with pytest.raises(ValueError, match="run is empty"):
        write_report([])
