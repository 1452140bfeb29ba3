"""
Fine-tune an existing model
===========================

Often there is little text of the kind you want, but plenty of another kind. A model that has
learned from the other kind first needs less. Here, one that has read Python's documentation is
given a few pages of Shakespeare.
"""

from functools import partial

from matplotlib import pyplot as plt

from charlm import CharLM, TrainerConfig, python_docs
from recorded import recorded


def tune(text: str, steps: int) -> dict[str, list[list[float]]]:
    """Returns how many characters were learned from, and the bits per unseen one, by start."""
    part = len(text) // 40
    rest, validation, unseen = text[: -2 * part], text[-2 * part : -part], text[-part:]
    config = TrainerConfig(
        max_steps=steps,
        optimizer="muon",
        learning_rate=0.01,
        schedule="trapezoid",
        evaluation_interval=10,
    )
    fit = partial(CharLM.fit, model="gpt", device="cpu", config=config)
    reader = fit(python_docs()[: len(text)])
    measured: dict[str, list[list[float]]] = {"from nothing": [], "from Python's documentation": []}
    for size in (len(rest) // 500, len(rest) // 125, len(rest) // 30, len(rest) // 8):
        few = rest[: max(size, 1500)]
        for start, points in zip([None, reader], measured.values(), strict=True):
            lm = fit(few, validation=validation, init_from=start)
            points.append([len(few), lm.bits_per_character(unseen)])
    return measured


measured = recorded("fine_tuning", tune, steps=100)

# %%
# ``init_from`` takes the weights, the counts and the vocabulary of the other model; new characters
# get new ids. With ``validation``, a fit keeps the best weights, which matters when there is little
# to learn from. :doc:`/howto/start-from-a-model` says what else can be carried over.

nothing, docs = measured.values()
for (size, bits), (_, fewer) in zip(nothing, docs, strict=True):
    print(f"{size:7,} characters: {bits:.2f} bits from nothing, {fewer:.2f} from the documentation")

figure, axes = plt.subplots()
for (name, points), color in zip(measured.items(), ["C5", "C0"], strict=True):
    axes.plot(*zip(*points, strict=True), "o-", color=color, label=name)
sizes, before = zip(*nothing, strict=True)
axes.fill_between(sizes, before, [bits for _, bits in docs], color="C0", alpha=0.12)
axes.set(title="Reading something else first saves text", xscale="log")
axes.set(xlabel="characters of Shakespeare to learn from", ylabel="bits per unseen character")
axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
axes.minorticks_off()
axes.grid(axis="y")
axes.legend()
plt.show()
