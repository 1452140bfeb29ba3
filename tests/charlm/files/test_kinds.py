"""A file of another program is called what it is, wherever a model is read, and the message says what to do."""

import gzip
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from charlm import BigramLanguageModel, CharLM, ForeignFileError, NGramLanguageModel, load_model, save_arpa, save_onnx
from charlm.cli.app import main
from charlm.files.kinds import SAMPLE, kind_of
from chartok import Vocabulary, encode_file

IMPORT = "convert it with charlm import, or in Python with load_classic_gpt"


def torch_file(content: Any, **settings: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **settings)
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


WEIGHTS = {"wte.weight": torch.zeros(3, 2)}
FOREIGN = {
    "a checkpoint": (torch_file({"model": WEIGHTS}), f"is a PyTorch checkpoint, not a model file of charlm: {IMPORT}"),
    "a state_dict": (torch_file(WEIGHTS), f"is a PyTorch checkpoint, not a model file of charlm: {IMPORT}"),
    "an old checkpoint": (
        torch_file(WEIGHTS, _use_new_zipfile_serialization=False),
        f"is a PyTorch checkpoint, not a model file of charlm: {IMPORT}",
    ),
    "a safetensors file": (
        safetensors.torch.save(WEIGHTS, {"format": "pt"}),
        f"is a safetensors file of another program, not a model file of charlm: if it is a GPT-2, {IMPORT}",
    ),
    "a pickle": (pickle.dumps(WEIGHTS), "is a pickle, not a model file of charlm"),
    "a GGUF file": (b"GGUF\3\0\0\0" + bytes(24), "is a GGUF file, not a model file of charlm: charlm does not read"),
    "arrays": (npz(), "is a zip archive, not a model file of charlm"),
    "an HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(24), "is an HDF5 file, not a model file of charlm"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_called_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content, message = FOREIGN[kind]
    Path("ckpt.pt").write_bytes(content)
    for load in (load_model, CharLM.load):
        with pytest.raises(ForeignFileError) as caught:
            load("ckpt.pt")
        assert str(caught.value).startswith(f"'ckpt.pt' {message}")
    for command in ("generate ckpt.pt", "info ckpt.pt", "evaluate ckpt.pt ckpt.pt", "score ckpt.pt", "report ckpt.pt"):
        assert main(command.split()) == 1
        assert f"charlm: 'ckpt.pt' {message}" in capsys.readouterr().err


def test_what_the_library_itself_exports_is_called_what_it_is(tmp_path: Path) -> None:
    vocabulary, (onnx, arpa, tokens, text) = Vocabulary("abc"), (tmp_path / name for name in "abcd")
    text.write_text("abc" * 9)
    save_arpa(arpa, NGramLanguageModel(3, order=2).fit([0, 1, 2]), vocabulary)
    encode_file(text, tokens).close()
    kinds = {arpa: "an ARPA file, .*: convert it with charlm import", tokens: "a token file, which holds a text as ids"}
    if pytest.importorskip("onnxscript"):
        save_onnx(onnx, BigramLanguageModel(3), vocabulary)
        kinds[onnx] = "an ONNX file, not a model file of charlm: load the model that it was exported from"
    for path, kind in kinds.items():
        with pytest.raises(ForeignFileError, match=f"is {kind}"):
            load_model(path)
    arpa.write_bytes(b"\n" + arpa.read_bytes())  # as SRILM writes it
    with pytest.raises(ForeignFileError, match="is an ARPA file"):
        load_model(arpa)


@pytest.mark.parametrize("name", ["ckpt.pt", "model.pt", "pytorch_model.bin"])
def test_a_folder_of_another_program_is_called_that(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(torch_file(WEIGHTS))
    with pytest.raises(
        ForeignFileError, match=rf"is a folder of another program, and {name} in it is a PyTorch checkpoint"
    ):
        load_model(tmp_path)


def test_a_folder_of_transformers_is_called_foreign(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    safetensors.torch.save_file(WEIGHTS, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ForeignFileError, match=r"model\.safetensors' is a safetensors file of another program"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "start", [b"", b" \n", b"\x80", b'{"to": "be"}', b"\x08\0\0", b"a\0b", gzip.compress(b"a", mtime=0)]
)
def test_what_cannot_be_told_is_not_guessed(start: bytes) -> None:
    assert kind_of(start) is None


@pytest.mark.parametrize(
    "text", ["H", "To be, or\r\n\tnot to be\n", "\ufeffRom\n", "\u4e00" * SAMPLE, "\U0001f468\u200d\U0001f467 family"]
)
def test_a_text_is_called_one_and_training_suggested(text: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(ForeignFileError, match=r"text\.txt' is a text, .*: charlm train makes a model of it"):
        load_model(path)
