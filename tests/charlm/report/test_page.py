"""A report is whole by itself, says what the run folder holds, and can be used in a browser in every way."""

import re
import shutil
from pathlib import Path

import pytest

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    CheckpointCorruptError,
    TextDataset,
    Trainer,
    TrainerConfig,
    read_log,
    save_model,
    write_report,
)
from charlm.cli.app import main
from charlm.data.framing import Framing
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import RunFolder
from chartok import Vocabulary

HOSTILE = "</script><script>document.title='x'</script><img src=x onerror=alert(1)>\"'&\u202e\x07\ud800"
TEXT = ("the quick brown fox jumps over the lazy dog\n" + HOSTILE) * 9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile <b> run")
    vocabulary = Vocabulary.from_text(TEXT, special_tokens=["bos", "unk"])
    train, validation = TextDataset(vocabulary.encode(TEXT), block_size=8).split(0.9)
    model = BigramLanguageModel(vocabulary.size, context_only=Framing(vocabulary).context_only)
    config = TrainerConfig(max_steps=40, learning_rate=0.05, log_interval=2, evaluation_interval=20)
    batches = BatchSampler(train, batch_size=4, seed=1)
    Trainer(model, batches, validation=validation, config=config, folder=folder, vocabulary=vocabulary).fit()
    save_model(folder / "model.safetensors", model, vocabulary)
    description = RunDescription(
        text=f"{HOSTILE[9:15]}.txt",
        characters=len(TEXT),
        symbols=len(vocabulary.symbols),
        excerpt=TEXT[:120],
        settings={"seed": HOSTILE},
        machine={"processor": "<i>"},
    )
    RunFolder(folder).write_description(description)
    return folder


@pytest.fixture(scope="module")
def report(run: Path) -> Path:
    write_report(run, run / "report.html")
    return run / "report.html"


