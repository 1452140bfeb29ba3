"""
Which part is in which language?
================================

A text changes language halfway through a sentence. With one model for each language, each of which
has learned from a page, we can tell which part is in which.
"""

import json
from pathlib import Path

from matplotlib import pyplot as plt

from charlm import TextClassifier

families = json.loads(Path("human_rights.json").read_text(encoding="utf-8"))
texts = {language: text for languages in families.values() for language, text in languages.items()}
classifier = TextClassifier.fit(
    {language: texts[language] for language in ("English", "Deutsch", "français", "suomi")}
)

# %%
# ``classify`` says which language a text is in, and ``probabilities`` how sure that is. ``segment``
# finds the changes, each of which has to be worth its cost.

print(*classifier.classify(["where are they?", "wo sind sie?", "où sont-ils ?", "missä he ovat?"]))
mixed = (
    "She said that everyone is welcome, auch wenn es draußen schon dunkel ist, et que personne "
    "ne doit rester seul, sillä jokaisella on oikeus lämpimään huoneeseen. And so they came in."
)
parts = classifier.segment(mixed)

# %%
# :doc:`/howto/languages` says how well languages are told apart, and how to leave a label open.

figure, axes = plt.subplots(figsize=(9, 2.6))
colors = dict(zip(classifier.labels, ["C0", "C1", "C2", "C4"], strict=True))
paper, width, place = plt.rcParams["figure.facecolor"], 66, 0
for part in parts:
    for character in mixed[part.start : part.end]:
        row, column = divmod(place, width)
        axes.barh(row, 1, left=column - 0.5, height=0.75, color=colors[part.label])
        axes.text(column, row, character, color=paper, family="monospace", ha="center", va="center")
        place += 1
for label, color in colors.items():
    axes.plot([], [], "s", color=color, markersize=10, label=label)
axes.set(title="One sentence after another, in four languages", xlim=(-1, width), ylim=(3.2, -0.8))
axes.legend(ncols=4, loc="lower left")
axes.set_axis_off()
plt.show()
