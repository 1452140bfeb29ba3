"""What holds on Windows, as far as another system can imitate its rules; ``windows.py`` does that."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path, PureWindowsPath

import pytest

from charlm import CharLM, TextClassifier
from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from charlm.training import signals
from chartok import encode_file, read_text
from chartok.files.atomic import replace_file
from chartok.files.patterns import fits, is_wanted
from chartok.files.sources import expand_sources
from windows import as_windows, imitate, is_valid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="imitated with /proc")
TEXT = "the cat sat on the mat. une fenêtre, a window 窗. " * 20
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
LONGEST_BELOW_A_FOLDER = 100
"""In characters; with the folder, Windows takes 260."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    imitate(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["a:b", "what?", "con", "NUL.txt", "com1", "end.", "end ", "a|b", "\t"])
def test_the_imitation_takes_no_name_that_windows_does_not(folder: Path, name: str) -> None:
    assert not is_valid(name)
    with pytest.raises(OSError, match="is no name on Windows"):
        (folder / name).touch()
    with pytest.raises(OSError, match="is no name on Windows"):
        (folder / name).mkdir()


def test_the_imitation_keeps_what_is_open(folder: Path) -> None:
    (folder / "in").mkdir()
    with (folder / "in" / "open").open("wb"):
        for change in ((folder / "in" / "open").unlink, lambda: (folder / "in").rename(folder / "other")):
            with pytest.raises(PermissionError):
                change()
    shutil.rmtree(folder / "in")


def test_what_the_commands_write_has_names_of_windows_and_is_closed_in_the_end(folder: Path) -> None:
    (folder / "input.txt").write_bytes(TEXT.encode())
    (folder / "names.txt").write_bytes(b"emma\r\nolivia\r\nava\r\nmia\r\n" * 9)
    for command in (
        "prepare input.txt --out corpus.tokens",
        "train corpus.tokens --model ngram --out run",
        "train names.txt --records --model ngram --out names",
        "report run",
        "report run",
        "play names",
        "export run --format arpa --out run.arpa",
        "export run --format js --out run.js",
    ):
        assert main(command.split()) == 0, command
    found = [path.relative_to(folder) for path in folder.rglob("*")]
    assert all(is_valid(part) for path in found for part in path.parts)
    assert len({os.fspath(path).lower() for path in found}) == len(found)
    assert max(map(len, map(os.fspath, found))) < LONGEST_BELOW_A_FOLDER
    for path in (folder / "run", folder / "names"):
        shutil.rmtree(path)


@pytest.mark.filterwarnings("always:a checkpoint is damaged")  # or else it ends the command, as any warning in a test
def test_a_run_is_resumed_after_its_newest_checkpoint_was_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    (folder / "input.txt").write_bytes(TEXT.encode())
    train = "train input.txt --model trained-bigram --out run --evaluation-interval 1 --block-size 8 --max-steps"
    assert main([*train.split(), "3"]) == 0
    newest = RunFolder("run").checkpoint_paths()[-1]
    (newest / "manifest.json").write_bytes(b"damaged")
    capsys.readouterr()
    assert main([*train.split(), "5", "--resume"]) == 0
    shown = capsys.readouterr()
    assert "resuming after step 2\n" in shown.out
    assert "charlm: a checkpoint is damaged, falling back to step-0000000002" in shown.err
    assert any(path.name.startswith("damaged-") for path in newest.parent.iterdir())
    assert all(is_valid(path.name) for path in (folder / "run").rglob("*"))
    shutil.rmtree(folder / "run")


def test_a_classifier_is_saved_over_itself_while_it_is_loaded(folder: Path) -> None:
    classifier = TextClassifier.fit({"con": TEXT, "a:b?": "1234567890 " * 40})
    classifier.save("languages")
    loaded = TextClassifier.load("languages")
    loaded.save("languages")
    assert TextClassifier.load("languages").classify(["a cat"]) == ["con"]
    assert all(is_valid(path.name) for path in (folder / "languages").iterdir())


def test_a_model_is_saved_over_the_file_that_it_was_loaded_from(folder: Path) -> None:
    CharLM.fit(TEXT, order=3).save("model.safetensors")
    loaded = CharLM.load("model.safetensors")
    loaded.save("model.safetensors")
    assert CharLM.load("model.safetensors").generate(max_new_tokens=9, seed=1) == loaded.generate(
        max_new_tokens=9, seed=1
    )
    assert names(folder) == ["model.safetensors"]


