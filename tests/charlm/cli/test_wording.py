"""Every message of the command line is in the terms of whoever typed it."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.cli.app import main
from charlm.cli.flags import COMMANDS
from charlm.cli.mistakes import UsageError
from charlm.cli.parsing import parsed
from charlm.cli.wording import PHRASES, REMEDY, as_typed, of_command

OF_PYTHON = re.compile(
    r"\{None\}|<class|Traceback|\bNoneType\b|\bNone\b|\bTrue\b|\bFalse\b|\bSTR\b|\bINT\b|\bFLOAT\b|\bCharLM\b|\bstr\b"
    r"|save_model|save_onnx|load_model|\w\(\)|(?<![\w'])\w+=['\[\d]|(?<![\w/.'-])[a-z]+_[a-z]+(?![\w.'])"
)
"""What nobody types in a shell."""
FAILING = """
charlm play missing
charlm report input.txt
charlm train input.txt --max-steps 5
charlm nonsense
charlm trian input.txt
charlm --model gpt
charlm train
charlm train missing.txt
charlm train input.txt --ordr 3
charlm train input.txt --order x
charlm train input.txt --order 0
charlm train input.txt --order
charlm train input.txt -m gtp
charlm train input.txt --size nano
charlm train input.txt --no-calibrat
charlm train input.txt --calibrate=yes
charlm train input.txt --unit word
charlm train input.txt --smoothing x
charlm train input.txt -m bigram --smoothing tuned
charlm train input.txt -m gpt --max-steps 0
charlm train input.txt -m gpt --warmup-steps 9 --max-steps 5
charlm train input.txt -m gpt --min-learning-rate-fraction 2
charlm train input.txt -m gpt --kept-checkpoints 1
charlm train input.txt -m gpt --n-heads 3 --width 8
charlm train input.txt -m gpt --no-prior --order 3
charlm train input.txt -m gpt --device nonsense
charlm train input.txt -m gpt --init-optimizer
charlm train input.txt --max-length 5 --too-long skip
charlm train names.txt --records --max-length 5
charlm train names.txt --records --max-length 2 --too-long error
charlm train names.txt --records --too-long skip
charlm train input.txt --delimiter \\q
charlm train input.txt --delimiter x
charlm train input.txt --blank-lines keep
charlm train names.txt --records --newlines lf
charlm train input.txt --encoding nonsense
charlm train input.txt --decode-errors nonsense
charlm train latin1.txt
charlm train binary.bin
charlm train empty.txt
charlm train empty.txt --records
charlm train one.txt
charlm train input.txt --train-fraction 2
charlm train input.txt --validation names.txt --split tail
charlm train input.txt --column name
charlm train names.tokens --records --min-count 2
charlm train input.txt --out ngram
charlm prepare input.txt
charlm prepare input.txt --out x.tokens --special-tokens eos
charlm prepare input.txt --out x.tokens --errors replace
charlm prepare input.txt --out x.tokens --vocabulary names
charlm prepare input.txt --out x.tokens --max-size 1
charlm prepare blank.txt --records --blank-lines error --out x.tokens
charlm generate
charlm generate missing
charlm generate input.txt
charlm generate folder
charlm generate ngram extra
charlm generate ngram --temperature -1
charlm generate ngram --temprature 1
charlm generate ngram --top-p 2
charlm generate ngram -n x
charlm generate ngram --prompt \u4e00
charlm generate ngram --prompts chinese.txt
charlm generate ngram --exclude names.txt
charlm generate ngram --scores
charlm generate ngram --max-new-tokens -1
charlm generate ngram --errors replac
charlm generate names -n 3 --errors ignore
charlm generate names --stop a --exclude names.txt
charlm evaluate ngram
charlm evaluate ngram empty.txt
charlm evaluate ngram chinese.txt --errors strict
charlm evaluate ngram names.tokens
charlm evaluate ngram input.txt --stride 5
charlm evaluate ngram input.txt --prompt-end =
charlm evaluate names names.txt --prompt-end %
charlm score ngram chinese.txt --errors strict
charlm score ngram input.txt --unusual 0.1
charlm score ngram input.txt --spans
charlm score ngram binary.bin
charlm calibrate names chinese.txt --errors strict
charlm calibrate names blank.txt
charlm classify
charlm classify ngram --unknown 0.1 --text names.txt
charlm classify ngram names --priors 1 --text names.txt
charlm classify ngram ngram --text names.txt
charlm correct ngram names.txt --channel nonsense
charlm correct ngram names.txt --channel case --error 0.1
charlm correct names names.txt --beam-width 0
charlm info
charlm info a b
charlm info --jsn ngram
charlm report missing
charlm play missing
charlm play names --max-bytes 1
charlm report names --text chinese.txt --errors strict -o x.html
charlm report names --errors ignore
charlm prune ngram -o x
charlm prune ngram -o x --entropy -1
charlm prune ngram -o x --max-bytes 5
charlm prune ngram -o x --max-bytes much
charlm prune bigram -o x --min-count 2
charlm merge ngram -o x
charlm merge ngram names -o x
charlm interpolate ngram ngram -o x
charlm interpolate ngram names --held-out input.txt -o x
charlm update bigram input.txt -o x
charlm update names names.txt --max-size 5 -o x
charlm export ngram --format js2 -o x
charlm export bigram --format arpa -o x
charlm export ngram --format gpt2 -o x
charlm import input.txt -o x
charlm decompress input.txt
charlm decompress input.txt -o x
charlm completion csh
charlm help nonsense
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts, good and bad, and three models."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "input.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 50, encoding="utf-8")
    (folder / "names.txt").write_bytes(b"anna\nhanna\njoanna\nsusanna\njohanna\n" * 9)
    (folder / "chinese.txt").write_text("anna\n\n\u4e00\n", encoding="utf-8")
    (folder / "blank.txt").write_bytes(b"a\n\nb\n")
    (folder / "latin1.txt").write_bytes("caf\u00e9".encode("latin-1"))
    (folder / "binary.bin").write_bytes(bytes(range(256)))
    (folder / "empty.txt").touch()
    (folder / "one.txt").write_bytes(b"x")
    (folder / "folder").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "input.txt", "--order", "3", "--out", "ngram"]) == 0
        assert main(["train", "input.txt", "--model", "bigram", "--out", "bigram"]) == 0
        assert main(["train", "names.txt", "--records", "--order", "3", "--out", "names"]) == 0
        assert main(["prepare", "names.txt", "--records", "--out", "names.tokens"]) == 0
    return folder


