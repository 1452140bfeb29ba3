"""What the wheel does where nothing else is installed: ``make dist`` runs this, with and without PyTorch.

Every program runs outside the repository and with warnings as errors.
"""

import os
import re
import shlex
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = EXAMPLES / "gallery" / "first_names.txt"
HAS_PYTORCH = find_spec("torch") is not None
SMALL = "--n-layers 1 --n-heads 1 --width 16 --block-size 16 --batch-size 4 --device cpu --max-steps 4"

COUNTED = """
help
demo
train NAMES --records --out names --calibrate
train NAMES --records --model bigram --out bigram
train text.txt --out text
train other.txt --out other
prepare text.txt --out text.tokens
train text.tokens --out tokens
info names
generate names --n-samples 3 --seed 1
generate text --prompt "the " --max-new-tokens 20
score names lines.txt --unusual 0.1 --spans
score text lines.txt --json
evaluate names NAMES
calibrate text lines.txt
classify text other --text lines.txt
correct names lines.txt
correct text lines.txt --channel spaces
update names lines.txt --records --out updated.safetensors
merge text other --out merged.safetensors
interpolate text other --held-out lines.txt --out mixed.safetensors
prune names --max-bytes 20KB --out pruned.safetensors
export text --format arpa --out text.arpa
export names --format js --out names.js
export names --format tokenizer-json --out tokenizer.json
report names
play names --out play.html
completion bash
""".strip().splitlines()
TRAINED = f"""
import text.arpa --out imported.safetensors
train text.txt --model trained-bigram --out trained --device cpu --max-steps 20
train text.txt --model gpt --out gpt {SMALL}
train text.txt --model gpt --out gpt {SMALL} --max-steps 6 --resume
train text.txt --model mixture --out mixture {SMALL}
train text.txt --model classic-gpt --out classic {SMALL}
generate gpt --max-new-tokens 5
score mixture lines.txt
export classic --format nanogpt --out ckpt.pt
import ckpt.pt --vocabulary classic --out classic.safetensors
report gpt
play gpt --out gpt.html
""".strip().splitlines()
EXPECTED = "nanogpt has no ids that are never predicted"
"""The one warning that a command gives, on purpose."""


def run(folder: Path, *arguments: str | os.PathLike[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "-W", f"ignore:{EXPECTED}", *arguments]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # several wait for each other beside other programs
    return subprocess.run(
        command, cwd=folder, env=one_thread, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run, each after those above it."""
    path = tmp_path_factory.mktemp("released")
    (path / "text.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 60, encoding="utf-8")
    (path / "other.txt").write_text("der schnelle braune fuchs springt weit\n" * 60, encoding="utf-8")
    (path / "lines.txt").write_text("the quick brown fox\nder braune fuchs\nemma\n" * 9, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["charlm", "chartok"])
def test_what_is_imported_is_what_was_installed(name: str) -> None:
    found = find_spec(name)
    assert found is not None
    assert "site-packages" in str(found.origin)


@pytest.mark.parametrize("line", COUNTED + TRAINED * HAS_PYTORCH)
def test_a_command_works(folder: Path, line: str) -> None:
    arguments = [str(NAMES) if word == "NAMES" else word for word in shlex.split(line)]
    done = run(folder, "-m", "charlm", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("name", ["names", "gibberish", "odd_lines"] + ["plain_pytorch", "dataloader"] * HAS_PYTORCH)
def test_an_example_works(folder: Path, name: str) -> None:
    done = run(folder, EXAMPLES / f"{name}.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_command_that_is_installed_is_this_version() -> None:
    program = Path(sys.executable).with_name("charlm")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert metadata.version("chartok") in shown


@pytest.mark.skipif(HAS_PYTORCH, reason="PyTorch is installed")
@pytest.mark.parametrize("family", ["trained-bigram", "gpt", "classic-gpt", "mixture"])
def test_what_needs_pytorch_says_what_to_install(folder: Path, family: str) -> None:
    done = run(folder, "-m", "charlm", "train", "text.txt", "--model", family)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch("charlm: PyTorch is missing: pip install torch; .*\n", done.stderr)


EXTRAS = {
    "data": ("pooch", "from charlm import tiny_shakespeare; tiny_shakespeare()"),
    "encodings": ("charset_normalizer", "from chartok import read_text; read_text('latin.txt', encoding='auto')"),
    "fast": ("numba", "from charlm import compress; compress(b'abc')"),
    "graphemes": ("regex", "from chartok import Vocabulary; Vocabulary.from_text('abc', unit='grapheme')"),
    "parquet": ("pyarrow", "from chartok import read_text; read_text('table.parquet', column='text')"),
    "plots": ("matplotlib", "from charlm.report.plots import plot_surprise as plot; plot(lm.inspect('the fox'))"),
    "sklearn": ("sklearn", "from charlm.sklearn import CharLMDensity"),
    "urls": ("fsspec", "from chartok import read_text; read_text('https://localhost/text.txt')"),
    "zstd": ("backports.zstd", "from chartok import read_text; read_text('text.zst')"),
}
"""For each extra what it installs, and a program that needs it."""
OF_PYTORCH = {
    "logs": ("tensorboard", "from charlm import TensorBoardLog; TensorBoardLog('logs')"),
    "onnx": ("onnx", "from charlm import save_onnx; save_onnx('x.onnx', lm.model, lm.vocabulary)"),
}
"""Those that need PyTorch as well."""
if HAS_PYTORCH:
    EXTRAS |= OF_PYTORCH


def test_every_extra_is_tried() -> None:
    assert {"all", *EXTRAS, *OF_PYTORCH} == set(metadata.metadata("chartok").get_all("Provides-Extra", []))


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_an_extra_that_is_missing_is_named_with_what_to_install(folder: Path, extra: str) -> None:
    package, program = EXTRAS[extra]
    if is_there(package) or (extra == "zstd" and sys.version_info >= (3, 14)):
        pytest.skip(f"{package} is installed")
    (folder / "latin.txt").write_bytes("déjà vu\n".encode("latin-1"))
    (folder / "table.parquet").write_bytes(b"PAR1")
    (folder / "text.zst").write_bytes(bytes.fromhex("28b52ffd"))
    lm = "from charlm import CharLM; lm = CharLM.fit('the quick brown fox ' * 9); "
    done = run(folder, "-c", lm + program)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: ")
    assert f"pip install 'chartok[{extra}]'" in last


def is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package that it lies in
        return False


@pytest.mark.skipif(find_spec("numba") is None, reason="the extra fast is not installed")
def test_a_file_that_was_compressed_comes_back(folder: Path) -> None:
    for line in ("compress text.txt --out text.ctk", "decompress text.ctk --out back.txt"):
        done = run(folder, "-m", "charlm", *line.split())
        assert done.returncode == 0, done.stderr
    assert (folder / "back.txt").read_bytes() == (folder / "text.txt").read_bytes()
