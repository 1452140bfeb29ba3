"""A model that is written for another program says there what it said here, and is the same when it is read back."""

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import (
    GPT,
    BigramLanguageModel,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    load_classic_gpt,
    save_classic_gpt,
)
from charlm.files.foreign.writer import Layout
from charlm.models.bigram.table import BigramTable
from chartok import Vocabulary
from foreign_checkpoints import logits_of_gpt2
from lively_classic_gpt import CLASSIC, lively_classic
from strategies import costly

VOCABULARY = Vocabulary("abcdefg")
configs = st.builds(
    lambda layout, **changes: (layout, dataclasses.replace(CLASSIC, **changes)),
    st.sampled_from(["nanogpt", "mingpt", "gpt2"]),
    n_heads=st.sampled_from([1, 2, 4]),
    n_layers=st.integers(1, 3),
    dropout=st.sampled_from([0.0, 0.5]),
    gelu=st.sampled_from(["exact", "tanh"]),
    biases=st.booleans(),
    is_tied=st.booleans(),
)


def expressible(layout: Layout, config: ClassicGPTConfig) -> bool:
    """Whether a layout has such models."""
    if layout == "nanogpt":
        return config.gelu == "exact" and config.is_tied
    return layout == "gpt2" or config.gelu == "tanh"


@costly()
@given(case=configs, dtype=st.sampled_from([torch.float32, torch.float16, torch.bfloat16]))
def test_what_is_written_and_read_back_is_the_same_model(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[Layout, ClassicGPTConfig], dtype: torch.dtype
) -> None:
    (layout, config), path = case, tmp_path_factory.mktemp("written") / "model"
    model = lively_classic(config).to(dtype)
    if not expressible(layout, config):
        with pytest.raises(ValueError, match=f"a model in the layout {layout} has"):
            save_classic_gpt(path, model, VOCABULARY, layout)
        assert not path.exists()
        return
    save_classic_gpt(path, model, VOCABULARY, layout)
    loaded, vocabulary = load_classic_gpt(
        path, None if layout == "gpt2" else VOCABULARY, n_heads=config.n_heads if layout == "mingpt" else None
    )
    ids = torch.tensor([[0, 1, 2, 3, 4, 5]])
    assert vocabulary == VOCABULARY
    assert torch.equal(loaded.logits(ids), model.logits(ids))
    same = dataclasses.replace(loaded.config, biases=config.biases, dropout=config.dropout)
    assert same == config  # only nanoGPT has no biases, and minGPT's file no dropout
    if config.biases or layout == "nanogpt":
        for name, tensor in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], tensor), name


@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize(
    ("layout", "gelu"), [("nanogpt", "exact"), ("mingpt", "tanh"), ("gpt2", "exact"), ("gpt2", "tanh")]
)
def test_the_tensors_mean_what_they_do_in_the_other_program(
    tmp_path: Path, layout: Layout, gelu: Any, *, is_tied: bool
) -> None:
    if layout == "nanogpt" and not is_tied:
        pytest.skip("nanoGPT ties its head")
    model = lively_classic(dataclasses.replace(CLASSIC, gelu=gelu, is_tied=is_tied))
    save_classic_gpt(tmp_path / "model", model, VOCABULARY, layout)
    if layout == "gpt2":
        from safetensors.torch import load_file  # noqa: PLC0415 - here alone

        found = load_file(tmp_path / "model" / "model.safetensors")
    else:
        content = torch.load(tmp_path / "model", weights_only=True)
        found = content["model"] if layout == "nanogpt" else content
    head = found.pop("lm_head.weight", None)
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in found.items()}
    masks = [tensors.pop(f"h.{layer}.attn.bias", None) for layer in range(2)]
    assert all(torch.equal(mask[0, 0], torch.ones(6, 6).tril()) for mask in masks if mask is not None)
    assert (masks[0] is not None) == (layout == "mingpt")
    assert (head is None) == (layout == "gpt2" and is_tied)
    ids = [0, 3, 6, 2, 1]
    expected = logits_of_gpt2(tensors, ids, gelu=gelu, as_conv1d=layout == "gpt2", head=head)
    torch.testing.assert_close(model.logits(torch.tensor([ids]))[0].double().detach(), expected, rtol=1e-4, atol=1e-4)


