"""
Temperature and top-p
=====================

A model gives each character that may come next a probability; ``generate`` draws one. Two numbers
set how daringly: ``temperature`` makes likely characters likelier still, or less so, and ``top_p``
leaves out what is unlikely.
"""

import numpy as np
from matplotlib import pyplot as plt

from charlm import CharLM, SamplingSettings, python_docs

lm = CharLM.fit(python_docs())
symbols, probabilities = zip(*lm.next_symbols("The con", k=lm.vocabulary.size), strict=True)

# %%
# The temperature divides the logarithms of the probabilities, that is, it raises each probability
# to a power. Of the result, ``top_p`` keeps the likeliest characters that together make up a share
# of 0.9.

TOP_P, SHOWN = 0.9, 14
figure, rows = plt.subplots(3, figsize=(8, 6.5), sharex=True)
for temperature, axes in zip([0.4, 1.0, 2.0], rows, strict=True):
    tempered = np.array(probabilities) ** (1 / temperature)
    tempered /= tempered.sum()
    kept = np.cumsum(tempered) - tempered < TOP_P
    axes.bar(range(SHOWN), tempered[:SHOWN], color=np.where(kept[:SHOWN], "C0", "C5"), width=0.8)
    settings = SamplingSettings(temperature=temperature, top_p=TOP_P)
    written = " ".join(lm.generate("The con", max_new_tokens=38, seed=4, settings=settings).split())
    said = f"temperature {temperature}: {kept.sum()} characters kept\n“{written}”"
    axes.text(1, 0.95, said, transform=axes.transAxes, ha="right", va="top", linespacing=1.6)
    axes.set(ylabel="probability", ylim=(0, None))
    axes.margins(x=0.01)

# %%
# The blue characters can be drawn; the gray ones are left out. A cold model repeats what it has
# seen most; a hot one would write nonsense, if it were not for ``top_p``. :doc:`/generation` has
# the other settings.

rows[-1].set_xticks(range(SHOWN), symbols[:SHOWN], family="monospace")
rows[-1].set_xlabel("next character, after “The con”")
figure.suptitle("The hotter, the more is possible", fontweight="bold", x=0.02, ha="left")
plt.show()
