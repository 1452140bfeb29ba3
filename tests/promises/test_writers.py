"""Every way in which the library writes a file, where the system fails it and where the name is a link."""

import errno
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from itertools import count
from pathlib import Path

import pytest
import torch

import charlm.files.onnx.writer
from charlm import (
    BigramLanguageModel,
    CharLM,
    ClassicGPT,
    ClassicGPTConfig,
    LogEntry,
    NGramLanguageModel,
    TextClassifier,
    compress,
    save_arpa,
    save_classic_gpt,
    save_javascript,
    save_model,
    save_onnx,
    write_play,
    write_report,
)
from charlm.cli import compression
from charlm.cli.app import main
from charlm.cli.file_flags import Compress, Decompress
from charlm.data.framing import Framing
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import RunFolder
from charlm.files.serializing import serialized_model
from charlm.training.checkpoint import newest_checkpoint, write_checkpoint
from charlm.training.log import append_entry
from chartok import Vocabulary, encode_file, encode_files
from failing_calls import FailingCalls, InterruptedCalls
from torture import TORTURE

OLD, NEW, LARGE = 3, 4, 12_000
"""How many characters a file is about."""
ROOM = 64 << 10
"""Bytes: enough for a small file, too few for a large one."""
ROOM_OF_A_PAGE = 160 << 10
"""Likewise for a page in which to play, most of which is program."""

needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these limits nor such links")


def characters(size: int) -> str:
    return "".join(map(chr, range(0x4E00, 0x4E00 + size)))


def vocabulary(size: int) -> Vocabulary:
    return Vocabulary(characters(size))


@cache
def counted(size: int) -> CharLM:
    return CharLM(NGramLanguageModel(size, order=2).fit(torch.arange(size)), vocabulary(size))


def write_run(path: Path, size: int) -> None:
    excerpt = characters(size)
    description = RunDescription(
        text="a.txt", characters=size, symbols=size, excerpt=excerpt * 2, settings={}, began="now"
    )
    RunFolder(path.parent).write_description(description)


def write_checkpoint_of_nanogpt(path: Path, size: int) -> None:
    never = Framing(vocabulary(size)).context_only
    config = ClassicGPTConfig(vocab_size=size, block_size=2, n_layers=1, n_heads=1, width=4, context_only=never)
    save_classic_gpt(path, ClassicGPT(config), vocabulary(size), "nanogpt")


def write_onnx(path: Path, size: int) -> None:
    size = min(size, 300)
    save_onnx(path, BigramLanguageModel(size), vocabulary(size))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    for size in (OLD, NEW, LARGE):
        (folder / f"{size}.txt").write_text(characters(size), encoding="utf-8")
        content = random.Random(size).randbytes(8 * size)  # noqa: S311 - what cannot be made smaller
        (folder / f"{size}.bin").write_bytes(content)
        (folder / f"{size}.ctk").write_bytes(compress(content))
    (folder / "short.txt").write_text(characters(OLD) * 20, encoding="utf-8")
    save_model(folder / "model.safetensors", counted(OLD).model, vocabulary(OLD))
    return folder


WRITERS: dict[str, Callable[[Path, int], object]] = {
    "vocabulary.json": lambda path, size: vocabulary(size).save(path),
    "tokenizer.json": lambda path, size: vocabulary(size).to_tokenizer_json(path),
    "model.safetensors": lambda path, size: save_model(path, counted(size).model, vocabulary(size)),
    "charlm.safetensors": lambda path, size: counted(size).save(path),
    "compact.safetensors": lambda path, size: counted(size).save(path, compact=True),
    "ckpt.pt": write_checkpoint_of_nanogpt,
    "play.html": lambda path, size: write_play(counted(size), path),
    "model.arpa": lambda path, size: save_arpa(path, counted(size).model, vocabulary(size)),
    "model.js": lambda path, size: save_javascript(path, counted(size).stored, vocabulary(size)),
    "model.onnx": write_onnx,
    "run.json": write_run,
}


