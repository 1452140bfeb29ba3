"""Models as modules that map tensors to tensors alone, as ONNX needs them, with or without keys and values of the past.

Each is a copy in float32 on the CPU. A mixture is built from the graphs of its models.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import torch
from torch import Tensor, nn

from charlm.files.onnx.ngram import NGramGraph
from charlm.files.onnx.prior import PriorGraph
from charlm.models.bigram.model import BigramLanguageModel
from charlm.models.gpt.model import GPT
from charlm.models.mixture import MixtureLanguageModel
from charlm.models.ngram.model import NGramLanguageModel
from charlm.models.quantization import check_not_quantized
from charlm.models.transformer import TransformerLanguageModel

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel

Past: TypeAlias = list[tuple[Tensor, Tensor]]
"""The keys and values of each layer, ``(B, H, P, head_size)`` each."""


class Graph(NamedTuple):
    """A model without its families.

    Attributes:
        module: From ids, int64 ``(B, T)``, to logits, float32 ``(B, T, V)``. With a cache it also takes ids, int64
            ``(B, P)``, and their keys and values, and returns logits, ``(B, 1, V)``, and the ids, keys and values of
            all P + T ids.
        cached: The Transformer whose keys and values they are; None without a cache.
        has_matrices: Whether there is a Transformer in it.
        context_length: How many ids the last logits depend on at most.
        block_size: How many ids there may be at most, those of the past included; None if there is no limit.
    """

    module: nn.Module
    cached: TransformerLanguageModel | None
    has_matrices: bool
    context_length: int
    block_size: int | None


def graph_of(model: LanguageModel, *, cache: bool) -> Graph:
    """Returns the graph of a model.

    Raises:
        ValueError: Models of that family cannot be exported, or not with a cache; says why.
    """
    parts = _parts(model)
    for part in parts:
        check_exportable(part)
    whole = _MixtureGraph(model) if isinstance(model, MixtureLanguageModel) else _graph(model)
    block_size = min((part.block_size for part in parts if part.block_size is not None), default=None)
    history = max((max(part.history or 1, 1) for part in parts if part.block_size is None), default=1)
    transformers = [part for part in parts if isinstance(part, TransformerLanguageModel)]
    if not cache:
        return Graph(whole, None, bool(transformers), block_size or history, block_size)
    if len(transformers) != 1 or block_size is None:
        raise ValueError(
            f"a cache holds the keys and values of one Transformer, and this {model.family} model has "
            f"{len(transformers)}: export it without a cache"
        )
    if history > block_size // 2 + 1:
        raise ValueError(
            f"a Transformer of block_size {block_size} keeps {block_size // 2 + 1} ids when a block is full, and the "
            f"n-gram model needs {history}: export the mixture without a cache"
        )
    return Graph(_CachedGraph(whole), transformers[0], bool(transformers), block_size, block_size)


def check_exportable(model: LanguageModel) -> None:
    """Checks that there is a graph for a model's family.

    Raises:
        ValueError: There is none, or its weights are quantized.
    """
    if not isinstance(model, BigramLanguageModel | NGramLanguageModel | TransformerLanguageModel):
        raise ValueError(  # noqa: TRY004 - a model of another family is still a model
            f"a {type(model).__name__}, of family {model.family!a}, cannot be exported to ONNX, only the families of "
            "charlm: give the model to torch.onnx.export"
        )
    check_not_quantized(model, "exported to ONNX")


def _parts(model: LanguageModel) -> list[LanguageModel]:
    return [cast("LanguageModel", part) for part in getattr(model, "models", [model])]


def _graph(model: LanguageModel) -> NGramGraph | _LogitsGraph:
    return NGramGraph(model.table) if isinstance(model, NGramLanguageModel) else _LogitsGraph(model)


class _LogitsGraph(nn.Module):
    """A copy of a model in float32 on the CPU."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model: LanguageModel = copy.deepcopy(model).cpu().float()
        if isinstance(self.model, GPT) and self.model.prior is not None:
            self.model.prior = PriorGraph(self.model.prior.table)  # type: ignore[assignment]  # has the same features

    def forward(self, ids: Tensor) -> Tensor:
        return self.model.logits(ids)

    def predicted(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the logits, and a context length of 0, which all positions of such a model have."""
        return self.model.logits(ids), torch.zeros_like(ids)

    def last(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same for the last position alone, of a model that depends on no other."""
        return self.predicted(ids[:, -1:])


class _MixtureGraph(nn.Module):
    """The log-probabilities of a mixture."""

    def __init__(self, model: MixtureLanguageModel) -> None:
        super().__init__()
        self.parts: list[NGramGraph | _LogitsGraph] = [_graph(part) for part in _parts(model)]
        self.registered: nn.ModuleList = nn.ModuleList(self.parts)
        orders = [part.order if isinstance(part, NGramGraph) else 0 for part in self.parts]
        self.deciding: int = orders.index(max(orders))
        """The part whose contexts determine the weights, if that is an n-gram model; there is one row otherwise."""
        weights = model.weights.cpu().double()
        self.log_weights: Tensor
        self.register_buffer("log_weights", (weights / weights.sum(dim=-1, keepdim=True)).log().float())

    def forward(self, ids: Tensor) -> Tensor:
        return self.mixed([part.predicted(ids) for part in self.parts])

    def mixed(self, found: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Returns the mixed log-probabilities, ``(B, T, V)``, of the logits and context lengths of the parts."""
        log_weights = self.log_weights[found[self.deciding][1]].unsqueeze(-2)
        scores = torch.stack([logits.log_softmax(dim=-1) for logits, _ in found], dim=-1)
        return (scores + log_weights).logsumexp(dim=-1).clamp(max=0)


class _CachedGraph(nn.Module):
    """The logits of the last position, with the keys and values of earlier ones as inputs and outputs."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.whole: nn.Module = whole

    def forward(self, inputs: Tensor, past_ids: Tensor, past: Past) -> tuple[Tensor, Tensor, Past]:
        ids = torch.cat([past_ids, inputs], dim=1)
        if not isinstance(self.whole, _MixtureGraph):
            logits, present = cast("TransformerLanguageModel", self.whole.model).continued(inputs, past_ids, past)
            return logits, ids, present
        found, present = [], past
        for part in self.whole.parts:
            if isinstance(part, _LogitsGraph) and isinstance(part.model, TransformerLanguageModel):
                logits, present = part.model.continued(inputs, past_ids, past)
                found.append((logits, torch.zeros_like(ids[:, -1:])))
            else:
                found.append(part.last(ids))
        return self.whole.mixed(found), ids, present
