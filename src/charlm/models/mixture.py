"""A mixture of models: the weighted sum of their probabilities."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.data.dataset import grouped
from charlm.models.adapter import ids_at_once, needed, widened
from charlm.models.base import LanguageModel
from charlm.models.context import default_stride
from charlm.models.gpt.model import GPT
from charlm.models.modes import evaluation_mode
from charlm.models.ngram.model import NGramLanguageModel
from charlm.models.parameter_groups import ParameterGroups
from charlm.models.registry import component
from charlm.models.transformer_shape import MOST_LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from charlm.data.dataset import Dataset, SupportsPieces
    from charlm.models.examples import FeaturesOfExamples
    from chartok import Vocabulary

MOST_MODELS = 32
"""Keeps a model file from requesting more models than can be created quickly."""
MOST_ITERATIONS = 300
LARGEST_ROUNDING = 1 / 256
"""How far a row of weights in a file may be from adding up to 1; those in bfloat16 are half as far."""
SMALLEST_GAIN = 1e-7
"""In nats per character; the weights have converged once an iteration gains less."""


class MixtureLanguageModel(LanguageModel):
    """Mixes the probabilities of several models: ``P(next) = sum of w_m P_m(next)``.

    If one of them is an n-gram model, the weights depend on the length of the context that it has found (Jelinek
    and Mercer, 1980): it counts for more in contexts that it has seen. Of several n-gram models, the one of the
    highest order decides; without one, the weights are the same everywhere. All models start with equal weights;
    ``fit`` estimates them.

    A mixture has no limit on its context. A component with a limit gets, for each position, between the last half
    block and the last block of ids, as in ``GPT.step``; the others get all ids.

    Args:
        models: From 1 to 32 different models with the same vocabulary; no mixtures.

    Raises:
        TypeError: One is not a ``LanguageModel``.
        ValueError: There are none or too many, one is a mixture or occurs twice, or their vocabularies differ in size.

    Example:
        >>> from charlm import BigramLanguageModel, TextDataset
        >>> ngram = NGramLanguageModel(3, order=2).fit([0, 1, 0, 1, 0, 1])
        >>> bigram = BigramLanguageModel(3).fit([2, 2, 2, 2, 0, 0])
        >>> held_out = TextDataset([0, 1, 0, 1, 2, 2, 2, 0, 1, 0, 1], block_size=1)
        >>> MixtureLanguageModel([ngram, bigram]).fit(held_out).weights.round(decimals=2)
        tensor([[0.0000, 1.0000],
                [0.8700, 0.1300]])

    The n-gram model has never seen 2: after it, its context length is 0, and the bigram model gets all the weight.
    """

    family = "mixture"

    weights: Tensor
    """The weight of each model, ``(L, M)``: one row, or one per context length from 0 up; each row sums to 1."""

    def __init__(self, models: Sequence[LanguageModel]) -> None:
        models = list(models)
        _check(models)
        shared = set.intersection(*(set(model.context_only) for model in models))
        super().__init__(models[0].vocab_size, context_only=shared)
        self.models: nn.ModuleList = nn.ModuleList(models)
        needs = [needed(model) for model in models]
        self.history: int | None = None
        if all(history is not None for history, _ in needs):
            self.history = max(history or 0 for history, _ in needs)
        self.period: int = math.lcm(*(period for _, period in needs))
        rows = 1 if self._ngram is None else self._ngram.order
        self.register_buffer("weights", torch.full((rows, len(models)), 1 / len(models), device=self.device))

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Returns a mixture of empty models of the families and shapes that ``settings`` returned."""
        entries = settings["models"]
        _check_number(len(entries))
        if not all(isinstance(entry["settings"], dict) for entry in entries):
            raise TypeError("the settings of each model of a mixture must be a dictionary")
        if sum(entry["settings"].get("n_layers", 0) for entry in entries) > MOST_LAYERS:
            raise ValueError(f"the models of a mixture must have at most {MOST_LAYERS} layers in all")
        return cls([component(entry["family"]).from_settings(entry["settings"]) for entry in entries])

    def settings(self) -> dict[str, Any]:
        """Returns the family and the settings of each model."""
        return {"models": [{"family": model.family, "settings": model.settings()} for model in self._components]}

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a mixture of the resized models, with the same weights.

        Raises:
            TypeError: As for ``LanguageModel``.
            ValueError: Likewise, for one of the models.
        """
        mixture = type(self)([model.resize(vocabulary_before, vocabulary_after) for model in self._components])
        mixture.weights = self.weights.clone()
        return mixture.train(self.training)

    def parameter_groups(self) -> ParameterGroups:
        """Returns the combined groups of all models."""
        groups = [(f"models.{place}.", model.parameter_groups()) for place, model in enumerate(self._components)]
        return ParameterGroups(
            **{
                field.name: frozenset(prefix + name for prefix, own in groups for name in getattr(own, field.name))
                for field in fields(ParameterGroups)
            }
        )

    def features_of(self, dataset: Dataset | None, device: torch.device) -> FeaturesOfExamples | None:  # noqa: ARG002
        """Returns None: the models of a mixture get ids alone.

        Raises:
            ValueError: One of them starts from counts, and would learn to trust them too much.
        """
        if any(isinstance(model, GPT) and model.prior is not None for model in self._components):
            raise ValueError("a GPT with a prior is trained alone: train it before it is mixed")
        return None

    @torch.no_grad()
    def fit(self, dataset: SupportsPieces) -> Self:
        """Returns this mixture with the weights that maximize the likelihood of held-out data, found by EM.

        Args:
            dataset: Data that no model was trained on: a model that has seen it would get all the weight. What is
                masked does not count.

        Raises:
            TokenIdError: The stream has an id that the models do not have.
            ValueError: The records have a larger vocabulary, no target counts, or some id has probability 0 under every
                model.
        """
        dataset.check_ids(self.vocab_size)
        all_scores, all_lengths = [], []
        with evaluation_mode(self):
            never = torch.tensor(self.context_only, device=self.device, dtype=torch.int64)
            for rows, is_wanted in _rows(dataset, ids_at_once(self.device, self.numbers_per_id), self.device):
                inputs, targets = rows[:, :-1], rows[:, 1:]
                counts = is_wanted & ~torch.isin(targets, never)
                all_scores.append(self._component_log_probabilities(inputs, targets)[counts].cpu().double())
                all_lengths.append(self._context_lengths(inputs)[counts].cpu())
        scores, lengths = torch.cat(all_scores), torch.cat(all_lengths)
        if not len(scores):
            raise ValueError("dataset has nothing to learn from: every target is masked, or in context_only")
        best = scores.amax(dim=-1, keepdim=True)
        if not best.isfinite().all():
            raise ValueError("dataset has an id with probability 0 under every model: mix in one with smoothing")
        likelihoods = (scores - best).exp()
        weights = torch.full(self.weights.shape, 1 / len(self.models), dtype=torch.float64)
        before = -torch.inf
        for _ in range(MOST_ITERATIONS):
            weights, mean = reestimated(weights, likelihoods, lengths)
            if mean - before < SMALLEST_GAIN:
                break
            before = mean
        self.weights.copy_(weights)
        return self

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the natural logarithms of the mixed probabilities.

        Args:
            inputs: Ids, int64 ``(B, T)``, of any length.

        Returns:
            ``(B, T, V)``, in the widest of the models' dtypes.
        """
        logits = [_in_blocks(model, model.logits, inputs) for model in self._components]
        return self._mixed(logits, self._context_lengths(inputs))

    def step(self, ids: Tensor, state: tuple[Any, ...] | None = None) -> tuple[Tensor, tuple[Any, ...]]:
        """Returns the logarithms of the mixed probabilities after one more id, ``(B, V)``, and the models' states."""
        before = (None,) * len(self.models) if state is None else state
        return self._stepped([model.step(ids, own) for model, own in zip(self._components, before, strict=True)])

    def start(self, inputs: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
        """Returns the logarithms of the mixed probabilities after these ids, ``(B, V)``, and the models' states.

        Args:
            inputs: The ids of a prompt, int64 ``(B, T)``, T at least 1.

        Raises:
            ValueError: There are no ids, or the inputs are not two-dimensional.
        """
        return self._stepped([model.start(inputs) for model in self._components])

    def select(self, states: Sequence[tuple[Any, ...]], rows: Tensor) -> tuple[Any, ...]:
        """Returns the states of the models of some rows; see ``LanguageModel.select``."""
        of_models = zip(*states, strict=True)
        return tuple(model.select(own, rows) for model, own in zip(self._components, of_models, strict=True))

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the natural logarithm of the probability of each target.

        Args:
            inputs: Ids, int64 ``(B, T)``, of any length.
            targets: The ids that follow, int64 ``(B, T)``.

        Returns:
            ``(B, T)``, in nats.
        """
        log_weights = self._log_weights(self._context_lengths(inputs))
        return _summed(self._component_log_probabilities(inputs, targets) + log_weights)

    @property
    def numbers_per_id(self) -> int:
        """About how many numbers ``log_probabilities`` holds at once for each id: those of all models."""
        return sum(model.numbers_per_id for model in self._components)

    @property
    def _components(self) -> list[LanguageModel]:
        return [cast("LanguageModel", model) for model in self.models]

    @property
    def _ngram(self) -> NGramLanguageModel | None:
        """The n-gram model whose contexts determine the weights."""
        ngrams = [model for model in self._components if isinstance(model, NGramLanguageModel)]
        return max(ngrams, key=lambda model: model.order, default=None)

    def _context_lengths(self, inputs: Tensor) -> Tensor:
        """Returns the row of ``weights`` for each position."""
        return torch.zeros_like(inputs) if self._ngram is None else self._ngram.context_lengths(inputs)

    def _component_log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the log-probability of each target under each model, ``(B, T, M)``."""
        scores = [_in_blocks(model, model.log_probabilities, inputs, targets) for model in self._components]
        return torch.stack(scores, dim=-1)

    def _stepped(self, steps: list[tuple[Tensor, Any]]) -> tuple[Tensor, tuple[Any, ...]]:
        """Returns the mixture's result for one position from those of its models."""
        logits, states = zip(*steps, strict=True)
        ngram, lengths = self._ngram, torch.zeros(len(logits[0]), dtype=torch.int64, device=logits[0].device)
        if ngram is not None:
            contexts = states[self._components.index(ngram)]
            found = ngram.table.search.lengths(np.array(contexts, dtype=np.int64))
            lengths = torch.from_numpy(found).to(lengths.device)
        return self._mixed(list(logits), lengths), states

    def _mixed(self, logits: list[Tensor], lengths: Tensor) -> Tensor:
        """Returns the logarithm of the weighted sum of the models' probabilities, ``(..., V)``."""
        log_weights = self._log_weights(lengths).unsqueeze(-2)
        scores = torch.stack([widened(own).log_softmax(dim=-1) for own in logits], dim=-1)
        return _summed(scores + log_weights)

    def _log_weights(self, lengths: Tensor) -> Tensor:
        """Returns the logarithms of the weights for these context lengths, ``(..., M)``."""
        weights = widened(self.weights)  # in half precision a row adds up to 1 only roughly
        return (weights / weights.sum(dim=-1, keepdim=True)).log()[lengths]

    def check_state(self, state: Mapping[str, Tensor]) -> None:
        """Checks that each row of the weights is a division of 1."""
        if "weights" in state and not _are_weights(state["weights"]):
            raise ValueError("weights must be floating point, from 0 to 1, and each row must add up to 1")


def reestimated(weights: Tensor, likelihoods: Tensor, lengths: Tensor) -> tuple[Tensor, float]:
    """Returns improved weights, and the mean log-likelihood under the old ones: one EM step (Dempster et al., 1977).

    The models share each position in proportion to ``w_m P_m``. The new weights of a row are the mean shares over its
    positions, or over all positions if it has none.

    Args:
        weights: As in ``MixtureLanguageModel``, float64 ``(L, M)``.
        likelihoods: The probability of each target under each model, float64 ``(N, M)``; each row may be scaled by
            any factor, which shifts every mean by the same amount.
        lengths: The row of each position, int64 ``(N,)``.

    Example:
        >>> likelihoods = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]).double()
        >>> weights, mean = reestimated(torch.full((2, 2), 0.5).double(), likelihoods, torch.zeros(3, dtype=int))
        >>> weights  # no position has a context of one id
        tensor([[0.6667, 0.3333],
                [0.6667, 0.3333]], dtype=torch.float64)
    """
    joint = weights[lengths] * likelihoods
    total = joint.sum(dim=-1, keepdim=True)
    shares = torch.zeros_like(weights).index_add_(0, lengths, joint / total)
    shares[~shares.any(dim=-1)] = shares.sum(dim=0)
    return shares / shares.sum(dim=-1, keepdim=True), float(total.log().mean())


def _summed(scores: Tensor) -> Tensor:
    """Returns the logarithm of the sum of probabilities, given by their logarithms; rounding never takes it above 0."""
    return scores.logsumexp(dim=-1).clamp(max=0)


def _are_weights(tensor: Tensor) -> bool:
    """Returns whether each row has shares of 1, up to rounding."""
    sums = tensor.double().sum(dim=-1)
    return tensor.is_floating_point() and bool((tensor >= 0).all() and ((sums - 1).abs() <= LARGEST_ROUNDING).all())


def _in_blocks(model: LanguageModel, function: Callable[..., Tensor], *rows: Tensor) -> Tensor:
    """Applies a function that takes at most a block at a time to rows of any length.

    Blocks overlap by half. All positions of the first block are used, and the second half of each later one.

    Args:
        model: The model of the function, which has the maximum length that it takes, if it has a limit.
        function: Maps tensors ``(B, T)`` to one of ``(B, T, ...)``, in which no position depends on later ones.
        rows: Its arguments, ``(B, T)`` each.
    """
    length, block_size = rows[0].shape[1], model.block_size
    if block_size is None or length <= block_size:
        return function(*rows)
    stride = default_stride(block_size)
    overlap = block_size - stride
    blocks = [functional.pad(row, (0, (overlap - length) % stride)).unfold(1, block_size, stride) for row in rows]
    together = max(1, ids_at_once(model.device, model.numbers_per_id) // block_size)
    found, place = torch.empty(0), 0
    for piece in zip(*(block.flatten(0, 1).split(together) for block in blocks), strict=True):
        part = function(*piece)
        if not place:  # kept apart, small results would break up the memory that each batch needs
            found = part.new_empty(blocks[0].shape[:2].numel(), *part.shape[1:])
        found[place : place + len(part)] = part
        place += len(part)
    found = found.unflatten(0, blocks[0].shape[:2])
    return torch.cat([found[:, 0, :overlap], found[:, :, overlap:].flatten(1, 2)], dim=1)[:, :length]


def _rows(dataset: SupportsPieces, at_once: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields texts of like length, about so many ids at once, ``(B, T)``, and which targets count, ``(B, T - 1)``."""
    for ids, lengths, counts, _ in dataset.pieces(None, 0):
        targets = np.maximum(lengths - 1, 0)
        starts = np.stack([np.cumsum(lengths) - lengths, np.cumsum(targets) - targets], axis=1)
        for length, alike in grouped(starts, lengths):
            if length < 2:  # noqa: PLR2004 - without a target
                continue
            for some in np.array_split(alike, -(-len(alike) // max(1, at_once // length))):
                rows = ids[some[:, :1] + np.arange(length)].astype(np.int64)
                is_wanted = counts[some[:, 1:] + np.arange(length - 1)]
                yield torch.from_numpy(rows).to(device), torch.from_numpy(is_wanted).to(device)


def _check(models: list[LanguageModel]) -> None:
    _check_number(len(models))
    for place, model in enumerate(models):
        if not isinstance(model, LanguageModel):
            raise TypeError(f"models[{place}] must be a LanguageModel, got {type(model).__name__}")
        if isinstance(model, MixtureLanguageModel):
            raise ValueError(f"models[{place}] is a mixture: pass its models instead")  # noqa: TRY004 - it is a model
        if model.vocab_size != models[0].vocab_size:
            raise ValueError(
                f"models must share one vocabulary, but models[{place}] has {model.vocab_size} ids and models[0] has "
                f"{models[0].vocab_size}"
            )
    if len(set(models)) < len(models):
        raise ValueError("models contains the same model twice")


def _check_number(models: int) -> None:
    if not 1 <= models <= MOST_MODELS:
        raise ValueError(f"a mixture must have 1 to {MOST_MODELS} models, got {models}")