FROM_TEXTS: dict[str, Callable[[Path, Path, int], object]] = {
    "corpus.tokens": lambda texts, path, size: encode_file(texts / f"{size}.txt", path).close(),
    "records.tokens": lambda texts, path, size: encode_file(texts / f"{size}.txt", path, records=True).close(),
    "report.html": lambda texts, path, size: write_report(
        texts / "model.safetensors", path, text=characters(OLD) * size
    ),
    "data.ctk": lambda texts, path, size: compression.compress(Compress(file=f"{texts / f'{size}.bin'}", out=path)),
    "data.bin": lambda texts, path, size: compression.decompress(Decompress(file=f"{texts / f'{size}.ctk'}", out=path)),
}
NAMES = [*WRITERS, *FROM_TEXTS]
TYPED = [name for name in NAMES if name != "run.json"]
"""Those that a user chooses; what a link does in the folder of a run is in ``test_links``."""


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def write(name: str, texts: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], object]:
    """What writes a file of that name about so many characters."""
    if name in FROM_TEXTS:
        return partial(FROM_TEXTS[name], texts)
    if name == "model.onnx":
        pytest.importorskip("onnxscript")
        onnx = pytest.importorskip("onnx")
        monkeypatch.setattr(  # exporting takes seconds
            charlm.files.onnx.writer,
            "exported",
            lambda graph: onnx.ModelProto(doc_string="a" * graph.module.model.vocab_size**2),
        )
    return WRITERS[name]


# ------------------------------------------------------------------------------------------------- failing systems


def raised_by(function: Callable[..., object], *arguments: object) -> OSError | None:
    try:
        function(*arguments)
    except OSError as error:
        return error
    return None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whatever_call_fails_the_file_is_the_old_one_until_it_is_the_new_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    write: Callable[[Path, int], object],
    number: int,
    record_property: Callable[[str, int], None],
) -> None:
    path = tmp_path / name
    write(path, NEW)
    new = path.read_bytes()
    write(path, OLD)
    old = path.read_bytes()
    calls = FailingCalls(monkeypatch, number)
    left: list[bytes] = []
    for call in count(1):
        calls.fail_at(call)
        failure = raised_by(write, path, NEW)
        if failure is None:
            break
        assert (failure.errno, failure.filename) == (number, os.fspath(path))
        assert list(tmp_path.iterdir()) == [path]
        left.append(path.read_bytes())
        if left[-1] != old:
            calls.fail_at(-1)
            write(path, OLD)
    assert len(left) >= len(["open", "write", "fsync", "replace", "fsync of the folder"])
    assert left == [old] * (len(left) - 1) + [new]  # the new file is there, and may not outlast a power cut
    record_property("a call of a writer fails", len(left))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("is_there", [True, False])
def test_whatever_call_fails_a_folder_has_the_old_classifier_until_it_has_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_there: bool
) -> None:
    def saved(path: Path, size: int) -> dict[str, bytes]:
        TextClassifier({"a": counted(size), "b": counted(size + 1)}).save(path)
        return contents(path)

    folder = tmp_path / "classifier"
    new = saved(tmp_path / "new", NEW)
    old = saved(folder, OLD) if is_there else None
    calls, failed = FailingCalls(monkeypatch, number), 0
    for call in count(1):
        calls.fail_at(call)
        failure = raised_by(saved, folder, NEW)
        calls.fail_at(-1)
        if failure is None:
            break
        assert failure.errno == number
        failed += 1
        left = contents(folder) if folder.exists() else None
        assert left == old or (left or {}).items() >= new.items()
        if left != old:
            shutil.rmtree(folder)
            if is_there:
                saved(folder, OLD)
    assert failed > 2 * len(["open", "write", "fsync", "replace", "fsync of the folder"])
    assert contents(folder) == new


