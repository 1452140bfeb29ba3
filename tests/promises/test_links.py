"""A run folder may come from anyone: no name in it leads to a file of the user's that is then written or removed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from charlm.cli.app import main
from chartok import encode_files

TEXT = "the cat sat on the mat. " * 40
NAMES = ["report.html", "run.json", "log.jsonl", "model.safetensors", "run.lock"]
LINKS: dict[str, Callable[[Path, Path], None]] = {
    "symbolic": lambda name, victim: name.symlink_to(victim),
    "hard": lambda name, victim: name.hardlink_to(victim),
}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "victim"
    path.parent.mkdir()
    path.write_text("precious")
    return path


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return os.fspath(path)


def train(text: str, folder: Path, *more: str) -> int:
    return main(["train", text, "--out", os.fspath(folder), *more])


def train_bigram(text: str, folder: Path, *more: str) -> int:
    return train(text, folder, "--model", "trained-bigram", "--max-steps", "2", "--device", "cpu", *more)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("name", NAMES)
def test_no_name_in_a_run_folder_leads_what_is_written_to_another_file(
    tmp_path: Path, text: str, victim: Path, name: str, link: str
) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    LINKS[link](folder / name, victim)
    train_bigram(text, folder)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", NAMES)
def test_a_link_to_nothing_creates_no_file_elsewhere(tmp_path: Path, text: str, name: str) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / name).symlink_to(tmp_path / "created")
    train_bigram(text, folder)
    main(["report", os.fspath(folder)])
    assert not (tmp_path / "created").exists()


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "model.safetensors"])
def test_reporting_a_strangers_run_writes_to_no_other_file(
    tmp_path: Path, text: str, victim: Path, name: str, link: str
) -> None:
    folder = tmp_path / "hostile"
    assert train(text, folder) == 0
    (folder / name).unlink(missing_ok=True)
    LINKS[link](folder / name, victim)
    main(["report", os.fspath(folder)])
    main(["report", os.fspath(folder / "model.safetensors")])
    assert victim.read_text() == "precious"


def test_a_report_takes_the_place_of_a_link_that_was_there(tmp_path: Path, text: str, victim: Path) -> None:
    folder = tmp_path / "hostile"
    train(text, folder)
    (folder / "report.html").symlink_to(victim)
    assert main(["report", os.fspath(folder)]) == 0
    assert not (folder / "report.html").is_symlink()
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_link_that_the_user_typed_is_followed(tmp_path: Path, text: str, victim: Path) -> None:
    folder = tmp_path / "run"
    train(text, folder)
    (tmp_path / "typed.html").symlink_to(victim)
    assert main(["report", os.fspath(folder), "--out", os.fspath(tmp_path / "typed.html")]) == 0
    assert victim.read_text("utf-8").startswith("<!doctype html>")


def test_checkpoints_are_neither_written_nor_removed_through_a_link(
    tmp_path: Path, text: str, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = victim.parent / "step-0000000002"
    elsewhere.mkdir()
    (elsewhere / "model.safetensors").write_text("precious")
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "checkpoints").symlink_to(victim.parent)
    for resume in ([], ["--resume"]):
        assert train_bigram(text, folder, *resume) == 1
    assert "checkpoints" in capsys.readouterr().err
    assert sorted(path.name for path in victim.parent.iterdir()) == ["step-0000000002", "victim"]
    assert (elsewhere / "model.safetensors").read_text() == "precious"


@pytest.mark.filterwarnings("always")
def test_a_checkpoint_that_is_a_link_is_set_aside_and_what_it_names_stays(
    tmp_path: Path, text: str, victim: Path
) -> None:
    folder = tmp_path / "hostile"
    train_bigram(text, folder)
    (victim.parent / "step").mkdir()
    (folder / "checkpoints" / "step-0000000004").symlink_to(victim.parent / "step")
    assert train_bigram(text, folder, "--resume", "--max-steps", "4") == 0
    assert (victim.parent / "step").is_dir()
    assert not (folder / "checkpoints" / "step-0000000004").is_symlink()


@pytest.mark.parametrize("name", ["runs", "runs/text-ngram"])
def test_the_default_folder_of_a_run_is_no_link(
    tmp_path: Path, text: str, victim: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).symlink_to(victim.parent)
    assert main(["train", text]) == 1
    assert [path.name for path in victim.parent.iterdir()] == ["victim"]
    assert main(["train", text, "--out", name]) == 0
    assert (victim.parent / "model.safetensors").exists()


def test_shards_are_not_written_through_links(tmp_path: Path, text: str) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "00000-text.tokens").symlink_to(tmp_path / "created")
    with pytest.raises(FileExistsError):
        encode_files(text, tmp_path / "shards")
    assert not (tmp_path / "created").exists()


def test_a_file_may_have_the_longest_name_that_there_is(tmp_path: Path, text: str) -> None:
    name = "a" * 240 + ".html"
    run = tmp_path / "run"
    train(text, run)
    assert main(["report", os.fspath(run), "--out", os.fspath(tmp_path / name)]) == 0
    assert (tmp_path / name).exists()


def test_a_linked_checkpoint_that_is_no_longer_needed_leaves_nothing(tmp_path: Path, text: str, victim: Path) -> None:
    folder = tmp_path / "hostile"
    train_bigram(text, folder)
    checkpoint = folder / "checkpoints" / "step-0000000002"
    checkpoint.rename(victim.parent / "step")
    checkpoint.symlink_to(victim.parent / "step")
    assert train_bigram(text, folder, "--resume", "--max-steps", "12", "--checkpoint-interval", "2") == 0
    assert (victim.parent / "step" / "model.safetensors").exists()
    assert not [path for path in (folder / "checkpoints").iterdir() if path.is_symlink()]
