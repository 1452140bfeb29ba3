"""Lines are classified as they come."""

import io
import json
from pathlib import Path

import pytest

from charlm import CharLM, TextClassifier
from charlm.cli.app import main
from charlm.models.bigram.table import BigramTable
from chartok import Vocabulary


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {"abc": "abc cab bca " * 9, "xyz": "xyz zxy yzx " * 9}.items():
        CharLM.fit(text, order=2).save(tmp_path / f"{name}.safetensors")
    CharLM(BigramTable.fit([0, 1, 0, 1, 1, 0, 0], vocab_size=2), Vocabulary("ab")).save(tmp_path / "strict.safetensors")
    (tmp_path / "lines.txt").write_text("abc\n\nzxy\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def columns(printed: str) -> list[list[str]]:
    return [line.split("\t") for line in printed.splitlines()]


def test_each_line_gets_the_name_of_the_file_of_its_model(
    models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("abc\n\nzxy\né\\".encode())))
    assert main(["classify", "abc.safetensors", "xyz.safetensors"]) == 0
    printed = columns(capsys.readouterr().out)
    assert [(label, text) for label, _, text in printed] == [
        ("abc", "abc"),
        ("abc", ""),
        ("xyz", "zxy"),
        ("abc", "é\\"),
    ]
    assert printed[1][1] == "0.5000"


def test_files_and_names_and_priors_are_given(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["classify", "A=abc.safetensors", "x=y=xyz.safetensors", "--text", "lines.txt", "--priors", ".1", ".9"]
    (models / "y=xyz.safetensors").write_bytes((models / "xyz.safetensors").read_bytes())
    assert main([*arguments, "--json"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["label"] for one in printed] == ["A", "x", "x"]
    assert printed[1] == {
        "label": "x",
        "probability": pytest.approx(0.9),
        "probabilities": pytest.approx({"A": 0.1, "x": 0.9}),
        "text": "",
    }


def test_the_folder_of_a_classifier_is_given_alone(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TextClassifier({name: CharLM.load(f"{name}.safetensors") for name in ("abc", "xyz")}).save("both")
    assert main(["classify", "both", "--text", "lines.txt"]) == 0
    of_folder = capsys.readouterr().out
    assert main(["classify", "abc.safetensors", "xyz.safetensors", "--text", "lines.txt"]) == 0
    assert capsys.readouterr().out == of_folder
    for more in (["abc.safetensors"], ["--priors", "1", "0"]):
        assert main(["classify", "both", *more, "--text", "lines.txt"]) == 1
        assert "give it alone" in capsys.readouterr().err


def test_a_line_of_no_class_is_unknown(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, letters in {"abc": "abc", "xyz": "xyz"}.items():
        lm = CharLM.load(f"{name}.safetensors")
        lm.calibrate([one + other + third for one in letters for other in letters for third in letters] * 4)
        lm.save(f"{name}.safetensors")
    (models / "lines.txt").write_text("abc\nwhat\n", encoding="utf-8")
    arguments = ["classify", "abc.safetensors", "xyz.safetensors", "--unknown", "0.05", "--text", "lines.txt"]
    assert main(arguments) == 0
    assert [label for label, *_ in columns(capsys.readouterr().out)] == ["abc", "unknown"]
    assert main([*arguments, "--json"]) == 0
    assert [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()] == ["abc", None]


def test_a_label_is_printed_in_one_column(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TextClassifier({"a\tb\nc\u2028": CharLM.load("abc.safetensors")}).save("odd")
    assert main(["classify", "odd", "--text", "lines.txt"]) == 0
    assert [label for label, *_ in columns(capsys.readouterr().out)] == [r"a\tb\nc\u2028"] * 3
    assert main(["classify", "odd", "--text", "lines.txt", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["label"] == "a\tb\nc\u2028"


def test_a_line_that_a_model_refuses_is_named_after_those_before_it(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "lines.txt").write_text("ab\nba\nabc\nb\n", encoding="utf-8")
    assert main(["classify", "abc.safetensors", "strict.safetensors", "--text", "lines.txt"]) == 1
    printed = capsys.readouterr()
    assert len(columns(printed.out)) == 2
    assert "lines.txt" in printed.err
    assert "line 3" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "classify needs MODEL: run folders"),
        (["abc.safetensors", "abc.safetensors"], 1, "are called 'abc': name one as in NAME=abc.safetensors"),
        (["nothing"], 1, "nothing: No such file or directory"),
        (["abc.safetensors", "--priors", "1", "2"], 2, "--priors must be one number for each of 1 models, got 2"),
        (["abc.safetensors", "--priors", "one"], 2, "--priors must be numbers, got one"),
        (["abc.safetensors", "--priors", "0.5"], 2, "priors must sum to 1, got 0.5"),
        (
            ["abc.safetensors", "--unknown", "0.1"],
            1,
            "the model of class 'abc' is not calibrated: it takes at least 20 texts",
        ),
        (["abc.safetensors", "--unknown", "2"], 2, "--unknown must be above 0 and below 1"),
        (["unknown=abc.safetensors", "--unknown", "0.1"], 1, "a class is called unknown, like lines of no class"),
        (["abc.safetensors", "--blank-lines", "skip"], 2, "classify answers every line"),
        (["abc.safetensors", "--jsn"], 2, "classify has no flag --jsn: did you mean --json?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    models: Path, arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", *arguments, "--text", "lines.txt"]) == code
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