def test_whatever_call_fails_no_shard_is_left(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = FailingCalls(monkeypatch, errno.ENOSPC)
    sources = [texts / f"{size}.txt" for size in (OLD, NEW)]
    for call in count(1):
        calls.fail_at(call)
        failure = raised_by(encode_files, sources, tmp_path / "shards")
        if failure is None:
            break
        assert failure.errno == errno.ENOSPC
        assert not list(tmp_path.rglob("*.tokens*"))
    assert call > 2 * len(["open", "write", "fsync", "replace", "fsync of the folder"])
    assert len(list(tmp_path.rglob("*.tokens"))) == len(sources)


def short_run(texts: Path, run: Path) -> list[str]:
    flags = ["--max-steps", "4", "--log-interval", "1", "--checkpoint-interval", "2", "--device", "cpu"]
    return [
        "train",
        str(texts / "short.txt"),
        "--model",
        "trained-bigram",
        "--out",
        str(run),
        "--block-size",
        "4",
        *flags,
    ]


SOME_CALLS = 1 if TORTURE else 7
"""Of so many one fails."""


def test_whatever_call_fails_training_says_so_in_one_line_and_goes_on_the_next_time(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = FailingCalls(monkeypatch, errno.ENOSPC)
    for call in count(1, step=SOME_CALLS):
        run = tmp_path / f"{call}"
        calls.fail_at(call)
        code = main(short_run(texts, run))
        shown = capsys.readouterr().err.splitlines()[-1]
        calls.fail_at(-1)
        if code == 0:
            break
        assert code == 1
        assert shown.startswith(f"charlm: {run}")
        assert shown.endswith(f": {os.strerror(errno.ENOSPC)}")
        assert main([*short_run(texts, run), "--resume"]) == 0
        assert (run / "model.safetensors").exists()
    assert call > 30


def test_wherever_training_is_interrupted_at_once_it_goes_on_the_next_time(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = InterruptedCalls(monkeypatch, signal.SIGINT)
    for call in count(1, step=SOME_CALLS):
        run = tmp_path / f"{call}"
        calls.fail_at(call)
        code = main(short_run(texts, run))
        calls.fail_at(-1)
        if code == 0:
            break
        assert code == 130
        assert not list(run.rglob("*.tmp"))
        assert main([*short_run(texts, run), "--resume"]) == 0
        assert (run / "model.safetensors").exists()
    assert call > 30


# ------------------------------------------------------------------------------------------------------- full disks


@contextmanager
def small_disk(folder: Path, room: int = ROOM) -> Iterator[int]:
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user cannot mount a small disk")
    try:
        yield errno.ENOSPC
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)


@contextmanager
def small_files(_: Path, room: int = ROOM) -> Iterator[int]:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        yield errno.EFBIG
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture(params=[small_disk, small_files])
def limited(request: pytest.FixtureRequest) -> Callable[[Path, int], AbstractContextManager[int]]:
    """What leaves little room in a folder; gives the ``errno`` of a failure."""
    found: Callable[[Path, int], AbstractContextManager[int]] = request.param
    return found


@needs_posix
def test_where_there_is_no_room_the_old_file_stays(
    tmp_path: Path,
    name: str,
    write: Callable[[Path, int], object],
    limited: Callable[[Path, int], AbstractContextManager[int]],
) -> None:
    path = tmp_path / name
    with limited(tmp_path, ROOM_OF_A_PAGE if name == "play.html" else ROOM) as number:
        write(path, OLD)
        before = path.read_bytes()
        with pytest.raises(OSError, match=name) as caught:
            write(path, LARGE)
        assert (caught.value.errno, caught.value.filename) == (number, os.fspath(path))
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


@needs_posix
def test_where_there_is_no_room_the_old_checkpoint_stays(
    tmp_path: Path, limited: Callable[[Path, int], AbstractContextManager[int]]
) -> None:
    def save(step: int, size: int) -> None:
        model = serialized_model(counted(size).model, vocabulary(size))
        path = RunFolder(tmp_path).checkpoint_path(step)
        write_checkpoint(path, model=model, tensors={}, values={"step": step}, kept=2, best=0)

    with limited(tmp_path, ROOM) as number:
        save(1, OLD)
        with pytest.raises(OSError, match="step-0000000002") as caught:
            save(2, LARGE)
        assert caught.value.errno == number
        assert newest_checkpoint(tmp_path).values == {"step": 1}
        assert len(list(tmp_path.glob("checkpoints/*"))) == 1


@needs_posix
def test_training_that_fills_the_disk_goes_on_when_there_is_room(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    train = [
        "train",
        str(texts / "short.txt"),
        "--model",
        "trained-bigram",
        "--out",
        str(run),
        "--block-size",
        "4",
        "--device",
        "cpu",
    ]
    train += ["--log-interval", "1", "--checkpoint-interval", "20"]
    ballast = tmp_path / "ballast"
    with small_disk(tmp_path, 4 * ROOM):
        ballast.write_bytes(bytes(2 * ROOM))
        assert main([*train, "--max-steps", "2000"]) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith(f"charlm: {run}")
        assert last.endswith(f": {os.strerror(errno.ENOSPC)}")
        step = newest_checkpoint(run).values["step"]
        assert step > 0
        ballast.unlink()
        assert main([*train, "--max-steps", str(step + 1), "--resume"]) == 0
        assert f"resuming after step {step}\n" in capsys.readouterr().out


def test_an_entry_that_cannot_be_written_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = LogEntry(
        step=1, train_loss=1, validation_loss=None, learning_rate=1, characters_per_second=1, elapsed_seconds=1,
        gradient_norm=0.3,
        peak_memory_bytes=1,
    )  # fmt: skip
    calls = FailingCalls(monkeypatch, errno.ENOSPC)
    for call in (1, 2):
        calls.fail_at(call)
        with pytest.raises(OSError, match=r"log\.jsonl"):
            append_entry(tmp_path / "log.jsonl", entry)


# ------------------------------------------------------------------------------------------------------------ links


@needs_posix
@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_what_it_names_is_written(
    tmp_path: Path, name: str, write: Callable[[Path, int], object], is_there: bool
) -> None:
    (tmp_path / "other").mkdir()
    target = tmp_path / "other" / "target"
    if is_there:
        target.write_bytes(b"old")
    link = tmp_path / name
    link.symlink_to(target)
    write(link, NEW)
    assert link.readlink() == target
    assert not target.is_symlink()
    written = target.read_bytes()
    link.unlink()
    write(link, NEW)
    assert written == link.read_bytes()
    assert list(target.parent.iterdir()) == [target]


@needs_posix
@pytest.mark.parametrize("name", TYPED)
def test_a_link_to_itself_is_an_error_and_stays(
    tmp_path: Path, name: str, write: Callable[[Path, int], object]
) -> None:
    link = tmp_path / name
    link.symlink_to(link)
    with pytest.raises(OSError, match=name) as caught:
        write(link, NEW)
    assert caught.value.errno == errno.ELOOP
    assert link.is_symlink()
    assert list(tmp_path.iterdir()) == [link]


@needs_posix
def test_a_run_folder_may_be_a_link(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    train = [
        "train",
        str(texts / "short.txt"),
        "--model",
        "trained-bigram",
        "--out",
        str(tmp_path / "run"),
        "--block-size",
        "4",
        "--device",
        "cpu",
    ]
    assert main([*train, "--max-steps", "1"]) == 0
    assert main([*train, "--max-steps", "2", "--resume"]) == 0
    assert (tmp_path / "run").is_symlink()
    assert newest_checkpoint(tmp_path / "disk").values["step"] == 2


@needs_posix
def test_a_checkpoint_that_is_a_link_is_let_go_and_what_it_names_stays(tmp_path: Path) -> None:
    model = serialized_model(BigramLanguageModel(3), vocabulary(3))
    paths = [RunFolder(tmp_path).checkpoint_path(step) for step in range(1, 5)]
    outside = tmp_path / "outside"
    for path in paths:
        write_checkpoint(path, model=model, tensors={}, values={}, kept=2, best=0)
        if path == paths[0]:
            path.rename(outside)
            path.symlink_to(outside)
    assert not paths[0].exists()
    assert sorted(file.name for file in outside.iterdir()) == [
        "manifest.json",
        "model.safetensors",
        "training.safetensors",
    ]
