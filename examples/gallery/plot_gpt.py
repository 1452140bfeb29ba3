"""
A GPT on Tiny Shakespeare
=========================

From a file of plays to a Transformer that writes its own, with each part in view: text, vocabulary,
batches, model, trainer. Training takes a minute on two cores, so this page reads recorded
measurements from a file.
"""

import math
import textwrap
from typing import Any

from matplotlib import pyplot as plt

from charlm import (
    GPT,
    BatchSampler,
    GPTConfig,
    LogEntry,
    TextDataset,
    Trainer,
    TrainerConfig,
    generate,
)
from chartok import Vocabulary
from recorded import recorded


def train(text: str, steps: int) -> list[dict[str, Any]]:
    """Returns seconds, losses in bits per character, and what the model wrote, as it trained."""
    vocabulary = Vocabulary.from_text(text)
    data, validation = TextDataset(vocabulary.encode(text), block_size=128).split(0.9)
    model = GPT(GPTConfig.nano(vocabulary.size), seed=1337)
    history = []

    def note(entry: LogEntry) -> None:
        ids = generate(model, vocabulary.encode("\n"), max_new_tokens=160, temperature=0.8, seed=1)
        losses = {"train": entry.train_loss, "validation": entry.validation_loss}
        bits = {name: loss / math.log(2) for name, loss in losses.items() if loss is not None}
        history.append({"seconds": entry.elapsed_seconds, "wrote": vocabulary.decode(ids), **bits})

    config = TrainerConfig(
        max_steps=steps,
        optimizer="muon",
        learning_rate=0.01,
        schedule="trapezoid",
        log_interval=max(1, steps // 20),
        evaluation_interval=max(1, steps // 20),
    )
    batches = BatchSampler(data, batch_size=16, seed=1337)
    Trainer(model, batches, validation=validation, config=config, on_log=note).fit()
    return history


history = recorded("gpt", train, steps=400)

# %%
# After a few seconds the model can spell, and knows that speakers have names; then come verses, and
# sentences that nearly make sense. The longer it trains, the less each second brings.

shown = [history[place] for place in (0, len(history) // 5, -1)]
for entry in shown:
    print(f"after {entry['seconds']:.0f} s: {entry['validation']:.2f} bits per character")

figure, axes = plt.subplots(figsize=(9, 5))
for name in ("train", "validation"):
    axes.plot([one["seconds"] for one in history], [one[name] for one in history], label=name)
for entry, place in zip(shown, [(0.1, 0.86), (0.34, 0.73), (0.68, 0.58)], strict=True):
    said = textwrap.fill(" ".join(entry["wrote"].split())[:75], 28) + " …"
    point, line = (entry["seconds"], entry["validation"]), {"arrowstyle": "-", "color": "C5"}
    axes.annotate(said, point, place, textcoords="axes fraction", arrowprops=line, style="italic")
    axes.plot(*point, "o", color="C1")
axes.set(title="A minute of learning to write", ylabel="bits per character")
axes.set_xlabel("seconds of training on two cores")
axes.legend()
plt.show()
