"""A user with one log file needs two commands."""

import json
import random
from pathlib import Path

import pytest

from charlm import CharLM
from charlm.cli.app import main
from charlm.files.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    generator = random.Random(0)  # noqa: S311 - made-up lines
    lines = [f"{generator.randrange(24):02}:{generator.randrange(60):02} backup done" for _ in range(1500)]
    for name, some in {"usual.log": lines[:1200], "later.log": lines[1200:], "few.log": lines[:19]}.items():
        Path(name).write_text("\n".join(some) + "\n")
    return tmp_path


@pytest.mark.parametrize("kind", [["--records"], []])
def test_training_may_calibrate_on_what_is_held_out(
    folder: Path, kind: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "usual.log", *kind, "--calibrate", "--out", "run"]) == 0
    assert "calibrated on 12" in capsys.readouterr().out
    description = RunFolder("run").read_description()
    assert description is not None
    assert description.settings["calibrate"] is True
    (folder / "new.log").write_text("07:15 backup done\n07:15 ERROR\n")
    assert main(["score", "run", "--unusual", "0.01", "new.log"]) == 0
    assert capsys.readouterr().out.split("\t")[1:] == ["07:15 ERROR\n"]
    assert main(["info", "run"]) == 0
    assert "calibration      on 12" in capsys.readouterr().out


def test_training_calibrates_on_a_validation_text_of_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "usual.log", "--records", "--validation", "later.log", "--calibrate", "--out", "run", "--json"]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "calibrated on 300 lines, for false-alarm rates from 0.0034" in err
    assert json.loads(out)["family"] == "ngram"
    assert folder.exists()


@pytest.mark.usefixtures("folder")
def test_too_few_lines_are_refused_before_anything_is_trained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "few.log", "--records", "--calibrate", "--out", "run"]) == 1
    err = capsys.readouterr().err
    assert "a calibration takes at least 20 lines" in err
    assert "2 are held out; give more text, or hold out more of it with --train-fraction" in err
    assert not Path("run").exists()
    assert main(["train", "usual.log", "--records", "--out", "run"]) == 0
    assert main(["calibrate", "run", "few.log"]) == 1
    assert "999 for 0.001: there are 19" in capsys.readouterr().err
    assert CharLM.load("run").calibration is None


@pytest.mark.usefixtures("folder")
def test_a_model_is_calibrated_on_lines_of_a_file_in_a_run_folder_or_a_model_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "usual.log", "--records", "--out", "run"]) == 0
    assert main(["calibrate", "run", "later.log"]) == 0
    assert "calibrated on 300 lines, for false-alarm rates from 0.0034: saved to run" in capsys.readouterr().out
    assert main(["prune", "run", "--out", "small", "--compact"]) == 0
    assert main(["prune", "run", "--out", "smaller", "--min-count", "2"]) == 0
    assert CharLM.load("small").calibration is not None
    assert CharLM.load("smaller").calibration is None
    capsys.readouterr()
    assert main(["calibrate", "smaller", "later.log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"model": "smaller", "texts": 300, "lowest_rate": 1 / 301}
    assert CharLM.load("smaller").calibration is not None


@pytest.mark.usefixtures("folder")
def test_commands_that_make_another_model_say_that_it_is_not_calibrated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "usual.log", "--records", "--calibrate", "--out", "run"]) == 0
    said = "charlm: run is calibrated, and the new model is not: charlm calibrate does it\n"
    for command, notes in {
        "update run later.log --out updated": 1,
        "merge run run --out merged": 2,
        "interpolate run run --held-out later.log --out mixed": 2,
        "prune run --out pruned --min-count 2": 1,
        "prune run --out compact --compact": 0,
    }.items():
        capsys.readouterr()
        assert main(command.split()) == 0
        assert capsys.readouterr().err.count(said) == notes


@pytest.mark.filterwarnings("default")  # as on the command line
@pytest.mark.usefixtures("folder")
def test_lines_that_the_model_has_learned_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    generator = random.Random(1)  # noqa: S311 - made-up lines
    Path("ids.log").write_text("\n".join(f"{generator.getrandbits(64):016x}" for _ in range(400)))
    assert main(["train", "ids.log", "--records", "--out", "run"]) == 0
    capsys.readouterr()
    assert main(["calibrate", "run", "ids.log"]) == 0
    assert "it has learned from most of them" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_command_without_a_text_or_a_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "run"]) == 2
    assert "calibrate needs TEXT: the lines" in capsys.readouterr().err
    assert main(["calibrate", "missing", "later.log"]) == 1
    assert "missing: No such file or directory" in capsys.readouterr().err
