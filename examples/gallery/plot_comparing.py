"""
Which model for how much time?
==============================

Counting takes a second, training a minute. What is the minute worth? Each family of models learns
from nine tenths of Tiny Shakespeare, and is measured on the last tenth, which it has not seen.
"""

import time
from functools import partial

from matplotlib import pyplot as plt

from charlm import CharLM, TrainerConfig
from recorded import recorded


def compare(text: str, steps: int) -> dict[str, list[list[float]]]:
    """Returns the seconds that fits took and the bits per unseen character, by family."""
    learned, unseen = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    fit = partial(CharLM.fit, learned)
    gpt = partial(fit, model="gpt", device="cpu")
    mixture = partial(fit, model="mixture", device="cpu")
    limit = partial(TrainerConfig, optimizer="muon", learning_rate=0.01, schedule="trapezoid")
    budgets = [limit(max_steps=max(1, steps // part)) for part in (20, 4, 1)]
    families = {
        "bigram, counted": [partial(fit, model="bigram")],
        "n-gram, orders 3 to 9": [partial(fit, order=order) for order in (3, 5, 7, 9)],
        "GPT without counts": [partial(gpt, prior=False, config=config) for config in budgets],
        "GPT": [partial(gpt, config=config) for config in budgets],
        "mixture": [partial(mixture, config=config) for config in budgets],
    }
    measured: dict[str, list[list[float]]] = {}
    for name, fits in families.items():
        for fitted in fits:
            start = time.perf_counter()
            lm = fitted()
            seconds = time.perf_counter() - start
            measured.setdefault(name, []).append([seconds, lm.bits_per_character(unseen)])
    return measured


measured = recorded("comparing", compare, steps=320)

# %%
# An n-gram model is ready before a Transformer has taken its first steps. A Transformer that starts
# from its counts continues from where it ends; without them, it has to learn to spell first.

figure, axes = plt.subplots()
styles = ["C5D", "C2-o", "C3-o", "C0-o", "C1--o"]
for (name, points), style in zip(measured.items(), styles, strict=True):
    axes.plot(*zip(*points, strict=True), style, label=name)
    print(f"{name:22} {points[-1][1]:.2f} bits after {points[-1][0]:.2g} s")
axes.set(title="What a minute of training is worth", xscale="log")
axes.set(xlabel="seconds of fitting on two cores", ylabel="bits per unseen character")
axes.grid(axis="y")
axes.legend()
plt.show()
