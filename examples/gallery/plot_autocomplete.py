"""
Complete a word as it is typed
==============================

An editor that completes words asks: which whole words are likely, given what is typed so far?
``complete`` finds them in exact order, with their probabilities. No list of words is needed.
"""

from functools import partial

from matplotlib import pyplot as plt

from charlm import CharLM, python_docs

lm = CharLM.fit(python_docs())

# %%
# Someone types *the context*, one key at a time. A word ends before any of the characters in
# ``stop``.

typed = ["the c", "the co", "the con", "the cont", "the conte", "the contex"]
found = [lm.complete(text, 6, stop=" .,:;)\n") for text in typed]
for text, completions in zip(typed, found, strict=True):
    print(f"{text:10}  {', '.join(whole[4:] for whole, _ in completions[:4])}")

# %%
# Each row adds one key. Words that no longer match drop out, and the others share their place.

leading = dict.fromkeys(whole for completions in found for whole, _ in completions[:2])
colors = dict(zip(leading, ["C1", "C2", "C3", "C4", "C0", "C5"], strict=False))
paper = plt.rcParams["figure.facecolor"]
figure, axes = plt.subplots(figsize=(9, 4))
write = partial(axes.text, size=10, ha="center", va="center")
for row, completions in enumerate(found):
    left = 0.0
    for whole, probability in completions:
        color, word = colors.get(whole, "C5"), whole[4:]
        axes.barh(row, probability, left=left, color=color, edgecolor=paper, linewidth=1.5)
        if probability > 0.0115 * len(word):
            axes.text(
                left + probability / 2, row, word, color=paper, size=10, ha="center", va="center"
            )
        left += probability
axes.set_yticks(range(len(typed)), typed, family="monospace")
axes.invert_yaxis()
axes.set(title="Which word is it going to be?", xlim=(0, 1))
axes.set(xlabel="probability of the whole word", ylabel="typed so far")
plt.show()
