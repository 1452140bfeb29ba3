"""
Molecules, symbol by symbol
===========================

In SMILES, the notation of chemists, a molecule is a line of text: ``CCO`` is ethanol. Some of its
symbols have several characters: ``Cl`` is one atom of chlorine, not carbon and something else. A
vocabulary can be told so.
"""

from functools import partial

from matplotlib import pyplot as plt

from charlm import CharLM
from chartok import read_records

molecules = read_records("molecules.txt")  # drugs and other well-known ones

# %%
# With ``symbols``, each of these is one id, one step of generation, one prediction; all other
# characters are symbols of their own.

symbols = ["Cl", "Br", "[nH]", "[N+]", "[O-]", "[n+]"]
lm = CharLM.fit(molecules, order=7, symbols=symbols)
print(f"{molecules[0]}, aspirin, has {len(lm.vocabulary.encode(molecules[0]))} symbols")
new = lm.sample(40, min_length=12, max_length=30, exclude=molecules, temperature=0.7, seed=2)


def is_closed(molecule: str) -> bool:
    """Returns whether each bracket and each ring that is opened is closed again."""
    starts = [molecule[:end] for end in range(len(molecule) + 1)]
    depths = [start.count("(") - start.count(")") for start in starts]
    rings = [molecule.count(ring) for ring in "123456789"]
    return min(depths) == depths[-1] == 0 and all(count % 2 == 0 for count in rings)


well_formed = [molecule for molecule in new if is_closed(molecule)]
print(f"of {len(new)} made-up molecules, {len(well_formed)} close all brackets and rings")

# %%
# An n-gram model of order 7 looks back six symbols: a ring that was opened earlier is closed only
# by luck. Here are some that are whole. Whether they exist, and what they would do, is for a
# chemist to say.

elements = {
    "carbon": ("C5", ["C", "c"]),
    "nitrogen": ("C0", ["N", "n", "[nH]", "[N+]", "[n+]"]),
    "oxygen": ("C3", ["O", "o", "[O-]"]),
    "sulfur, halogens": ("C2", ["S", "s", "F", "Cl", "Br"]),
}
colors = {symbol: color for color, symbols in elements.values() for symbol in symbols}
figure, axes = plt.subplots(figsize=(9, 4.5))
write = partial(axes.text, family="monospace", ha="center", va="center")
for row, molecule in enumerate(well_formed[:10]):
    left = 0
    for symbol in lm.inspect(molecule).symbols:
        if symbol in colors:
            axes.barh(row, len(symbol) - 0.1, left=left + 0.05, color=colors[symbol], height=0.8)
        color = plt.rcParams["figure.facecolor" if symbol in colors else "text.color"]
        write(left + len(symbol) / 2, row, symbol, color=color)
        left += len(symbol)
for name, (color, _) in elements.items():
    axes.barh(0, 0, color=color, label=name)
axes.set(title="Ten molecules that nobody asked for", xlim=(0, 32))
axes.invert_yaxis()
axes.legend(loc="upper right")
axes.set_axis_off()
plt.show()