@pytest.mark.parametrize("why", ["open", "read-only"])
def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it(folder: Path, why: str) -> None:
    path = folder / "kept.txt"
    path.write_bytes(b"old")
    if why == "read-only":
        path.chmod(stat.S_IREAD)
    with path.open("rb") if why == "open" else nullcontext(), pytest.raises(PermissionError) as caught:
        write(path)
    assert caught.value.filename == os.fspath(path)
    assert [(entry.name, entry.read_bytes()) for entry in folder.iterdir()] == [("kept.txt", b"old")]
    path.chmod(stat.S_IREAD | stat.S_IWRITE)
    write(path)
    assert path.read_bytes() == b"new"


def test_a_token_file_that_is_open_is_not_replaced_until_it_is_closed(folder: Path) -> None:
    (folder / "input.txt").write_bytes(TEXT.encode())
    with encode_file("input.txt", "a.tokens") as tokens:
        with pytest.raises(PermissionError, match=r"a\.tokens"):
            encode_file("input.txt", "a.tokens")
        assert len(tokens) == len(TEXT)
    with encode_file("input.txt", "a.tokens"):
        assert names(folder) == ["a.tokens", "input.txt"]


def test_a_lock_that_is_held_names_its_holder_and_one_left_behind_is_taken_over(folder: Path) -> None:
    with RunFolder("run").locked(), pytest.raises(BlockingIOError, match=rf"process {os.getpid()} on .* is writing"):
        RunFolder("run").locked().__enter__()
    assert names(Path("run")) == []
    (folder / "run" / "run.lock").write_bytes(b"of a process that was killed")
    with RunFolder("run").locked():
        pass
    assert names(Path("run")) == []


def test_a_lock_that_another_reads_as_it_is_released_is_taken_over_later(folder: Path) -> None:
    with RunFolder("run").locked():
        reader = os.open("run/run.lock", os.O_RDONLY)
    assert names(Path("run")) == ["run.lock"]
    os.close(reader)
    with RunFolder("run").locked():
        pass
    assert names(Path("run")) == []


def test_there_is_no_sighup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGHUP")
    copy = as_windows(signals)
    assert copy.ENDING == [signal.SIGINT, signal.SIGTERM]
    with copy.StopSignals() as received:
        signal.raise_signal(signal.SIGTERM)
    assert received.received == signal.SIGTERM


def test_what_measures_memory_says_nothing_without_the_module_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from charlm.runtime.devices import peak_memory  # noqa: PLC0415 - loads PyTorch

    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory(torch.device("cpu")) == 0


@pytest.mark.parametrize("source", ["C://missing/a.txt", "C:\\missing\\a.txt", "C:/missing/a.txt"])
def test_a_drive_is_no_protocol(source: str) -> None:
    assert expand_sources(source) == [source]
    with pytest.raises(FileNotFoundError, match="No such file"):
        read_text(source)


def test_patterns_fit_paths_with_backslashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chartok.files.patterns.PurePath", PureWindowsPath)
    assert fits("data\\books\\new\\a.txt", "books/**/*.txt")
    assert fits("C:\\data\\a.txt", "data\\*.txt")
    assert is_wanted("books\\a.txt", "*.txt")
    assert not is_wanted(".git\\a.txt", "*.txt")


def test_no_text_is_read_or_written_in_an_encoding_that_depends_on_the_system(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8")
    program = "from charlm.cli.app import main; import sys; sys.exit(any(main(line.split()) for line in sys.argv[1:]))"
    commands = (
        "train input.txt --model ngram --out run",
        "evaluate run input.txt",
        "generate run --max-new-tokens 9",
        "report run",
        "play run",
        "info run",
        "export run --format arpa --out run.arpa",
    )
    strict = ["-X", "warn_default_encoding", "-W", "error::EncodingWarning"]
    done = subprocess.run(
        [sys.executable, *strict, "-c", program, *commands],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count(b"EncodingWarning")) == (0, 0), done.stderr.decode()


def write(path: Path) -> None:
    with replace_file(path) as file:
        file.write(b"new")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
