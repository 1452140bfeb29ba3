"""A Transformer that predicts characters: the decoder of Vaswani et al. (2017), from the embedding to the logits.

What differs from that paper, and where it comes from:

- positions rotate queries and keys instead of being added to the input (RoPE: Su et al., 2021);
- RMSNorm without weights is applied to the input of each sublayer (Zhang and Sennrich, 2019) and to the embeddings
  (as layer norm is in BLOOM: Le Scao et al., 2022);
- queries and keys are normalized too (Henry et al., 2020);
- the activation is the squared ReLU (Primer: So et al., 2021);
- the last matrix of each attention and MLP starts at zero, so that a new layer adds nothing (Zhang et al., 2019);
- a tanh keeps logits between -15 and 15 (Gemma 2: Gemma Team, 2024);
- logits start from what counts say of the last characters, if the model has a prior (``charlm.models.prior``);
- without one, the last two, three and four characters have embeddings, in hashed tables (Pagnoni et al., 2024);
- there are no biases (PaLM: Chowdhery et al., 2022), and the head is not tied to the embedding.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.data.dataset import check_keeps
from charlm.data.folds import HasFolds
from charlm.models.context import ids_kept
from charlm.models.dropout import Dropout
from charlm.models.empty_layers import empty_embedding, empty_linear
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.layers import Block, normalized, projected, rotations
from charlm.models.ngram.model import NGramLanguageModel
from charlm.models.ngram.table import NGramTable
from charlm.models.parameter_groups import ParameterGroups
from charlm.models.prior.prior import CountPrior
from charlm.models.transformer import TransformerLanguageModel
from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from charlm.data.dataset import Dataset
    from charlm.models.prior.prior import HeldOutPrior
    from charlm.models.prior.rows import PriorFeatures
    from charlm.models.resizing import IdChange
    from chartok import Vocabulary

LONGEST_HASHED = 4
"""The longest n-grams that have embeddings."""
HASH_MULTIPLIER, HASH_MODULUS = 1_000_003, 2**31 - 1
"""Constants of a polynomial hash (Karp and Rabin, 1987); products stay below 2**63."""
BEFORE_THE_START = -1
LOGIT_LIMIT = 15.0
LEAST_INPUT = -1.0
"""Of ``ln P / 4 + 1``, in which a probability of 1 is 1 and one of 0.02 is 0: all below 0.0003 are alike."""


class GPT(TransformerLanguageModel):
    """A Transformer decoder over characters.

    Logits are float32, whatever the dtype of the weights. On the CPU, float16 weights are computed with in float32.
    Dropout, if any, draws from the generator of the ``Trainer``, and outside of a run from PyTorch's global generator.

    With a prior, an n-gram model of the training text, the logits are

        15 tanh(head(x) / 15) + sum of g_k ln P_k,  where g = gate(x)

    with x the last hidden state and P_k what the counts say after the last k ids, for up to six k from 2 on. At first g
    is one for the longest k and zero for the others, so that training starts from the n-gram model. The input of a
    position is the sum of three embeddings: of the id, of ln P for the longest k, and of how often each context has
    occurred. What a training example is given is counted without the tenth of the text that it is in: see
    ``features_of``.

    Args:
        config: Its shape.
        prior: The n-gram model to start from, of the same vocabulary; None starts from equal probabilities.
        seed: Determines the initial weights, which are the same on every device. None draws a new one, which the logger
            ``charlm`` tells.

    Raises:
        TypeError: ``config`` is not a ``GPTConfig``, ``prior`` no n-gram model, or ``seed`` is not an integer.
        ValueError: The prior has another vocabulary, longer contexts than half a block, or no counts.

    Example:
        >>> model = GPT(GPTConfig(vocab_size=65, block_size=8, n_layers=2, n_heads=2, width=16))
        >>> logits, loss = model(torch.tensor([[18, 47, 56]]), torch.tensor([[47, 56, 57]]))
        >>> logits.shape
        torch.Size([1, 3, 65])
        >>> round(loss.item(), 2)  # log(65): under a new model all characters are equally likely
        4.17
    """

    family = "gpt"
    without_weights: ClassVar[frozenset[str]] = frozenset({"block_size", "dropout"})
    config: GPTConfig
    log_shares: Tensor
    """With a prior: ln of what each id has kept of its probability where ``resize`` gave new symbols a part, ``(V,)``.

    The input is what the prior said before, so that what the model says of all other ids is too.
    """

    def __init__(
        self, config: GPTConfig, *, prior: NGramLanguageModel | NGramTable | None = None, seed: int | None = 0
    ) -> None:
        if not isinstance(config, GPTConfig):
            raise TypeError(f"config must be a GPTConfig, got {type(config).__name__}")
        super().__init__(config.vocab_size, config.block_size, context_only=config.context_only)
        self.config = config
        self.prior: CountPrior | None = None if prior is None else CountPrior(_checked_prior(prior, config))
        if self.prior is not None:
            n_lengths = self.prior.n_lengths
            self.from_prior: nn.Linear = empty_linear(config.vocab_size, config.width)
            self.from_counts: nn.Linear = empty_linear(2 * n_lengths, config.width)
            self.gate: nn.Linear = empty_linear(config.width, n_lengths, bias=True)
            self.register_buffer("log_shares", torch.zeros(config.vocab_size, device=self.gate.weight.device))
        self.embedding: nn.Embedding = empty_embedding(config.vocab_size, config.width)
        lengths = range(2, LONGEST_HASHED + 1) if config.hash_rows else ()
        self.ngram_embeddings: nn.ModuleList = nn.ModuleList(
            empty_embedding(config.hash_rows, config.width) for _ in lengths
        )
        self.dropout: Dropout = Dropout(config.dropout)
        self.blocks: nn.ModuleList = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.head: nn.Linear = empty_linear(config.width, config.vocab_size)
        if not self.head.weight.is_meta:
            self.initialize(seed)

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Returns a model of the shape that ``settings`` returned."""
        config = {name: value for name, value in settings.items() if name != "prior"}
        prior = settings["prior"]
        return cls(GPTConfig(**config), prior=None if prior is None else NGramTable.from_settings(prior))

    def settings(self) -> dict[str, Any]:
        """Returns the fields of ``config``, and the shape of the prior."""
        lists = {"context_only": list(self.context_only), "hashed_as": list(self.config.hashed_as)}
        prior = None if self.prior is None else self.prior.table.settings()
        return asdict(self.config) | lists | {"prior": prior}

    def parameter_groups(self) -> ParameterGroups:
        """Returns the matrices of all blocks as hidden, the head as decayed, the hashed tables, and the gate as slow.

        What embeds is in no group.
        """
        names = {name for name, _ in self.named_parameters()}
        return ParameterGroups(
            hidden_matrices=frozenset(name for name in names if name.startswith("blocks.")),
            decayed=frozenset({"head.weight"}),
            hashed_tables=frozenset(name for name in names if name.startswith("ngram_embeddings.")),
            slow=frozenset(name for name in names if name.startswith("gate.")),
        )

    @torch.no_grad()
    def initialize(self, seed: int | None) -> Self:
        """Returns this model with new weights; a model created on the meta device needs it after ``to_empty``.

        N-gram embeddings start at zero, so that an n-gram unseen in training adds nothing; character embeddings are
        small, so that training soon outweighs them. The head is smaller still: initially all characters are almost
        equally likely. The last matrices of attention and MLP start at zero, the others with a standard deviation of
        ``1 / sqrt(width)``.

        Args:
            seed: Determines all weights; None draws one.

        Raises:
            TypeError: It is not an integer.
        """
        generator = seeded_generator(seed)
        deviations = dict.fromkeys(("embedding.weight", "from_prior.weight", "from_counts.weight"), 0.02)
        deviations["head.weight"] = 0.001
        for name, parameter in self.named_parameters():
            if name.startswith(("ngram_embeddings", "gate")) or name.endswith("project.weight"):
                parameter.zero_()
                continue
            drawn = torch.randn(parameter.shape, generator=generator, device="cpu")
            parameter.copy_(drawn * deviations.get(name, self.config.width**-0.5))
        if self.prior is not None:
            self.gate.bias[-1] = 1
            self.log_shares.zero_()
        return self

    @property
    def numbers_per_id(self) -> int:
        """About how many numbers ``log_probabilities`` holds at once for each id: those of the prior as well."""
        of_prior = 0 if self.prior is None else 2 * self.prior.n_lengths * self.vocab_size
        return super().numbers_per_id + of_prior

    def features_of(self, dataset: Dataset | None, device: torch.device) -> HeldOutPrior | None:
        """Returns what tells what the counts say of the examples of a dataset; None without a prior.

        Raises:
            TypeError: The dataset cannot be divided into folds.
            ValueError: The prior has not counted it; or it is not known where examples come from.
        """
        if self.prior is None:
            return None
        if dataset is None:
            raise ValueError(
                "a GPT with a prior is given what the counts say without the part of the text that an example is in, "
                "which no iterable of batches tells: train it on a BatchSampler"
            )
        check_keeps(HasFolds, "dataset", dataset, "to train a GPT with a prior, give a TextDataset or a RecordDataset")
        return self.prior.held_out(cast("HasFolds", dataset), device)

    def forward(
        self, inputs: Tensor, targets: Tensor | None = None, counted: PriorFeatures | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Returns the logits and, given targets, the mean cross-entropy; see ``LanguageModel.forward``.

        Args:
            inputs: Ids, ``(B, T)``.
            targets: The ids that follow, ``(B, T)``.
            counted: What ``features_of`` says of these examples; None asks the counts of all texts.

        Warns:
            UserWarning: A model with a prior learns without ``counted``.
        """
        if counted is None and targets is not None and self.training and self.prior is not None:
            _warn_of_own_counts()
        logits = self.logits if counted is None else partial(self._logits, counted=counted)
        return self._forward(logits, inputs, targets)

    def _counted(self, ids: Tensor, start: int = 0) -> PriorFeatures | None:
        return None if self.prior is None else self.prior.features(ids, start)

    def _embedded(self, ids: Tensor, start: int = 0, counted: PriorFeatures | None = None) -> Tensor:
        """Returns the embedding of each id from a position on, and of the n-grams that end with it."""
        nearest = max(0, start + 1 - LONGEST_HASHED)  # on which the first of these n-grams depend
        ids, start = ids[:, nearest:], start - nearest
        x: Tensor = self.embedding(ids)
        if x.dtype == torch.float16 and x.device.type == "cpu":  # its sums would overflow
            x = x.float()
        if self.config.hashed_as and len(self.ngram_embeddings):
            ids = torch.tensor(self.config.hashed_as, device=ids.device)[ids]
        hashes = ids
        for age, embedding in enumerate(self.ngram_embeddings, start=1):
            # Positions before the start get a number that no id ever has, however large the vocabulary becomes.
            before = functional.pad(ids, (age, 0), value=BEFORE_THE_START)[:, : ids.shape[1]]
            hashes = (hashes * HASH_MULTIPLIER + before) % HASH_MODULUS
            x = x + embedding(hashes % self.config.hash_rows)
        x = x[:, start:]
        if counted is not None:
            longest = counted.log_probabilities[..., -1, :] - self.log_shares.float()
            longest = (longest / 4 + 1).clamp(min=LEAST_INPUT)
            x = (
                x
                + projected(self.from_prior, longest.to(x.dtype))
                + projected(self.from_counts, counted.known.to(x.dtype))
            )
        return x

    def _decoded(
        self,
        x: Tensor,
        start: int = 0,
        memory: Tensor | list[Tensor] | None = None,
        counted: PriorFeatures | None = None,
    ) -> Tensor:
        """Returns the logits of embedded positions, of which ``start`` is the first."""
        cos, sin = rotations(start, start + x.shape[1], self.config.head_size, x.device)
        x = normalized(self.dropout(x))
        for layer, block in enumerate(self.blocks):
            x = block(x, cos, sin, None if memory is None else memory[layer])
        if memory is not None:
            x, counted = x[:, -1:], None if counted is None else counted.last()
        x = normalized(x)
        logits = LOGIT_LIMIT * torch.tanh(projected(self.head, x).float() / LOGIT_LIMIT)
        if counted is not None:
            gates = projected(self.gate, x).float()
            logits = logits + (gates.unsqueeze(-2) @ counted.log_probabilities).squeeze(-2)
        return self.without_context_only(logits)

    def _resized(self, change: IdChange) -> Self:
        """Returns an empty model for another vocabulary, which hashes symbols that are kept as this one does."""
        shape: Any = {"vocab_size": change.size, "context_only": change.never_after}
        prior = None if self.prior is None else NGramTable(**shape, order=self.prior.table.order)
        return type(self)(replace(self.config, **shape, hashed_as=_hashed_as(self.config, change)), prior=prior)

    def _resized_prior(
        self, change: IdChange, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary
    ) -> dict[str, Tensor]:
        if self.prior is None:
            return {}
        prior = CountPrior(self.prior.table.resize(vocabulary_before, vocabulary_after))
        kept, becomes = torch.from_numpy(change.kept), torch.from_numpy(change.ids[change.kept])
        weight, log_shares = self.from_prior.weight.detach(), self.log_shares
        columns, shares = weight.new_zeros(len(weight), change.size), log_shares.new_zeros(change.size)
        columns[:, becomes.to(weight.device)] = weight[:, kept.to(weight.device)]
        shares[becomes.to(shares.device)] = log_shares[kept.to(shares.device)]
        table, new = self.prior.table, len(change.new_outcomes)
        unseen = np.setdiff1d(change.outcomes, table.ids[: table.levels[1]])
        if new and len(unseen):  # new symbols share the probability of these
            shares[torch.from_numpy(change.ids[unseen]).to(shares.device)] -= math.log1p(new / len(unseen))
        return {"from_prior.weight": columns, "log_shares": shares} | prior.state_dict(prefix="prior.")


def _warn_of_own_counts() -> None:
    """Warns of learning from examples that the prior has counted, unless no gradient is asked for."""
    if torch.is_grad_enabled():
        warnings.warn(
            "a GPT with a prior learns to trust counts of the examples themselves, which no other text has: give it "
            "model.features_of(dataset, device)(inputs, numbers) of each batch, as Trainer does, or call model.eval()",
            stacklevel=4,
        )


def _checked_prior(prior: NGramLanguageModel | NGramTable, config: GPTConfig) -> NGramTable:
    """Returns the table of a prior that suits a shape.

    Raises:
        TypeError: It is no n-gram model.
        ValueError: It has another vocabulary, or longer contexts than half a block.
    """
    if isinstance(prior, NGramLanguageModel):
        prior = prior.table
    if not isinstance(prior, NGramTable):
        raise TypeError(f"prior must be an NGramLanguageModel or its table, got {type(prior).__name__}")
    if (prior.vocab_size, prior.context_only) != (config.vocab_size, config.context_only):
        raise ValueError(
            f"prior must have the vocabulary of the model, {config.vocab_size} ids of which {config.context_only} are "
            f"never predicted, got {prior.vocab_size} and {prior.context_only}: fit it with the same vocabulary"
        )
    if prior.order - 1 > ids_kept(config.block_size):
        raise ValueError(
            f"a block of {config.block_size} ids keeps {ids_kept(config.block_size)} when it is full, and a prior of "
            f"order {prior.order} looks at {prior.order - 1}: give a larger block_size, or a prior of a lower order"
        )
    return prior


def _hashed_as(config: GPTConfig, change: IdChange) -> tuple[int, ...]:
    """Returns the numbers that stand for the new ids in hashes: of symbols that are kept, those that they had."""
    before = np.array(config.hashed_as or range(config.vocab_size))
    numbers = np.empty(change.size, dtype=np.int64)
    numbers[change.ids[change.kept]] = before[change.kept]
    numbers[change.new] = before.max() + 1 + np.arange(len(change.new))
    return () if np.array_equal(numbers, np.arange(change.size)) else tuple(numbers.tolist())
