"""
More text, more context
=======================

How far back should an n-gram model look, and how much text does it need to do so? One picture
answers both questions.
"""

from matplotlib import pyplot as plt

from charlm import CharLM, python_docs

text = python_docs()
held_out, rest = text[:30_000], text[30_000:]
sizes = [3_000, 10_000, 30_000, 100_000, 300_000]

# %%
# A model of order 4 looks at three characters to predict the fourth. Each model is measured on text
# that it has not seen, in bits per character: how many yes-or-no questions it takes to find out the
# next one.

bits = {}
for order in [1, 2, 3, 4, 6, 9]:
    models = [CharLM.fit(rest[:size], order=order, smoothing="learned") for size in sizes]
    bits[order] = [lm.bits_per_character(held_out) for lm in models]
    print(f"order {order}: from {bits[order][0]:.2f} bits to {bits[order][-1]:.2f}")

# %%
# How often each character occurs is soon known: at order 1, more text does not help. With little
# text there is not much to gain from looking back far, and nothing to lose either, since the model
# falls back on shorter contexts. With more text, each character of context is worth more.
# :doc:`/explanation/kneser-ney` says how it falls back.

figure, axes = plt.subplots()
for place, (order, row) in enumerate(bits.items()):
    axes.plot(sizes, row, "-o", color=plt.get_cmap("viridis")(place / len(bits)))
    axes.annotate(f"order {order}", (sizes[-1], row[-1]), (8, -4), textcoords="offset points")
axes.set(title="What context is worth depends on the text", xscale="log", ylim=(1, 5.5))
axes.set(xlabel="characters to learn from", ylabel="bits per character of unseen text")
axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
axes.minorticks_off()
axes.grid(axis="y")
plt.show()