def test_a_report_holds_every_section_and_refers_to_nothing_outside(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    assert re.findall("<h2[^>]*>([^<]*)", html) == [
        "Learning", "Surprise, character by character", "Samples", "Reliability", "Similar symbols",
        "Character transitions", "Settings and machine",
    ]  # fmt: skip
    assert not re.search(r"(?:src|href)=[\"'](?!#)|url\(|@import|https?:", re.sub("<pre.*?</pre>", "", html))
    assert html.count("<script>") == html.count("</script>") == 1
    assert "<img" not in html
    assert "<i>" not in html.replace("<i></i>", "")
    assert "A bigram model of text with" in html
    assert "<dt>bits per character, validation</dt>" in html


@pytest.mark.parametrize("family", ["ngram", "records"])
def test_a_model_file_alone_is_enough(tmp_path: Path, family: str) -> None:
    lm = CharLM.fit(["anna", "hanna"] if family == "records" else TEXT, order=3)
    lm.save(tmp_path / "model.safetensors")
    write_report(tmp_path / "model.safetensors", tmp_path / "report.html", text="anna")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"An n-gram model of order 3 of {'records' if family == 'records' else 'text'} with" in html
    assert 'id="learning"' not in html  # a model that counts has no steps
    assert html.count('<span style="--surprise') == 4 + (family == "records")
    bits = f"{lm.evaluate('anna').bits_per_character:.2f} bits per character on average over the given text"
    assert bits in html


def test_why_there_is_no_log_is_said_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charlm.report.samples.LENGTH", 9)
    lm = CharLM.fit(TEXT, "gpt", n_layers=1, n_heads=1, width=8, block_size=8, config=TrainerConfig(max_steps=1))
    lm.save(tmp_path / "model.safetensors")
    alone = write_report(tmp_path / "model.safetensors").read_text("utf-8")
    (tmp_path / "log.jsonl").write_text("")
    empty = write_report(tmp_path).read_text("utf-8")
    assert "There is no training log: a model file alone has none." in alone
    assert "There is no training log: the run folder has none." in empty


@pytest.mark.parametrize("records", [True, False])
def test_a_report_has_the_loss_of_its_excerpt_and_of_all_that_is_held_out(tmp_path: Path, records: bool) -> None:
    names = [a + b + c for a in "abcd" for b in "aeiou" for c in ("nna", "lo\tx", "r")]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    typed = ["--records"] if records else []
    out = ["--out", str(tmp_path / "run"), "--train-fraction", "0.5", "--order", "3"]
    assert main(["train", str(tmp_path / "names.txt"), *out, *typed]) == 0
    described = RunFolder(tmp_path / "run").read_description()
    assert described is not None
    assert described.validation_loss is not None
    lm = CharLM.load(tmp_path / "run")
    assert isinstance(described.excerpt, list) == records
    whole = lm.evaluate(described.excerpt)  # it is short enough to be all of it
    if records:
        assert whole.nats_per_character == pytest.approx(described.validation_loss, rel=1e-5)
    html = write_report(tmp_path / "run").read_text("utf-8")
    assert f"{whole.bits_per_character:.2f} bits per character on average" in html
    assert f"<dd>{described.validation_loss:.3f}</dd>" in html
    assert "seconds of counting" in html


def test_the_norm_of_the_gradient_is_a_curve(run: Path, report: Path) -> None:
    norms = [entry.gradient_norm for entry in read_log(run)]
    assert None not in norms
    shown = report.read_text(encoding="utf-8")
    assert f'aria-label="Gradient norm: gradient norm from {norms[0]:.4g} at step' in shown


def test_the_same_run_gives_the_same_report(run: Path, report: Path, tmp_path: Path) -> None:
    write_report(run, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == report.read_bytes()
    write_report(run, tmp_path / "other.html", seed=1)
    assert (tmp_path / "other.html").read_bytes() != report.read_bytes()


def test_a_run_that_cannot_be_read_leaves_an_old_report(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (tmp_path / "report.html").write_text("old")
    (copy / "log.jsonl").write_text("no entry\n")
    with pytest.raises(ValueError, match="is not a log entry"):
        write_report(copy, tmp_path / "report.html")
    (copy / "model.safetensors").write_text("no model")
    with pytest.raises(CheckpointCorruptError):
        write_report(copy, tmp_path / "report.html")
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "missing", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "old"


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfanna\r\nhanna\r\n", b"anna;hanna;"])
def test_records_are_colored_as_records_with_the_end_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    lm = CharLM.fit(["anna", "hanna", "joanna"], order=3)
    lm.save("names.safetensors")
    Path("names.txt").write_bytes(content)
    typed = ["--delimiter", ";"] if b";" in content else []
    assert main(["report", "names.safetensors", "--text", "names.txt", "--out", "report.html", *typed]) == 0
    html = Path("report.html").read_text(encoding="utf-8")
    spans = [f"{''.join(lm.inspect(name).spans())}" for name in ("anna", "hanna")]
    assert "<br>".join(spans) in html
    assert html.count(">end</span>") == 2
    Path("empty.txt").touch()
    CharLM.fit(TEXT, order=3).save("text.safetensors")
    for model in ("names.safetensors", "text.safetensors"):
        assert main(["report", model, "--text", "empty.txt", "--out", "empty.html"]) == 1
        assert capsys.readouterr().err == "charlm: 'empty.txt': text is empty: there is nothing to color\n"
    assert not Path("empty.html").exists()
    Path("other.txt").write_bytes(b"anna\nbob\n")
    refused = ["report", "names.safetensors", "--text", "other.txt", "--errors", "strict"]
    assert main(refused) == 1
    assert "character 1 of line 2 of 'other.txt' is U+0062 'b'" in capsys.readouterr().err
    RunFolder(tmp_path).write_description(
        RunDescription(text="a", characters=9, symbols=4, excerpt=["anna", "hanna"], settings={"model": "ngram"})
    )
    lm.save("model.safetensors")
    assert "<br>".join(spans) in write_report(tmp_path, "own.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="text must be one str for a model of text"):
        write_report("text.safetensors", text=["anna"])


@pytest.mark.parametrize(("fitted", "text"), [(TEXT, ""), (["anna"], [])])
def test_an_empty_text_is_refused(tmp_path: Path, fitted: str | list[str], text: str | list[str]) -> None:
    CharLM.fit(fitted, order=2).save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="text is empty: there is nothing to score"):
        write_report(tmp_path / "model.safetensors", text=text)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(("fitted", "text"), [("a" * 40, "a"), (["anna"], [""]), ("ab" * 20, "\u202e\ud800<")])
def test_the_shortest_text_has_a_report(tmp_path: Path, fitted: str | list[str], text: str | list[str]) -> None:
    for lm in (CharLM.fit(fitted, order=2), CharLM.fit(fitted, "bigram")):
        lm.save(tmp_path / "model.safetensors")
        html = write_report(tmp_path / "model.safetensors", text=text).read_text("utf-8")
        assert "Surprise, character by character" in html
        assert "\u202e" not in html
