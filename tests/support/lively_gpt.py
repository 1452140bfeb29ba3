"""A Transformer whose every weight shows."""

import torch

from charlm import GPT, GPTConfig
from charlm.models.ngram.table import NGramTable

TINY = GPTConfig(vocab_size=7, block_size=6, n_layers=2, n_heads=2, width=8, hash_rows=11)


def lively(config: GPTConfig = TINY, *, prior: NGramTable | None = None, seed: int = 0) -> GPT:
    """A model none of whose matrices is zero or small, as a new one's are, so that all of them show in the logits."""
    model = GPT(config, prior=prior, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return model
