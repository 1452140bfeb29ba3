"""Checkpoints as other programs write them, and what their models say, written down from their sources."""

import json
import math
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

SHAPE = {"vocab_size": 7, "block_size": 6, "n_layer": 2, "n_embd": 8}
N_HEADS = 2


def tensors_of_gpt2(*, seed: int = 0, biases: bool = True, as_conv1d: bool = False) -> dict[str, Tensor]:
    """Random tensors of a GPT-2 without prefixes, none of whose gains is one and none of whose biases is zero."""
    width, generator = SHAPE["n_embd"], torch.Generator().manual_seed(seed)
    outputs = {"attn.c_attn": 3 * width, "attn.c_proj": width, "mlp.c_fc": 4 * width, "mlp.c_proj": width}
    inputs = {"mlp.c_proj": 4 * width}
    shapes: dict[str, tuple[int, ...]] = {
        "wte.weight": (SHAPE["vocab_size"], width),
        "wpe.weight": (SHAPE["block_size"], width),
    }
    for layer in range(SHAPE["n_layer"]):
        for name, out in outputs.items():
            shape = (out, inputs.get(name, width))
            shapes[f"h.{layer}.{name}.weight"] = shape[::-1] if as_conv1d else shape
            shapes |= {f"h.{layer}.{name}.bias": (out,)} if biases else {}
        for name in (f"h.{layer}.ln_1", f"h.{layer}.ln_2"):
            shapes |= {f"{name}.weight": (width,)} | ({f"{name}.bias": (width,)} if biases else {})
    shapes |= {"ln_f.weight": (width,)} | ({"ln_f.bias": (width,)} if biases else {})
    return {name: torch.randn(shape, generator=generator) / 2 for name, shape in shapes.items()}


def logits_of_gpt2(
    tensors: dict[str, Tensor], ids: list[int], *, gelu: str, as_conv1d: bool = False, head: Tensor | None = None
) -> Tensor:
    """The logits after each id, with the whole of attention written out, float64 ``(T, V)``."""
    weights = {name: tensor.double() for name, tensor in tensors.items()}
    length, width = len(ids), SHAPE["n_embd"]

    def linear(name: str, x: Tensor) -> Tensor:
        matrix = weights[f"{name}.weight"]
        return x @ (matrix if as_conv1d else matrix.T) + weights.get(f"{name}.bias", 0)

    def norm(name: str, x: Tensor) -> Tensor:
        mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        return (x - mean) / (variance + 1e-5).sqrt() * weights[f"{name}.weight"] + weights.get(f"{name}.bias", 0)

    def activated(x: Tensor) -> Tensor:
        if gelu == "exact":
            return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    x = weights["wte.weight"][ids] + weights["wpe.weight"][:length]
    for layer in range(SHAPE["n_layer"]):
        query, key, value = linear(f"h.{layer}.attn.c_attn", norm(f"h.{layer}.ln_1", x)).split(width, dim=-1)
        parts = []
        for columns in torch.arange(width).chunk(N_HEADS):
            scores = query[:, columns] @ key[:, columns].T / math.sqrt(len(columns))
            scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
            parts.append(scores.softmax(-1) @ value[:, columns])
        x = x + linear(f"h.{layer}.attn.c_proj", torch.cat(parts, dim=-1))
        inner = activated(linear(f"h.{layer}.mlp.c_fc", norm(f"h.{layer}.ln_2", x)))
        x = x + linear(f"h.{layer}.mlp.c_proj", inner)
    found: Tensor = norm("ln_f", x) @ (weights["wte.weight"] if head is None else head.double()).T
    return found


def write_nanogpt(path: Path, tensors: dict[str, Tensor], *, prefix: str = "", **changes: Any) -> None:
    """Writes a ``ckpt.pt``, with the state of an optimizer; a compiled model has the prefix ``_orig_mod.``."""
    model = {f"{prefix}transformer.{name}": tensor for name, tensor in tensors.items()}
    model[f"{prefix}lm_head.weight"] = tensors["wte.weight"]
    parameters = torch.nn.ParameterList([torch.nn.Parameter(tensor) for tensor in tensors.values()])
    optimizer = torch.optim.AdamW(parameters)
    sum(parameter.sum() for parameter in parameters).backward()
    optimizer.step()
    checkpoint = {
        "model": model,
        "optimizer": optimizer.state_dict(),
        "model_args": {**SHAPE, "n_head": N_HEADS, "bias": "ln_f.bias" in tensors, "dropout": 0.25},
        "iter_num": 250,
        "best_val_loss": torch.tensor(1.5),
        "config": {"out_dir": "out", "dataset": "shakespeare_char", "learning_rate": 1e-3, "compile": True},
    }
    torch.save(checkpoint | changes, path)


def write_mingpt(path: Path, tensors: dict[str, Tensor], head: Tensor) -> None:
    """Writes a ``model.pt``: a ``state_dict`` with its masks."""
    mask = torch.ones(SHAPE["block_size"], SHAPE["block_size"]).tril()[None, None]
    masks = {f"transformer.h.{layer}.attn.bias": mask for layer in range(SHAPE["n_layer"])}
    prefixed = {f"transformer.{name}": tensor for name, tensor in tensors.items()}
    torch.save(prefixed | masks | {"lm_head.weight": head}, path)


def write_gpt2(folder: Path, tensors: dict[str, Tensor], *, prefix: str = "", **changes: Any) -> None:
    """Writes a folder as ``transformers`` does."""
    folder.mkdir(exist_ok=True)
    config = {
        "activation_function": "gelu_new",
        "model_type": "gpt2",
        "layer_norm_epsilon": 1e-05,
        "n_embd": SHAPE["n_embd"],
        "n_head": N_HEADS,
        "n_inner": None,
        "n_layer": SHAPE["n_layer"],
        "n_positions": SHAPE["block_size"],
        "resid_pdrop": 0.1,
        "vocab_size": SHAPE["vocab_size"],
    }
    (folder / "config.json").write_text(json.dumps(config | changes))
    named = {prefix + name: tensor.contiguous() for name, tensor in tensors.items()}
    safetensors.torch.save_file(named, folder / "model.safetensors", {"format": "pt"})
