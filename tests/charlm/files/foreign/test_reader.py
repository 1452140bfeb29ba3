"""Checkpoints of other programs become models that say what they said there; what is none is refused by name."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from charlm import (
    CharLM,
    CheckpointCorruptError,
    ClassicGPT,
    ForeignFileError,
    load_classic_gpt,
    save_model,
)
from charlm.files.foreign.torch_file import read_torch_file
from chartok import Vocabulary, VocabularyError
from foreign_checkpoints import (
    N_HEADS,
    SHAPE,
    logits_of_gpt2,
    tensors_of_gpt2,
    write_gpt2,
    write_mingpt,
    write_nanogpt,
)
from lively_classic_gpt import lively_classic
from strategies import costly

VOCABULARY = Vocabulary("abcdefg")
HEAD = torch.randn(SHAPE["vocab_size"], SHAPE["n_embd"], generator=torch.Generator().manual_seed(9))
some_ids = st.lists(st.integers(0, SHAPE["vocab_size"] - 1), min_size=1, max_size=SHAPE["block_size"])


def check(model: ClassicGPT, expected: Callable[[list[int]], Tensor]) -> None:
    """Checks that a model says what is expected of any ids."""

    @costly()
    @given(ids=some_ids)
    def says_the_same(ids: list[int]) -> None:
        found = model.logits(torch.tensor([ids]))[0].detach().double()
        torch.testing.assert_close(found, expected(ids), rtol=1e-4, atol=1e-4)

    says_the_same()


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
def test_a_checkpoint_of_nanogpt_is_read(tmp_path: Path, prefix: str, *, biases: bool) -> None:
    tensors = tensors_of_gpt2(biases=biases)
    write_nanogpt(tmp_path / "ckpt.pt", tensors, prefix=prefix)
    model, vocabulary = load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY)
    config = model.config
    assert vocabulary == VOCABULARY
    assert (config.n_heads, config.dropout, config.biases, config.is_tied, config.gelu) == (
        2,
        0.25,
        biases,
        True,
        "exact",
    )
    assert not model.training
    check(model, lambda ids: logits_of_gpt2(tensors, ids, gelu="exact"))


def test_the_folder_of_a_checkpoint_is_read(tmp_path: Path) -> None:
    write_nanogpt(tmp_path / "ckpt.pt", tensors_of_gpt2())
    in_folder, alone = (load_classic_gpt(path, VOCABULARY)[0] for path in (tmp_path, tmp_path / "ckpt.pt"))
    assert all(torch.equal(tensor, alone.state_dict()[name]) for name, tensor in in_folder.state_dict().items())


def test_a_checkpoint_of_mingpt_is_read(tmp_path: Path) -> None:
    tensors = tensors_of_gpt2(seed=1)
    write_mingpt(tmp_path / "model.pt", tensors, HEAD)
    model, _ = load_classic_gpt(tmp_path / "model.pt", VOCABULARY, n_heads=N_HEADS)
    assert (model.config.is_tied, model.config.gelu) == (False, "tanh")
    check(model, lambda ids: logits_of_gpt2(tensors, ids, gelu="tanh", head=HEAD))


@pytest.mark.parametrize("prefix", ["", "transformer."])
@pytest.mark.parametrize("activation", ["gelu_new", "gelu"])
def test_a_gpt2_of_transformers_is_read(tmp_path: Path, prefix: str, activation: str) -> None:
    tensors = tensors_of_gpt2(seed=2, as_conv1d=True)
    write_gpt2(tmp_path / "gpt2", tensors, prefix=prefix, activation_function=activation)
    VOCABULARY.to_tokenizer_json(tmp_path / "gpt2" / "tokenizer.json")
    model, vocabulary = load_classic_gpt(tmp_path / "gpt2")
    assert vocabulary == VOCABULARY
    assert model.config.dropout == 0.1
    gelu = {"gelu_new": "tanh", "gelu": "exact"}[activation]
    check(model, lambda ids: logits_of_gpt2(tensors, ids, gelu=gelu, as_conv1d=True))
    of_file, _ = load_classic_gpt(tmp_path / "gpt2" / "model.safetensors", tmp_path / "gpt2" / "tokenizer.json")
    assert of_file.config == model.config


def test_a_gpt2_with_a_head_of_its_own_and_old_masks_is_read(tmp_path: Path) -> None:
    tensors = tensors_of_gpt2(seed=3, as_conv1d=True)
    masks = {f"h.{layer}.attn.bias": torch.ones(1, 1, 6, 6, dtype=torch.uint8) for layer in range(2)}
    masks |= {f"h.{layer}.attn.masked_bias": torch.tensor(-1e4) for layer in range(2)}
    write_gpt2(tmp_path / "gpt2", tensors | masks | {"lm_head.weight": HEAD}, tie_word_embeddings=False)
    model, _ = load_classic_gpt(tmp_path / "gpt2", VOCABULARY)
    assert not model.config.is_tied
    check(model, lambda ids: logits_of_gpt2(tensors, ids, gelu="tanh", as_conv1d=True, head=HEAD))


def test_weights_of_transformers_in_a_pickle_are_read(tmp_path: Path) -> None:
    tensors = tensors_of_gpt2(seed=4, as_conv1d=True)
    write_gpt2(tmp_path / "gpt2", tensors)
    (tmp_path / "gpt2" / "model.safetensors").unlink()
    torch.save(tensors, tmp_path / "gpt2" / "pytorch_model.bin")
    model, _ = load_classic_gpt(tmp_path / "gpt2", VOCABULARY)
    check(model, lambda ids: logits_of_gpt2(tensors, ids, gelu="tanh", as_conv1d=True))


def test_a_checkpoint_from_before_pytorch_1_6_is_read(tmp_path: Path) -> None:
    tensors = tensors_of_gpt2(seed=5)
    write_nanogpt(tmp_path / "ckpt.pt", tensors)
    content = torch.load(tmp_path / "ckpt.pt", weights_only=True)
    torch.save(content, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    old, new = (load_classic_gpt(tmp_path / name, VOCABULARY)[0] for name in ("old.pt", "ckpt.pt"))
    assert all(torch.equal(old.state_dict()[name], tensor) for name, tensor in new.state_dict().items())


def test_a_model_that_was_read_does_not_change_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "ckpt.pt"
    write_nanogpt(path, tensors_of_gpt2())
    model, _ = load_classic_gpt(path, VOCABULARY)
    before = model(torch.tensor([[0, 1, 2]]))[0].clone()
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    assert torch.equal(model(torch.tensor([[0, 1, 2]]))[0], before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_weights_keep_their_dtype(tmp_path: Path, dtype: torch.dtype) -> None:
    write_nanogpt(tmp_path / "ckpt.pt", {name: tensor.to(dtype) for name, tensor in tensors_of_gpt2().items()})
    model, _ = load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}


def test_special_tokens_that_are_contexts_are_not_predicted(tmp_path: Path) -> None:
    write_nanogpt(tmp_path / "ckpt.pt", tensors_of_gpt2())
    lm = CharLM(*load_classic_gpt(tmp_path / "ckpt.pt", Vocabulary("abcdef", special_tokens=["bos"])))
    assert lm.model.context_only == (6,)
    assert set(lm.generate("a", max_new_tokens=50)) <= set("abcdef")


def test_the_vocabulary_of_nanogpt_is_read(tmp_path: Path) -> None:
    write_nanogpt(tmp_path / "ckpt.pt", tensors_of_gpt2())
    meta = {"vocab_size": 7, "itos": dict(enumerate("abcdefg")), "stoi": {c: i for i, c in enumerate("abcdefg")}}
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta))
    assert load_classic_gpt(tmp_path / "ckpt.pt", tmp_path / "meta.pkl")[1] == VOCABULARY


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, call: Callable[..., object], *arguments: object) -> None:
        self.call = call, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("is_archive", [True, False])
@pytest.mark.parametrize("place", ["model", "config", "optimizer", "whole"])
def test_a_checkpoint_with_code_in_it_is_refused_and_nothing_runs(
    tmp_path: Path, place: str, *, is_archive: bool
) -> None:
    path, trace = tmp_path / "ckpt.pt", tmp_path / "exploded"
    for bomb in (Bomb(os.system, f"touch {trace}"), Bomb(Path.touch, trace), Bomb(eval, f"open({str(trace)!r}, 'w')")):
        content = bomb if place == "whole" else {"model": tensors_of_gpt2(), place: bomb}
        torch.save(content, path, _use_new_zipfile_serialization=is_archive)
        with pytest.raises(
            CheckpointCorruptError, match=r"ckpt\.pt' cannot be imported: it holds '.*which could run code"
        ):
            load_classic_gpt(path, VOCABULARY)
        with pytest.raises(ForeignFileError, match=r"ckpt\.pt' is a PyTorch checkpoint"):
            CharLM.load(path)
        assert not trace.exists()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_pickle_of_something_else_is_refused_and_nothing_runs(tmp_path: Path, protocol: int) -> None:
    path, trace = tmp_path / "ckpt.pt", tmp_path / "exploded"
    path.write_bytes(pickle.dumps({"model": Bomb(Path.touch, trace)}, protocol=protocol))
    for call in (lambda: load_classic_gpt(path, VOCABULARY), lambda: CharLM.load(path)):
        with pytest.raises(CheckpointCorruptError, match=r"ckpt\.pt'"):
            call()
    write_mingpt(tmp_path / "model.pt", tensors_of_gpt2(), HEAD)
    with pytest.raises(ValueError, match=r"it (holds|is damaged)"):
        read_torch_file(path)
    with pytest.raises((VocabularyError, CheckpointCorruptError), match=r"ckpt\.pt'"):
        load_classic_gpt(tmp_path / "model.pt", path)
    assert not trace.exists()


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, *, is_archive: bool) -> None:
    path = tmp_path / "ckpt.pt"
    torch.save({"model": tensors_of_gpt2()}, path, _use_new_zipfile_serialization=is_archive)
    sound, generator = path.read_bytes(), np.random.default_rng(0)
    for length in [*generator.integers(0, len(sound), 40), 0, 1, 8, 40]:
        path.write_bytes(sound[:length])
        with pytest.raises(CheckpointCorruptError, match=r"ckpt\.pt'"):
            load_classic_gpt(path, VOCABULARY, n_heads=2)
    refusals = []
    for place in generator.integers(0, len(sound), 100):
        path.write_bytes(sound[:place] + bytes(generator.integers(0, 256, 20, dtype=np.uint8)) + sound[place + 20 :])
        try:
            load_classic_gpt(path, VOCABULARY, n_heads=2)
        except CheckpointCorruptError as error:
            refusals.append(str(error))
    assert refusals
    assert all("ckpt.pt" in refusal and "weights_only" not in refusal for refusal in refusals)


def renamed(tensors: dict[str, Tensor], name: str, to: str) -> dict[str, Tensor]:
    return {to if own == name else own: tensor for own, tensor in tensors.items()}


WHOLE = tensors_of_gpt2()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "it has no tensors by name"),
        ({"model": {"a": 1}, "model_args": {}}, "it has no tensors by name"),
        ({1: torch.zeros(1)}, "it has no tensors by name"),
        ({}, "it has no matrix wte.weight, as a GPT-2 has, but None and others"),
        (
            {"tok_emb.weight": torch.zeros(7, 8)},
            "it has no matrix wte.weight, as a GPT-2 has, but 'tok_emb.weight' and",
        ),
        (WHOLE | {"wte.weight": torch.zeros(7)}, "it has no matrix wte.weight"),
        (renamed(WHOLE, "h.1.ln_1.weight", "h.1.ln_3.weight"), "it lacks the tensor 'h.1.ln_1.weight', unlike a GPT-2"),
        (WHOLE | {"h.1.moe.weight": torch.zeros(1)}, "it has the tensor 'h.1.moe.weight', unlike a GPT-2"),
        (WHOLE | {"transformer.wte.weight": torch.zeros(7, 8)}, "it has the tensor wte.weight twice"),
        (WHOLE | {"h.999.ln_1.weight": torch.zeros(8)}, "n_layers must be at most 256, got 1000"),
        (
            WHOLE | {"wpe.weight": torch.zeros(6, 9)},
            r".* wpe.weight must be floating point of shape \(6, 8\), got float32 of shape \(6, 9\)",
        ),
        (WHOLE | {"ln_f.weight": torch.full((8,), torch.nan)}, "the weight 'norm.weight' contains NaN"),
        (WHOLE | {"ln_f.weight": torch.zeros(8).half()}, "its weights must be all of one of"),
        ({name: tensor.int() for name, tensor in WHOLE.items()}, "its tensor wte.weight must be floating point"),
        (WHOLE | {"ln_f.weight": torch.zeros(8).to_sparse()}, "its tensor ln_f.weight is not stored number by number"),
        (
            {name: torch.zeros(1).expand(tensor.shape) for name, tensor in WHOLE.items()},
            "its tensors have .* bytes, but",
        ),
    ],
)
def test_what_is_no_gpt2_is_refused_and_says_why(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(CheckpointCorruptError, match=rf"model\.pt' cannot be imported: {message}"):
        load_classic_gpt(tmp_path / "model.pt", VOCABULARY, n_heads=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_rmsnorm": True}, "its model_args have 'use_rmsnorm', which nanoGPT's do not: it is another model"),
        ({"n_layer": 3}, "its tensors have n_layers 2, and its settings 3"),
        ({"bias": False}, "its tensors have biases True, and its settings False"),
        ({"n_head": 3}, "width must be a multiple of n_heads: got width 8 and n_heads 3"),
        ({"n_head": "2"}, "n_heads must be an integer, got str"),
        ({"n_head": None}, "n_heads must be an integer, got NoneType"),
        ({"dropout": 2.0}, "dropout must be at least 0 and below 1"),
    ],
)
def test_a_derivative_of_nanogpt_is_refused_and_says_why(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    arguments = {**SHAPE, "n_head": N_HEADS, "bias": True, "dropout": 0.0}
    write_nanogpt(tmp_path / "ckpt.pt", tensors_of_gpt2(), model_args=arguments | changes)
    with pytest.raises(CheckpointCorruptError, match=rf"ckpt\.pt' cannot be imported: {message}"):
        load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY)
    write_nanogpt(tmp_path / "ckpt.pt", tensors_of_gpt2(), model_args={"n_head": 2})
    with pytest.raises(CheckpointCorruptError, match="it lacks 'n_layer'"):
        load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY)
    write_nanogpt(tmp_path / "ckpt.pt", tensors_of_gpt2(), model_args=[1])
    with pytest.raises(CheckpointCorruptError, match="cannot be imported"):
        load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "its config.json has model_type 'llama', and that of a GPT-2 'gpt2'"),
        ({"layer_norm_epsilon": 1e-6}, "its config.json has layer_norm_epsilon 1e-06, and that of a GPT-2 1e-05"),
        ({"scale_attn_by_inverse_layer_idx": True}, "its config.json has scale_attn_by_inverse_layer_idx True"),
        ({"activation_function": "relu"}, "activation_function 'relu', which must be one of gelu_new"),
        ({"activation_function": ["gelu"]}, "cannot be imported"),
        ({"n_positions": 5}, "its tensors have block_size 6, and its settings 5"),
        ({"n_head": 0}, "n_heads must be at least 1, got 0"),
    ],
)
def test_a_relative_of_gpt2_is_refused_and_says_why(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_gpt2(tmp_path / "gpt2", tensors_of_gpt2(as_conv1d=True), **changes)
    with pytest.raises(CheckpointCorruptError, match=message):
        load_classic_gpt(tmp_path / "gpt2", VOCABULARY)
    (tmp_path / "gpt2" / "config.json").write_text("{")
    with pytest.raises(CheckpointCorruptError, match="not JSON"):
        load_classic_gpt(tmp_path / "gpt2", VOCABULARY)


def test_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    write_mingpt(tmp_path / "model.pt", WHOLE, HEAD)
    write_nanogpt(tmp_path / "ckpt.pt", WHOLE)
    with pytest.raises(ValueError, match=r"n_heads: '.*model\.pt' does not tell .* give n_heads \(--n-heads\)"):
        load_classic_gpt(tmp_path / "model.pt", VOCABULARY)
    with pytest.raises(ValueError, match=r"n_heads: '.*ckpt\.pt' tells it already: leave it out"):
        load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY, n_heads=2)
    with pytest.raises(ValueError, match=r"vocabulary: '.*ckpt\.pt' does not tell which characters"):
        load_classic_gpt(tmp_path / "ckpt.pt")
    with pytest.raises(ValueError, match=r"vocabulary has 3 ids, and the model in '.*ckpt\.pt' 7: give that which"):
        load_classic_gpt(tmp_path / "ckpt.pt", Vocabulary("abc"))
    for wrong, error in ((0, ValueError), ("2", TypeError), (True, TypeError)):
        with pytest.raises(error, match="n_heads must be"):
            load_classic_gpt(tmp_path / "model.pt", VOCABULARY, n_heads=wrong)  # type: ignore[arg-type]  # bad input


def test_what_is_not_there_stays_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        load_classic_gpt(tmp_path / "ckpt.pt", VOCABULARY)
    assert caught.value.filename == str(tmp_path / "ckpt.pt")
    with pytest.raises(FileNotFoundError) as caught:
        load_classic_gpt(tmp_path / "ckpt.pt")
    assert caught.value.filename == str(tmp_path / "ckpt.pt")
    with pytest.raises(FileNotFoundError, match=r"none of model\.safetensors, pytorch_model\.bin, ckpt\.pt, model\.pt"):
        load_classic_gpt(tmp_path, VOCABULARY)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="expected a regular file"):
        load_classic_gpt(tmp_path / "pipe", VOCABULARY)


def test_files_of_other_kinds_are_refused_by_their_kind(tmp_path: Path) -> None:
    save_model(tmp_path / "own", lively_classic(), VOCABULARY)
    with pytest.raises(CheckpointCorruptError, match="cannot be imported: it is a model file of charlm already"):
        load_classic_gpt(tmp_path / "own", VOCABULARY)
    (tmp_path / "llama.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ForeignFileError, match=r"llama\.gguf' is a GGUF file"):
        load_classic_gpt(tmp_path / "llama.gguf", VOCABULARY)
    safetensors.torch.save_file({"model.embed_tokens.weight": torch.zeros(7, 8)}, tmp_path / "llama.safetensors")
    with pytest.raises(CheckpointCorruptError, match=r"no matrix wte\.weight.*'model\.embed_tokens\.weight'"):
        load_classic_gpt(tmp_path / "llama.safetensors", VOCABULARY, n_heads=2)
    (tmp_path / "config.json").write_text(json.dumps({"system": {}, "model": {"model_type": "gpt-nano"}}))
    write_mingpt(tmp_path / "model.pt", WHOLE, HEAD)
    load_classic_gpt(tmp_path / "model.pt", VOCABULARY, n_heads=2)  # minGPT's own config.json is beside it
