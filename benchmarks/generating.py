"""Generation compared with the straightforward loop: the model runs on the whole history for each character."""

from __future__ import annotations

import torch

from charlm import CharLM, LanguageModel, NGramLanguageModel, generate
from chartok import Vocabulary
from comparison import Comparison
from tokenizing import sample_text

LENGTH = 200_000
CHARACTERS = 300
SAMPLES = 64
CHARACTERS_EACH = 60


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on an n-gram model of order 7: one text, several, and names."""
    text = sample_text(LENGTH)
    vocabulary = Vocabulary.from_text(text)
    model = NGramLanguageModel(vocabulary.size, order=7).fit(vocabulary.encode(text))
    start = vocabulary.encode(text[:1])
    names = CharLM.fit(sorted(set(text.split()))[:2_000])
    return [
        Comparison(
            name=f"generate {CHARACTERS} characters",
            ours=lambda: generate(model, start, max_new_tokens=CHARACTERS, seed=0),
            rival_name="plain loop",
            rival=lambda: plain_loop(model, torch.tensor([start.tolist()]), CHARACTERS),
            target=10,
        ),
        Comparison(
            name=f"generate {SAMPLES} times {CHARACTERS_EACH} characters",
            ours=lambda: generate(model, start, max_new_tokens=CHARACTERS_EACH, n_samples=SAMPLES, seed=0),
            rival_name="plain loop, side by side",
            rival=lambda: plain_loop(model, torch.tensor([start.tolist()] * SAMPLES), CHARACTERS_EACH),
            target=10,
            samples=3,
        ),
        Comparison(
            name=f"generate {SAMPLES} words",
            ours=lambda: names.sample(SAMPLES, unique=False, seed=0),
            rival_name="one call per word",
            rival=lambda: [names.sample(1, seed=seed) for seed in range(SAMPLES)],
            target=2,
        ),
    ]


def plain_loop(model: LanguageModel, ids: torch.Tensor, count: int, block_size: int | None = None) -> torch.Tensor:
    """Returns the ids followed by ``count`` sampled ones, ``(B, T + count)``, as in the notebook."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(count):
            logits, _ = model(ids if block_size is None else ids[:, -block_size:])
            drawn = torch.multinomial(logits[:, -1].softmax(dim=-1), 1, generator=generator)
            ids = torch.cat([ids, drawn], dim=1)
    return ids
