"""
Correct what a scanner misread
==============================

A scanner mistakes *l* for *1* and *e* for *c*. ``correct`` weighs two probabilities against each
other: what people write, which a model has learned, and which characters look alike, which is the
*channel*.
"""

from functools import partial

from matplotlib import pyplot as plt

from charlm import Channel, CharLM, python_docs

# %%
# A channel can do the damage, too. Here one misreads a few lines that the model has not learned
# from: about one in eight of the characters that look like others.

lines = [line.strip() for line in python_docs().splitlines() if 40 < len(line.strip()) < 66]
true = lines[40::400][:6]
lm = CharLM.fit("\n".join(line for line in lines if line not in true), order=7)
scanner = Channel(substitutions=Channel.ocr(error=0.12).substitutions)
seen = [scanner.corrupt(line, seed=number) for number, line in enumerate(true)]
corrected = lm.correct(seen, channel=scanner, context="\n")
misread, wrong = (
    sum(a != b for a, b in zip("".join(found), "".join(true), strict=True))
    for found in (seen, corrected)
)
print(f"{misread} of {len(''.join(true))} characters are misread, {wrong} after correction")

# %%
# Each line as it was read, and below it as it was corrected. Where either is wrong, the wrong
# characters are red and the right ones green. Most words come back, but one that the model has
# never seen may become another. :doc:`/howto/correct` has more channels.

figure, axes = plt.subplots(figsize=(9, 4.4))
write = partial(axes.text, family="monospace", size=9.5, ha="center", va="center")
ink, paper = plt.rcParams["text.color"], plt.rcParams["figure.facecolor"]
for number, three in enumerate(zip(true, seen, corrected, strict=True)):
    for column, (intended, *found) in enumerate(zip(*three, strict=True)):
        for row, character in enumerate(found, start=3 * number):
            is_marked = {intended} != {*found}
            if is_marked:
                color = "C2" if character == intended else "C3"
                axes.barh(row, 1, left=column - 0.5, height=0.9, color=color)
            write(column, row, character, color=paper if is_marked else ink)
axes.set(title="Six lines as they were read, and as they were corrected", xlim=(-1, 66))
axes.invert_yaxis()
axes.set_axis_off()
plt.show()
