"""Reads the checkpoints of nanoGPT, minGPT and GPT-2 of character models."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from charlm.data.framing import Framing
from charlm.files.foreign.checkpoint import explained, foreign_tensor_file, weights_file
from charlm.files.foreign.layout import Unstored, config_of, filled_model, without_prefixes
from charlm.files.foreign.torch_file import read_torch_file
from charlm.files.vocabularies import read_vocabulary
from chartok import Vocabulary
from chartok.arguments import positive_integer
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from charlm.files.tensor_file import TensorFile
    from charlm.models.classic_gpt.config import Gelu
    from charlm.models.classic_gpt.model import ClassicGPT

OF_NANOGPT = {"n_layer", "n_head", "n_embd", "block_size", "bias", "vocab_size", "dropout"}
"""What nanoGPT's ``model_args`` has; those of its derivatives that have more are other models."""
ACTIVATIONS: dict[str, Gelu] = {"gelu_new": "tanh", "gelu_pytorch_tanh": "tanh", "gelu": "exact"}
"""The names of the activation in ``config.json`` that a ``ClassicGPT`` has too."""
AS_IN_GPT2 = {
    "model_type": "gpt2",
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}
"""Settings in ``config.json`` that cannot be other than in GPT-2."""


def load_classic_gpt(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | str | os.PathLike[str] | None = None,
    *,
    n_heads: int | None = None,
) -> tuple[ClassicGPT, Vocabulary]:
    """Returns the model in a checkpoint of nanoGPT, minGPT or GPT-2, in evaluation mode, and its vocabulary.

    Nothing in the file is run: a checkpoint that holds more than tensors and plain values is refused.

    Args:
        path: A ``ckpt.pt`` of nanoGPT, a ``model.pt`` of minGPT, or a GPT-2 as ``transformers`` writes it: its folder,
            or the safetensors file in it.
        vocabulary: The characters in the order of their ids: a ``Vocabulary``, or a file that has one, such as
            nanoGPT's ``meta.pkl``, a ``tokenizer.json``, or a vocabulary in JSON. nanoGPT and minGPT sort the
            characters of their text, as ``Vocabulary.from_file`` does. None takes the ``tokenizer.json`` in the folder.
        n_heads: The number of attention heads, which the tensors do not tell: for a checkpoint of minGPT, or a
            safetensors file without ``config.json``.

    Raises:
        OSError: A file cannot be read.
        ForeignFileError: It is of another kind.
        CheckpointCorruptError: It is damaged, holds more than tensors and plain values, or is another model.
        VocabularyError: The file of the vocabulary has none.
        ValueError: The vocabulary has another size than the model, or is missing; ``n_heads`` is missing, or given
            where the checkpoint tells it.

    Example:
        >>> load_classic_gpt("out-shakespeare-char/ckpt.pt", "data/shakespeare_char/meta.pkl")  # doctest: +SKIP
    """
    file = weights_file(path)
    read = foreign_tensor_file(file)
    found = _vocabulary(Path(path), vocabulary)
    with explained(file):
        content = read_torch_file(file) if read is None else _tensors_in(read)
        tensors = without_prefixes(_tensors(content))
        stored = _of_nanogpt(content) or _of_config_file(file)
    unstored = _with_heads(file, stored, n_heads)
    with explained(file):
        config = config_of(tensors, unstored)
    if config.vocab_size != found.size:
        raise ValueError(
            f"vocabulary has {found.size} ids, and the model in {os.fspath(file)!a} {config.vocab_size}: give that "
            "which it was trained with, special tokens included (--vocabulary rather than --text); a model of words or "
            "byte pairs cannot be imported"
        )
    with explained(file):
        model = filled_model(replace(config, context_only=Framing(found).context_only), tensors)
    return model, found


def _vocabulary(path: Path, given: Vocabulary | str | os.PathLike[str] | None) -> Vocabulary:
    if given is None:
        beside = path / "tokenizer.json"
        if not beside.is_file():
            raise ValueError(
                f"vocabulary: {os.fspath(path)!a} does not tell which characters its model knows: give the vocabulary "
                "(--vocabulary), or that of the text that it was trained on (--text)"
            )
        return Vocabulary.from_tokenizer_json(beside)
    return given if isinstance(given, Vocabulary) else read_vocabulary(given)


def _tensors_in(read: TensorFile) -> dict[str, Tensor]:
    return {name: stored.tensor() for name, stored in read.tensors.items()}


def _tensors(content: Any) -> Mapping[str, Tensor]:  # noqa: ANN401 - whatever was saved
    """Returns the tensors by name: the whole content, or nanoGPT's ``model``."""
    tensors = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in tensors.items()
    ):
        raise ValueError("it has no tensors by name: neither a state_dict nor a dictionary with one as 'model'")
    return tensors


def _of_nanogpt(content: Mapping[str, Any]) -> Unstored | None:
    """Returns what ``model_args`` tells; None if there is none."""
    if "model_args" not in content:
        return None
    arguments = dict(content["model_args"])
    if others := set(arguments) - OF_NANOGPT:
        raise ValueError(f"its model_args have {min(others)!a}, which nanoGPT's do not: it is another model")
    return Unstored(
        n_heads=arguments["n_head"],
        gelu="exact",
        dropout=arguments.get("dropout", 0.0),
        stated={
            "n_layers": arguments["n_layer"],
            "width": arguments["n_embd"],
            "block_size": arguments["block_size"],
            "vocab_size": arguments["vocab_size"],
            "biases": arguments["bias"],
        },
    )


def _of_config_file(file: Path) -> Unstored | None:
    """Returns what the ``config.json`` of ``transformers`` beside a file tells; None if there is none."""
    path = file.with_name("config.json")
    if not path.is_file():
        return None
    settings = parse_json(read_json(path))
    if not isinstance(settings, dict) or "model_type" not in settings:
        return None
    for name, value in AS_IN_GPT2.items():
        if settings.get(name, value) != value:
            raise ValueError(f"its config.json has {name} {settings[name]!a}, and that of a GPT-2 {value!a}")
    activation = settings.get("activation_function", "gelu_new")
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"its config.json has activation_function {activation!a}, which must be one of {', '.join(ACTIVATIONS)}"
        )
    return Unstored(
        n_heads=settings["n_head"],
        gelu=ACTIVATIONS[activation],
        dropout=settings.get("resid_pdrop", 0.1),
        stated={
            "n_layers": settings["n_layer"],
            "width": settings["n_embd"],
            "block_size": settings["n_positions"],
            "vocab_size": settings["vocab_size"],
        },
    )


def _with_heads(file: Path, stored: Unstored | None, n_heads: int | None) -> Unstored:
    """Returns what the tensors do not tell, from the checkpoint or from whoever imports it."""
    if stored is not None:
        if n_heads is not None:
            raise ValueError(f"n_heads: {os.fspath(file)!a} tells it already: leave it out")
        return stored
    if n_heads is None:
        raise ValueError(
            f"n_heads: {os.fspath(file)!a} does not tell how many attention heads its model has: give n_heads "
            "(--n-heads); of minGPT's models, gpt-mini has 6, gpt-micro 4 and gpt-nano 3"
        )
    return Unstored(n_heads=positive_integer("n_heads", n_heads), gelu="tanh")