@pytest.mark.filterwarnings("default")  # as on the command line
@pytest.mark.parametrize("line", FAILING.strip().splitlines())
def test_a_mistake_is_explained_in_one_line_without_words_of_python(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    monkeypatch.chdir(folder)
    before = {path for path in folder.rglob("*") if path.is_file()}
    assert main(line.split()[1:]) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("charlm: ")
    assert said.splitlines()[-1].isprintable()
    assert not OF_PYTHON.search(said), said
    assert {path for path in folder.rglob("*") if path.is_file()} == before


def test_what_is_meant_is_asked_of_commands_flags_and_values(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for line, meant in (
        ("trian input.txt", "train"),
        ("help trian", "train"),
        ("train input.txt --ordr 3", "--order"),
        ("train input.txt -m gtp", "gpt"),
        ("train input.txt -m gpt --optimizer admw", "adamw"),
        ("generate ngram --errors replac", "replace"),
        ("score ngram input.txt --colour always", "--color"),
        ("completion bsh", "bash"),
        ("export ngram --format tokenizer_json -o x", "tokenizer-json"),
    ):
        assert main(line.split()) == 2
        assert capsys.readouterr().err.endswith(f": did you mean {meant}?\n")


def test_a_line_with_an_unknown_character_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for line in (
        "calibrate names chinese.txt --errors strict",
        "evaluate names chinese.txt --errors strict",
        "report names --text chinese.txt --errors strict -o x.html",
        "score names chinese.txt --errors strict",
    ):
        assert main(line.split()) == 1
        said = capsys.readouterr().err.removeprefix("charlm: 1 blank record skipped\n")
        assert said.startswith("charlm: character 1 of line 3 of 'chinese.txt' is U+4E00"), line
        assert said.endswith("leave it out, or give --errors ignore\n"), line


def test_what_is_in_quotes_stays_as_it_is() -> None:
    with of_command("train"):
        assert as_typed("'max_steps must be' is no file: max_steps must be 1") == (
            "'max_steps must be' is no file: --max-steps must be 1"
        )
        assert as_typed("model_args have 'top_k'") == "model_args have 'top_k'"
        assert as_typed("seed: 1 -> 2; order: 3 -> 4") == "--seed: 1 -> 2; --order: 3 -> 4"
        of_batches = "batches.batch_size: 3 -> 4; batches.seed: 1 -> 2; seed: 1 -> 2; to go on"
        assert as_typed(of_batches) == "--batch-size: 3 -> 4; --seed: 1 -> 2; to go on"
    with of_command("info"):
        assert as_typed("max_steps must be 1") == "max_steps must be 1"
    with of_command("no command"):
        assert as_typed("records=True, prior=False, column=None") == "--records, --no-prior, --column none"


def test_every_phrase_is_one_that_the_library_says() -> None:
    source = Path(__file__).parents[3] / "src"
    said = "".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py") if path.name != "wording.py")
    said = re.sub(r'"\s*\n\s*f?"', "", said)  # a string on several lines
    for phrase in [*PHRASES, REMEDY]:
        assert phrase.split("(--")[0] in said, phrase


def test_the_program_says_the_same_as_the_function(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "charlm", "generate", "ngram", "--top-k", "0"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "charlm: --top-k must be at least 1, got 0; see charlm generate --help\n"


def test_a_value_that_the_settings_refuse_is_explained_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding in ("utf-8", "ascii"):  # of the boxes from which it is taken
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        assert first_said(["--temperature", "-1"]) == "--temperature must not be negative, got -1.0"


def first_said(typed: list[str]) -> str:
    """Returns what is said of flags of ``generate``, without the advice."""
    with of_command("generate"), pytest.raises(UsageError) as caught:
        parsed(["generate", "run", *typed])
    return as_typed(str(caught.value)).partition("; see ")[0]


def test_every_command_can_be_mistaken() -> None:
    assert {line.split()[1] for line in FAILING.strip().splitlines()} >= {*COMMANDS} - {"demo", "compress"}
