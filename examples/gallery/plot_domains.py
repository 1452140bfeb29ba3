"""
Domain names made up by a program
=================================

Malware calls home under names that nobody can block in advance: it makes up new ones every day.
They do not look like names that people choose, and a model of those can tell.
"""

import random
from string import ascii_lowercase

import numpy as np
from matplotlib import pyplot as plt

from charlm import CharLM, python_docs
from chartok import read_records

known = read_records("domain_names.txt")  # of well-known sites
words = sorted({word for word in python_docs().lower().split() if word.isalpha()})

# %%
# The model learns from words and from three quarters of the names. The task is to tell the last
# quarter from three kinds that programs make up.

draw = random.Random(1)  # noqa: S311 - an experiment
draw.shuffle(known)
learned, held_out = known[: len(known) * 3 // 4], known[len(known) * 3 // 4 :]
syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
kinds = {
    "chosen by people": held_out,
    "random letters": ["".join(draw.choices(ascii_lowercase, k=12)) for _ in range(300)],
    "syllables": ["".join(draw.choices(syllables, k=6)) for _ in range(300)],
    "two words": ["".join(draw.choices(words, k=2)) for _ in range(300)],
}
lm = CharLM.fit([*learned, *words], order=5)
bits = {kind: lm.bits_per_character(names) for kind, names in kinds.items()}
for kind, of_kind in bits.items():
    print(f"{np.median(of_kind):5.1f} bits per character, {kind}, such as {kinds[kind][0]}")

# %%
# Random letters give themselves away, and syllables often do. Two words do not: people choose such
# names, too.

figure, rows = plt.subplots(len(bits), sharex=True, figsize=(8, 5))
for axes, (kind, of_kind) in zip(rows, bits.items(), strict=True):
    color = "C0" if kind == "chosen by people" else "C1"
    axes.hist(of_kind, bins=np.linspace(1, 8, 71), density=True, color=color)
    axes.set_ylabel(kind, rotation=0, ha="right")
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
rows[0].set_title("How surprising domain names are")
rows[-1].set_xlabel("bits per character")
plt.show()
