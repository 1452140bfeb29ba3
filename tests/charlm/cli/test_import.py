"""Models of other programs on the command line: what a user types, and what comes of it."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm import CharLM, ClassicGPT, NGramTable
from charlm.cli.app import main
from chartok import Vocabulary
from foreign_checkpoints import tensors_of_gpt2, write_gpt2, write_mingpt, write_nanogpt


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint of each program, whose seven characters are those of a text."""
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("abcdefg" * 3, encoding="utf-8")
    Path("meta.pkl").write_bytes(pickle.dumps({"itos": dict(enumerate("abcdefg"))}))
    Vocabulary("abcdefg").save("vocabulary.json")
    write_nanogpt(Path("ckpt.pt"), tensors_of_gpt2())
    write_mingpt(Path("model.pt"), tensors_of_gpt2(seed=1), torch.randn(7, 8))
    write_gpt2(Path("gpt2"), tensors_of_gpt2(seed=2, as_conv1d=True))
    Vocabulary("abcdefg").to_tokenizer_json("gpt2/tokenizer.json")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        "ckpt.pt --vocabulary meta.pkl",
        "ckpt.pt --vocabulary vocabulary.json",
        "ckpt.pt --text input.txt",
        "model.pt --text input.txt --n-heads 2",
        "gpt2",
        "gpt2/model.safetensors --vocabulary gpt2/tokenizer.json",
    ],
)
def test_a_checkpoint_becomes_a_model_file(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    assert main(["import", *arguments.split(), "--out", "model.safetensors"]) == 0
    assert capsys.readouterr().out == "saved to model.safetensors\n"
    lm = CharLM.load("model.safetensors")
    assert lm.family == "classic-gpt"
    assert lm.vocabulary == Vocabulary("abcdefg")
    assert main(["generate", "model.safetensors", "--prompt", "abc", "--max-new-tokens", "9"]) == 0
    generated = capsys.readouterr().out.rstrip("\n")
    assert generated.startswith("abc")
    assert len(generated) == 12


@pytest.mark.filterwarnings("ignore:.*other programs may draw bos")
def test_a_model_goes_out_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    quick = "--model classic-gpt --size nano --block-size 4 --max-steps 2 --device cpu"
    Path("text.txt").write_text("the cat sat on the mat. " * 20, encoding="utf-8")
    assert main(["train", "text.txt", "--out", "run", *quick.split()]) == 0
    assert main(["export", "run", "--format", "vocabulary", "--out", "v.json"]) == 0
    for format_, out, vocabulary in (("nanogpt", "out.pt", "--vocabulary v.json"), ("gpt2", "out", "")):
        assert main(["export", "run", "--format", format_, "--out", out]) == 0
        assert main(["import", out, *vocabulary.split(), "--out", f"{format_}.safetensors"]) == 0
        assert Path(f"{format_}.safetensors").read_bytes() == Path("run/model.safetensors").read_bytes()
    capsys.readouterr()
    assert main(["export", "run", "--format", "mingpt", "--out", "none.pt"]) == 1
    assert "charlm: a model in the layout mingpt has gelu 'tanh', and this one 'exact'" in capsys.readouterr().err
    assert main(["export", "run/model.safetensors", "--format", "gpt2", "--out", "run"]) == 1
    assert capsys.readouterr().err == "charlm: run: expected a new or an empty folder\n"
    assert isinstance(CharLM.load("run").model, ClassicGPT)


def test_an_arpa_file_becomes_a_model_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "input.txt", "--order", "2", "--out", "run"]) == 0
    assert main(["export", "run", "--format", "arpa", "--out", "model.arpa"]) == 0
    assert main(["import", "model.arpa", "--out", "model.safetensors"]) == 0
    found, expected = (CharLM.load(path).log_probabilities("abcab") for path in ("model.safetensors", "run"))
    assert found == pytest.approx(expected, abs=1e-6)
    imported, trained = (CharLM.load(path).stored for path in ("model.safetensors", "run"))
    assert isinstance(imported, NGramTable)
    assert isinstance(trained, NGramTable)
    assert imported.log_backoffs.dtype == trained.log_backoffs.dtype == np.float32
    capsys.readouterr()
    for flags, name in (
        ("--text input.txt", "--text"),
        ("--vocabulary meta.pkl", "--vocabulary"),
        ("--n-heads 2", "--n-heads"),
    ):
        assert main(["import", "model.arpa", *flags.split(), "--out", "none"]) == 2
        assert capsys.readouterr().err == f"charlm: {name}: an ARPA file says all there is to know: leave it out\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("ckpt.pt", 1, "vocabulary: 'ckpt.pt' does not tell which characters its model knows: give the --vocabulary"),
        (
            "ckpt.pt --text input.txt --vocabulary meta.pkl",
            2,
            "--vocabulary and --text both say what the characters are: give one",
        ),
        ("ckpt.pt --text input.txt --n-heads 2", 2, "--n-heads: 'ckpt.pt' tells it already: leave it out"),
        ("model.pt --text input.txt", 2, "--n-heads: 'model.pt' does not tell how many attention heads its model has"),
        (
            "model.pt --text input.txt --n-heads 3",
            1,
            "width must be a multiple of --n-heads: got width 8 and --n-heads 3",
        ),
        ("ckpt.pt --text ckpt.pt", 1, "'ckpt.pt' is a zip archive, not text"),
        (
            "input.txt --text input.txt",
            1,
            "'input.txt' is a text, not a model file of charlm: charlm train makes a",
        ),
        ("meta.pkl --text input.txt", 1, "'meta.pkl' is a pickle, not a model file of charlm: give a model"),
        ("missing.pt --text input.txt", 1, "missing.pt: No such file or directory"),
        ("ckpt.pt --text input.txt --heads 2", 2, "import has no flag --heads: did you mean --n-heads?"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: str, code: int, message: str
) -> None:
    assert main(["import", *arguments.split(), "--out", "none"]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("none").exists()


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        ("ckpt.pt --text input.txt", "ckpt.pt"),
        ("ckpt.pt --text input.txt", "input.txt"),
        ("ckpt.pt --vocabulary meta.pkl", "meta.pkl"),
        ("gpt2", "gpt2/model.safetensors"),
        ("gpt2", "gpt2/tokenizer.json"),
    ],
)
def test_nothing_that_is_read_is_written_over(capsys: pytest.CaptureFixture[str], arguments: str, out: str) -> None:
    before = Path(out).read_bytes()
    assert main(["import", *arguments.split(), "--out", out]) == 1
    assert f"{out}' is both a source and the destination" in capsys.readouterr().err
    assert Path(out).read_bytes() == before
