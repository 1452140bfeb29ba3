"""Writes a ``ClassicGPT`` as nanoGPT, minGPT and GPT-2 do."""

from __future__ import annotations

import errno
import json
import os
import warnings
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import torch
from safetensors.torch import save as save_tensors

from charlm.files.foreign.layout import tensors_of
from charlm.files.foreign.torch_file import write_torch_file
from charlm.files.serializing import check_pair
from charlm.models.classic_gpt.model import ClassicGPT
from charlm.models.quantization import check_not_quantized
from chartok.arguments import file_path
from chartok.files.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary

Layout: TypeAlias = Literal["nanogpt", "mingpt", "gpt2"]

PREFIX = "transformer."
ACTIVATIONS = {"exact": "gelu", "tanh": "gelu_new"}
"""The names of the activation in ``config.json``."""


def save_classic_gpt(
    path: str | os.PathLike[str], model: LanguageModel | CountModel, vocabulary: Vocabulary, layout: Layout
) -> None:
    """Writes a model in the layout of another program; ``load_classic_gpt`` gives the same logits.

    Args:
        path: The file, which is replaced when the new one is complete; for ``"gpt2"``, a new or empty folder.
        model: A ``ClassicGPT``, on any device; it is not changed.
        vocabulary: Its vocabulary, which only ``"gpt2"`` writes as well, as a ``tokenizer.json``.
        layout: ``"nanogpt"``: a checkpoint that its ``sample.py`` takes, of a model with an exact GELU and a tied head;
            it has no state of an optimizer, so that training does not resume from it. ``"mingpt"``: a ``state_dict``
            of a model with the GELU ``tanh``; a tied head is written as a copy of the embedding, and what has no biases
            gets biases of zero. ``"gpt2"``: the folder that ``transformers`` loads with ``GPT2LMHeadModel``, of any
            model; likewise for biases.

    Raises:
        ValueError: There is no such layout, the model is of another family, its settings cannot be expressed, or the
            vocabulary has another size.
        OSError: A file cannot be written, or the folder is not empty.

    Warns:
        UserWarning: The model never predicts some ids, such as the start of a record, which no layout can say: another
            program draws them.

    Example:
        >>> save_classic_gpt("ckpt.pt", lm.model, lm.vocabulary, "nanogpt")  # doctest: +SKIP
    """
    if layout not in get_args(Layout):
        raise ValueError(f"layout must be one of {', '.join(get_args(Layout))}, got {layout!a}")
    check_pair(model, vocabulary)
    if not isinstance(model, ClassicGPT):
        raise ValueError(f"only a classic-gpt can be written as {layout}, got a model of the family {model.family}")  # noqa: TRY004 - still a model
    check_not_quantized(model, f"written as {layout}")
    _check_expressible(model, layout)
    if model.context_only:
        names = {token_id: name for name, token_id in vocabulary.special_tokens.items()}
        never = ", ".join(f"{names.get(token_id, 'id')} ({token_id})" for token_id in model.context_only)
        warnings.warn(f"{layout} has no ids that are never predicted: other programs may draw {never}", stacklevel=2)
    if layout == "gpt2":
        _write_gpt2(file_path("path", path), model, vocabulary)
        return
    content = _nanogpt(model) if layout == "nanogpt" else _mingpt(model)
    with replace_file(path) as file:
        write_torch_file(file, content)


def _check_expressible(model: ClassicGPT, layout: Layout) -> None:
    wanted: dict[Layout, dict[str, Any]] = {
        "nanogpt": {"gelu": "exact", "is_tied": True},
        "mingpt": {"gelu": "tanh"},
        "gpt2": {},
    }
    for name, value in wanted[layout].items():
        found = getattr(model.config, name)
        if found != value:
            raise ValueError(f"a model in the layout {layout} has {name} {value!a}, and this one {found!a}: write gpt2")


def _nanogpt(model: ClassicGPT) -> dict[str, Any]:
    config = model.config
    tensors = tensors_of(model, with_biases=False, as_conv1d=False)
    return {
        "model": _prefixed(tensors) | {"lm_head.weight": tensors["wte.weight"]},
        "model_args": {
            "n_layer": config.n_layers,
            "n_head": config.n_heads,
            "n_embd": config.width,
            "block_size": config.block_size,
            "bias": config.biases,
            "vocab_size": config.vocab_size,
            "dropout": config.dropout,
        },
        "iter_num": 0,
        "config": {},
    }


def _mingpt(model: ClassicGPT) -> dict[str, Tensor]:
    config = model.config
    tensors = tensors_of(model, with_biases=True, as_conv1d=False)
    mask = torch.ones(config.block_size, config.block_size).tril()[None, None]
    masks = {f"{PREFIX}h.{layer}.attn.bias": mask for layer in range(config.n_layers)}
    return {"lm_head.weight": tensors["wte.weight"]} | _prefixed(tensors) | masks


def _write_gpt2(folder: Path, model: ClassicGPT, vocabulary: Vocabulary) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise OSError(errno.ENOTEMPTY, "expected a new or an empty folder", os.fspath(folder))
    folder.mkdir(parents=True, exist_ok=True)
    config = model.config
    settings = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.block_size,
        "n_embd": config.width,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "activation_function": ACTIVATIONS[config.gelu],
        "layer_norm_epsilon": 1e-5,
        "embd_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": config.is_tied,
        "bos_token_id": vocabulary.special_tokens.get("bos"),
        "eos_token_id": vocabulary.special_tokens.get("eos"),
    }
    tensors = _prefixed(tensors_of(model, with_biases=True, as_conv1d=True))
    with replace_file(folder / "config.json") as file:
        file.write(json.dumps(settings, indent=2).encode())
    vocabulary.to_tokenizer_json(folder / "tokenizer.json")
    with replace_file(folder / "model.safetensors") as file:
        file.write(save_tensors(tensors, {"format": "pt"}))


def _prefixed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name if name == "lm_head.weight" else PREFIX + name: tensor for name, tensor in tensors.items()}
