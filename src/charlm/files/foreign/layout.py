"""The tensors of a GPT-2, as GPT-2, nanoGPT and minGPT name and lay them out, and those of a ``ClassicGPT``.

All three give a layer the same names. Around them GPT-2 often leaves out the prefix ``transformer.``; a compiled model
has ``_orig_mod.`` in front. GPT-2 stores each matrix of a layer transposed, as ``Conv1D``. The masks that some of them
store are no weights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from charlm.files.weights import check_weights
from charlm.models.classic_gpt.config import ClassicGPTConfig
from charlm.models.classic_gpt.model import ClassicGPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from charlm.models.classic_gpt.config import Gelu

PREFIXES = re.compile(r"^(?:_orig_mod\.|module\.|transformer\.)*")
MASKS = (".attn.bias", ".attn.masked_bias")
OF_A_LAYER = {
    "attention_norm": "ln_1",
    "attention.attend": "attn.c_attn",
    "attention.project": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.expand": "mlp.c_fc",
    "mlp.project": "mlp.c_proj",
}
"""Their name for each part of ours."""
OTHERS = {"embedding": "wte", "positions": "wpe", "norm": "ln_f", "head": "lm_head"}
LAYER = re.compile(r"h\.\d+\.")
MOST_TIMES_STORED = 2
"""How many times as large as what is stored tensors may be together: a head may share the table of the embeddings."""
EMBEDDING, POSITIONS, HEAD, FIRST_MATRIX = "wte.weight", "wpe.weight", "lm_head.weight", "h.0.attn.c_attn.weight"


@dataclass(frozen=True, kw_only=True)
class Unstored:
    """What the tensors do not tell about a model.

    Attributes:
        n_heads: The number of attention heads per layer.
        gelu: How the activation is computed.
        dropout: The probability of zeroing a value in training.
        stated: Settings of the shape that are said beside the tensors, which tell them too.
    """

    n_heads: int
    gelu: Gelu
    dropout: float = 0.0
    stated: Mapping[str, Any] = field(default_factory=dict)


def their_name(name: str) -> str:
    """Returns what they call a tensor of ours, without a prefix.

    Example:
        >>> their_name("blocks.3.mlp.project.bias"), their_name("norm.weight")
        ('h.3.mlp.c_proj.bias', 'ln_f.weight')
    """
    part, _, kind = name.rpartition(".")
    if part in OTHERS:
        return f"{OTHERS[part]}.{kind}"
    _, layer, of_layer = part.split(".", 2)
    return f"h.{layer}.{OF_A_LAYER[of_layer]}.{kind}"


def is_transposed(name: str, tensor: Tensor) -> bool:
    """Returns whether GPT-2 stores a tensor of ours transposed."""
    return name.startswith("blocks.") and tensor.ndim > 1


def config_of(tensors: Mapping[str, Tensor], unstored: Unstored) -> ClassicGPTConfig:
    """Returns the shape of the model that their tensors are.

    Args:
        tensors: What ``without_prefixes`` returned.
        unstored: What they do not tell.

    Raises:
        ValueError: They are not those of such a model.
    """
    for name in (EMBEDDING, POSITIONS, FIRST_MATRIX):
        if name not in tensors or tensors[name].ndim != 2:  # noqa: PLR2004 - a matrix
            raise ValueError(f"it has no matrix {name}, as a GPT-2 has, but {min(tensors, default=None)!a} and others")
    vocab_size, width = tensors[EMBEDDING].shape
    config = ClassicGPTConfig(
        vocab_size=vocab_size,
        block_size=len(tensors[POSITIONS]),
        n_layers=1 + max(int(name.split(".")[1]) for name in tensors if LAYER.match(name)),
        n_heads=unstored.n_heads,
        width=width,
        dropout=unstored.dropout,
        gelu=unstored.gelu,
        biases="ln_f.bias" in tensors,
        is_tied=HEAD not in tensors or torch.equal(tensors[HEAD], tensors[EMBEDDING]),
    )
    for name, value in unstored.stated.items():
        if getattr(config, name) != value:
            raise ValueError(f"its tensors have {name} {getattr(config, name)}, and its settings {value!a}")
    return config


def filled_model(config: ClassicGPTConfig, tensors: Mapping[str, Tensor]) -> ClassicGPT:
    """Returns the model of a shape with their tensors, in evaluation mode; it shares no memory with them.

    Args:
        config: What ``config_of`` returned.
        tensors: What ``without_prefixes`` returned.

    Raises:
        ValueError: A tensor is missing, is one too many, has another shape, or has what is no number.
    """
    with torch.device("meta"):
        model = ClassicGPT(config)
    wanted = model.state_dict()
    names = {name: their_name(name) for name in wanted}
    if odd := (set(tensors) ^ set(names.values())) - ({HEAD} if config.is_tied else set()):
        name = min(odd)
        raise ValueError(f"it {'has' if name in tensors else 'lacks'} the tensor {name!a}, unlike a GPT-2 of its shape")
    rows, columns = tensors[FIRST_MATRIX].shape
    state = {}
    for name, empty in wanted.items():
        tensor = tensors[names[name]]
        if rows < columns and is_transposed(name, tensor):
            tensor = tensor.T
        if tensor.shape != empty.shape or not tensor.is_floating_point():
            raise ValueError(
                f"its tensor {names[name]} must be floating point of shape {tuple(empty.shape)}, got "
                f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
            )
        state[name] = tensor.clone(memory_format=torch.contiguous_format)
    model.load_state_dict(state, assign=True)
    check_weights(model)
    return model.eval()


def without_prefixes(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors under the names that all three have in common, without masks.

    Raises:
        ValueError: Two have the same name then; or one is no ordinary tensor, or they are larger than what is stored.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in found.items():
        short = PREFIXES.sub("", name)
        if short in tensors:
            raise ValueError(f"it has the tensor {short} twice")
        if not short.endswith(MASKS):
            tensors[short] = tensor
    _check_stored(tensors)
    return tensors


def _check_stored(tensors: Mapping[str, Tensor]) -> None:
    """Checks that tensors take about as much memory as their numbers in the file: views could repeat a few forever."""
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
            raise ValueError(f"its tensor {name} is not stored number by number: save an ordinary one")
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors.values()}
    size = sum(tensor.nbytes for tensor in tensors.values())
    if size > MOST_TIMES_STORED * sum(storages.values()):
        raise ValueError(
            f"its tensors have {size:,} bytes, but only {sum(storages.values()):,} are stored, which they share: save "
            "each tensor by itself"
        )


def tensors_of(model: ClassicGPT, *, with_biases: bool, as_conv1d: bool) -> dict[str, Tensor]:
    """Returns their tensors for a model, on the CPU, without a prefix; a tied head is left out.

    Args:
        model: The model.
        with_biases: Whether a model without biases gets biases of zero.
        as_conv1d: Whether the matrices of layers are transposed.
    """
    tensors = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    if with_biases and not model.config.biases:
        have_biases = [name for name in tensors if name.startswith(("blocks.", "norm."))]
        tensors |= {
            name.replace(".weight", ".bias"): tensors[name].new_zeros(len(tensors[name])) for name in have_biases
        }
    return {
        their_name(name): tensor.T.contiguous() if as_conv1d and is_transposed(name, tensor) else tensor
        for name, tensor in tensors.items()
    }