def test_transformers_says_the_same(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    vocabulary = Vocabulary("abcde", special_tokens=["bos", "eos"])
    for changes in ({}, {"gelu": "tanh", "is_tied": False}, {"biases": False}):
        model = lively_classic(dataclasses.replace(CLASSIC, **changes))
        folder = tmp_path / "-".join(["gpt2", *changes])
        save_classic_gpt(folder, model, vocabulary, "gpt2")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of transformers
            theirs = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
        ids = torch.tensor([[0, 1, 2, 3, 4, 5]])
        torch.testing.assert_close(theirs(ids).logits, model.logits(ids), rtol=1e-4, atol=1e-4)
        theirs.save_pretrained(tmp_path / "theirs")
        again, _ = load_classic_gpt(tmp_path / "theirs", vocabulary)
        torch.testing.assert_close(again.logits(ids)[..., :5], model.logits(ids)[..., :5], rtol=1e-5, atol=1e-5)


def test_a_new_file_replaces_the_old_one_when_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("charlm.files.foreign.writer.write_torch_file", full)
        with pytest.raises(OSError, match="No space left"):
            save_classic_gpt(path, lively_classic(), VOCABULARY, "nanogpt")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    save_classic_gpt(path, lively_classic(), VOCABULARY, "nanogpt")
    before = path.read_bytes()
    save_classic_gpt(path, lively_classic(), VOCABULARY, "nanogpt")
    assert path.read_bytes() == before


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_bytes(b"mine")
    with pytest.raises(OSError, match="expected a new or an empty folder") as caught:
        save_classic_gpt(tmp_path / "run", lively_classic(), VOCABULARY, "gpt2")
    assert caught.value.filename == str(tmp_path / "run")
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == b"mine"
    with pytest.raises(NotADirectoryError):
        save_classic_gpt(tmp_path / "run" / "model.safetensors", lively_classic(), VOCABULARY, "gpt2")


def test_ids_that_are_never_predicted_are_told_of(tmp_path: Path) -> None:
    model = lively_classic(dataclasses.replace(CLASSIC, context_only=(6,)))
    vocabulary = Vocabulary("abcdef", special_tokens=["bos"])
    with pytest.warns(
        UserWarning, match=r"gpt2 has no ids that are never predicted: other programs may draw bos \(6\)"
    ):
        save_classic_gpt(tmp_path / "gpt2", model, vocabulary, "gpt2")
    assert json.loads((tmp_path / "gpt2" / "config.json").read_text())["bos_token_id"] == 6
    assert load_classic_gpt(tmp_path / "gpt2")[0].config == model.config


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with pytest.raises(ValueError, match="layout must be one of nanogpt, mingpt, gpt2, got 'llama'"):
        save_classic_gpt(path, lively_classic(), VOCABULARY, "llama")  # type: ignore[arg-type]  # bad input
    shape = GPTConfig(vocab_size=7, block_size=4, n_layers=1, n_heads=1, width=4, hash_rows=0)
    others: list[Any] = [GPT(shape), BigramLanguageModel(7), BigramTable.fit([0, 1], vocab_size=7)]
    for model in others:
        with pytest.raises(
            ValueError, match=f"only a classic-gpt can be written as gpt2, got a model of the family {model.family}"
        ):
            save_classic_gpt(path, model, VOCABULARY, "gpt2")
    with pytest.raises(ValueError, match="vocabulary must have as many ids as the model, 7, got 3"):
        save_classic_gpt(path, ClassicGPT(CLASSIC), Vocabulary("abc"), "gpt2")
    assert not path.exists()
