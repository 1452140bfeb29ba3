"""A classic Transformer whose every weight shows."""

import torch

from charlm import ClassicGPT, ClassicGPTConfig

CLASSIC = ClassicGPTConfig(vocab_size=7, block_size=6, n_layers=2, n_heads=2, width=8)


def lively_classic(config: ClassicGPTConfig = CLASSIC, *, seed: int = 0) -> ClassicGPT:
    """A model none of whose biases is zero and none of whose gains is one, so that all of them show in the logits."""
    model = ClassicGPT(config, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return model
