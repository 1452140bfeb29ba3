"""Trains a Transformer in your own PyTorch loop, on the library's batches."""

import torch
from torch.nn.functional import cross_entropy

from charlm import GPT, BatchSampler, GPTConfig, TextDataset, evaluate, generate, python_docs
from chartok import Vocabulary


def main(steps: int = 60) -> tuple[float, float, str]:
    """Returns the validation loss before and after training, in nats per character, and a sample of the model."""
    text = python_docs()[:200_000]
    vocabulary = Vocabulary.from_text(text)
    train, validation = TextDataset(vocabulary.encode(text), block_size=32).split(0.9)
    batches = BatchSampler(train, batch_size=32, seed=1)
    config = GPTConfig(vocab_size=vocabulary.size, block_size=32, n_layers=2, n_heads=2, width=64, hash_rows=2048)
    model = GPT(config, seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    before = evaluate(model, validation).nats_per_character

    for _ in range(steps):
        inputs, targets = next(batches)
        logits, _ = model(inputs)  # model(inputs, targets) computes this loss as well
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()

    ids = generate(model, vocabulary.encode("The "), max_new_tokens=200, temperature=0.8, seed=1)
    return before, evaluate(model, validation).nats_per_character, vocabulary.decode(ids)


if __name__ == "__main__":
    before, after, sample = main(300)
    print(f"validation loss {before:.3f} -> {after:.3f} nats per character\n\n{sample}")
