"""
What surprises a model
======================

A model that has read Python's documentation knows what is usually said there. Here are four
sentences, two of which it does not expect.
"""

from functools import partial

import numpy as np
from matplotlib import pyplot as plt

from charlm import CharLM, python_docs

lm = CharLM.fit(python_docs())
lines = [
    "A function may return a value of any type.",
    "A function may return a banana of any type.",
    "If the key is not found, KeyError is raised.",
    "If the key is not found, look on the sofa.",
]

# %%
# ``inspect`` gives the surprise at each character in bits: one bit for what had one chance in two,
# ten for what had one in a thousand. Each line is scored as the start of a line, after a line
# break.

surprise = np.full((len(lines), max(map(len, lines))), np.nan)
for row, line in zip(surprise, lines, strict=True):
    row[: len(line)] = lm.inspect("\n" + line).bits[1:]
    print(f"{np.nansum(row):4.0f} bits: {line}")

# %%
# The model stumbles where *banana* becomes one, and at the space that ends it; then it is back in a
# sentence that it knows. The line about the sofa goes wrong word by word.

figure, axes = plt.subplots(figsize=(9, 2.6))
write = partial(axes.text, family="monospace", ha="center", va="center")
tiles = axes.pcolormesh(surprise, vmin=0, vmax=12, edgecolors="white", linewidth=0.5)
for (row, column), bits in np.ndenumerate(surprise):
    if not np.isnan(bits):
        color = "white" if bits > 8 else "black"
        write(column + 0.5, row + 0.5, lines[row][column], color=color)
axes.set_title("A banana is not what a function returns")
axes.invert_yaxis()
axes.set_axis_off()
figure.colorbar(tiles, label="surprise in bits", orientation="horizontal", shrink=0.4, aspect=30)
plt.show()
