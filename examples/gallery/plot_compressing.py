"""
Compress what a model predicts
==============================

What is predicted well takes few bits to store. ``charlm.compress`` reads a text with a model that
learns as it reads; the other programs here look for repetitions.
"""

import bz2
import gzip
import lzma
from collections.abc import Callable
from functools import partial

from matplotlib import pyplot as plt

from charlm import CharLM, compress, python_docs

# %%
# How small does a piece of Python's documentation become? The longer it is, the better the model
# knows it by the end. One that has counted the rest of the documentation knows such text from the
# start.

text = python_docs()
lengths = [500, 2_000, 5_000, 15_000, 50_000]
lm = CharLM.fit(text[max(lengths) :])
programs: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "charlm.compress": compress,
    "charlm.compress, with a model": partial(compress, lm=lm),
}
bits = {
    name: [8 * len(program(text[:length].encode())) / length for length in lengths]
    for name, program in programs.items()
}
for name, of_program in bits.items():
    print(f"{name:30} {of_program[-1]:.2f} bits per character")

# %%
# The price is time: gzip takes a millisecond, the model a few tenths of a second.
# :doc:`/howto/compress` has more.

figure, axes = plt.subplots()
styles = ["C5--", "C5:", "C5-.", "C0-o", "C1-o"]
for (name, of_program), style in zip(bits.items(), styles, strict=True):
    axes.plot(lengths, of_program, style, label=name)
axes.set(title="A model that learns as it reads needs the fewest bits", xscale="log", ylim=(0, 8.4))
axes.set(xlabel="length of the text in characters", ylabel="bits per character")
axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
axes.minorticks_off()
axes.grid(axis="y")
axes.legend()
plt.show()
