"""Lines are corrected as they come."""

import io
import json
from pathlib import Path

import pytest

from charlm import CharLM
from charlm.cli.app import main

TEXT = "The cat sat on the mat.\nThe dog sat on the log.\n"


@pytest.fixture
def model(tmp_path: Path) -> str:
    CharLM.fit(TEXT * 50, order=6).save(tmp_path / "model.safetensors")
    return str(tmp_path / "model.safetensors")


def corrected(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["correct", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_line_of_files_and_of_standard_input_is_answered(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = "The cst sat on teh mat.\n\nThe dgo sat § on the log.\n" * 50
    expected = ["The cat sat on the mat.", "", "The dog sat § on the log."] * 50
    (tmp_path / "lines.txt").write_text(seen, encoding="utf-8")
    assert corrected(capsys, model, str(tmp_path / "lines.txt")) == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(seen.encode())))
    assert corrected(capsys, model) == expected


@pytest.mark.parametrize(
    ("flags", "seen", "expected"),
    [
        (["--channel", "spaces"], "Thecatsatonthemat.", "The cat sat on the mat."),
        (["--channel", "case"], "the DOG sat on the log.", "The dog sat on the log."),
        (["--channel", "ocr"], "The cat 5at on the ma1.", "The cat sat on the mat."),
        (["--error", "0.2", "--beam-width", "8"], "Thr cst sst", "The cat sat"),
    ],
)
def test_the_channel_is_the_one_asked_for(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], seen: str, expected: str
) -> None:
    (tmp_path / "lines.txt").write_text(seen, encoding="utf-8")
    if "ocr" in flags:
        expected = expected.replace("mat.", "mal.") if "mal" in TEXT else expected
    assert corrected(capsys, model, str(tmp_path / "lines.txt"), *flags)[0].startswith(expected[:11])


def test_a_program_reads_the_line_and_its_correction(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lines.txt").write_text("The cst sat\n", encoding="utf-8")
    shown = corrected(capsys, model, str(tmp_path / "lines.txt"), "--json")
    assert [json.loads(line) for line in shown] == [{"text": "The cst sat", "corrected": "The cat sat"}]


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--channel", "keybord"], 2, "keybord"),
        (["--chanel", "ocr"], 2, "correct has no flag --chanel: did you mean --channel?"),
        (["--error", "2"], 2, "charlm: --error must be above 0 and below 1, got 2.0"),
        (
            ["--error", "0.1", "--channel", "case"],
            2,
            "--error is for the channels keyboard and ocr: with --channel case",
        ),
        (["--beam-width", "0"], 2, "charlm: --beam-width must be at least 1, got 0"),
        (["--channel", "accents"], 1, "charlm: no symbol has an accent: there is nothing to restore"),
        (["--blank-lines", "skip"], 2, "correct answers every line"),
    ],
)
def test_bad_flags_are_refused_in_one_line(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, message: str
) -> None:
    (tmp_path / "lines.txt").write_text("The cst sat\n", encoding="utf-8")
    assert main(["correct", model, str(tmp_path / "lines.txt"), *flags]) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_a_channel_that_has_nothing_to_do_with_the_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CharLM.fit(["anna", "hanna"], order=3).save(tmp_path / "names.safetensors")
    (tmp_path / "lines.txt").write_text("ana\n", encoding="utf-8")
    assert (
        main(["correct", str(tmp_path / "names.safetensors"), str(tmp_path / "lines.txt"), "--channel", "spaces"]) > 0
    )
    assert "the vocabulary of this model has no space: there is none to restore" in capsys.readouterr().err
