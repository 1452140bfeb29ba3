"""
Names from a list
=================

The smallest language model is a table: how often does each letter follow each other one? That is
enough to make up names that you can pronounce, if not names that you have heard. A model that looks
further back does better.
"""

from string import ascii_lowercase

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import PowerNorm

from charlm import CharLM
from chartok import read_records

names = read_records("first_names.txt")

# %%
# Each name is a record: the model learns how names begin and end. ``exclude`` leaves out the names
# on the list.

pairs = CharLM.fit(names, "bigram", smoothing=0.02)
letters = CharLM.fit(names, order=5)
for lm in (pairs, letters):
    print(*lm.sample(8, min_length=4, max_length=9, exclude=names, temperature=0.8, seed=5))

# %%
# This is all the smaller model knows. The first row says how names begin, the first column how they
# end; *q* is followed by *u*, and hardly any name ends in *u* or *i*.

rows = [dict(pairs.next_symbols(letter, k=99)) for letter in ["", *ascii_lowercase]]
table = [[row[letter] for letter in ["", *ascii_lowercase]] for row in rows]
figure, axes = plt.subplots(figsize=(8, 7))
tiles = axes.pcolormesh(table, norm=PowerNorm(0.5))
axes.set_xticks(np.arange(27) + 0.5, "." + ascii_lowercase)
axes.set_yticks(np.arange(27) + 0.5, "." + ascii_lowercase)
axes.set(title="What comes after each letter of a name", aspect="equal")
axes.set(xlabel="next letter, or . at the end", ylabel="letter, or . at the start")
axes.invert_yaxis()
figure.colorbar(tiles, label="probability", shrink=0.6)
plt.show()
