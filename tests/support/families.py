"""Small models of every family, each with what says the same as plainly as can be."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from charlm import BigramLanguageModel, LanguageModel, MixtureLanguageModel, NGramLanguageModel
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.models.predictor import CountModel
from charlm.models.registry import as_language_model
from lively_classic_gpt import CLASSIC, lively_classic
from lively_gpt import TINY, lively
from reference_model import Reference

SIZE = TINY.vocab_size
NEVER = (0, 5)
"""Ids that are contexts only, where a model has such ids."""
TEXT = [int(token_id) for token_id in np.random.default_rng(6).integers(1, SIZE, 120)] + [1, 2, 3, 4] * 5
"""What has no first id, so that a count model meets one that it has not seen."""
EXACT, ROUNDED = 1e-9, 1e-5
"""How far what count models say in float64, and what others say in float32, may be off, in nats."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Family:
    """A model and how to check what it says.

    Attributes:
        name: What it is called in test ids.
        model: The model.
        tolerance: How far its ways to say one thing may differ, in nats.
    """

    name: str
    model: LanguageModel | CountModel
    tolerance: float

    def __repr__(self) -> str:
        return self.name

    @property
    def in_torch(self) -> LanguageModel:
        """The model itself, or the face of a count model in PyTorch, in float64 as its arrays compute."""
        model = as_language_model(self.model)
        return model.double() if isinstance(self.model, BigramTable) else model.eval()

    def log_probabilities_after(self, ids: list[int]) -> NDArray[np.float64]:
        """Returns what the model in PyTorch says of the id after some others, when it is run on all of them."""
        with torch.no_grad():
            logits = self.in_torch.logits(torch.tensor([ids]))[0, -1]
        last: NDArray[np.float64] = logits.double().log_softmax(-1).numpy()
        return last

    def context(self, target: int, stride: int | None = None) -> int:
        """Returns where the first block begins that reaches a place, if one begins at each multiple of the stride."""
        block_size, begin = self.model.predictor().block_size, 0
        while block_size is not None and target - begin > block_size:
            begin += stride or block_size - block_size // 2
        return begin


def families(never: tuple[int, ...] = ()) -> list[Family]:
    """Returns a model of every family, with such ids as are contexts only."""
    gpt = lively(replace(TINY, context_only=never))
    counted: dict[str, Any] = {"vocab_size": SIZE, "context_only": never}
    with_prior = lively(gpt.config, prior=NGramTable.fit(TEXT, order=4, **counted), seed=1)
    ngram = NGramLanguageModel(SIZE, order=3, context_only=never).fit(TEXT)
    mixture = MixtureLanguageModel([gpt, ngram]).eval()
    mixture.weights.copy_(torch.tensor([[0.7, 0.3], [0.5, 0.5], [0.1, 0.9]]))
    return [
        Family(name="trained bigram", model=BigramLanguageModel(SIZE, seed=3, context_only=never), tolerance=ROUNDED),
        Family(name="counted bigram", model=BigramTable.fit(TEXT, **counted), tolerance=EXACT),
        Family(name="plain bigram", model=BigramTable.fit(TEXT, smoothing=0, **counted), tolerance=EXACT),
        *(
            Family(name=f"n-gram {order}", model=NGramTable.fit(TEXT, order=order, **counted), tolerance=EXACT)
            for order in (1, 2, 5)
        ),
        Family(name="pruned n-gram", model=NGramTable.fit(TEXT, order=4, **counted).prune(2), tolerance=EXACT),
        Family(name="n-gram in PyTorch", model=ngram, tolerance=EXACT),
        Family(name="gpt", model=gpt, tolerance=ROUNDED),
        Family(name="gpt with a prior", model=with_prior, tolerance=ROUNDED),
        Family(name="classic gpt", model=lively_classic(replace(CLASSIC, context_only=never)), tolerance=ROUNDED),
        Family(name="mixture", model=mixture, tolerance=ROUNDED),
        Family(name="own", model=Reference(SIZE, context_only=never), tolerance=ROUNDED),
        Family(name="own without a limit", model=Reference(SIZE, None, context_only=never), tolerance=ROUNDED),
    ]
