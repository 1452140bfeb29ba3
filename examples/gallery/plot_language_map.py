"""
A map of languages
==================

Take one model for each language, and see how well it predicts the others. Related languages predict
each other well, which is enough to draw a map: nobody has told the program which languages are
related.
"""

import json
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from charlm import TextClassifier

# The first articles of the Universal Declaration of Human Rights, by family and language.
families = json.loads(Path("human_rights.json").read_text(encoding="utf-8"))

# %%
# Each model learns from the first half of its text, and predicts the second halves of all. The
# distance between two languages is how many more bits a character takes under the other's model
# than under its own.

pairs = [pair for languages in families.values() for pair in languages.items()]
texts = {language: text.lower() for language, text in pairs}
learned = {language: text[: len(text) // 2] for language, text in texts.items()}
predicted = [text[len(text) // 2 :] for text in texts.values()]
classifier = TextClassifier.fit(learned, n_folds=0, order=4)
lengths = np.array([len(text) for text in predicted])[:, None]
bits = -classifier.log_likelihoods(predicted) / np.log(2) / lengths
more = bits - np.diag(bits)[:, None]
distances = (more + more.T) / 2
for language, row in zip(classifier.labels[1:4], distances[1:4], strict=True):
    print(f"The closest to {language} is {classifier.labels[row.argsort()[1]]}.")

# %%
# Multidimensional scaling places the languages on a plane, as nearly as possible as far apart as
# the distances say. The colors, which the program does not know, show that the families have found
# each other.

centering = np.eye(len(texts)) - 1 / len(texts)
values, vectors = np.linalg.eigh(-centering @ distances @ centering / 2)
places = iter(vectors[:, -2:] * np.sqrt(values[-2:]))

figure, axes = plt.subplots(figsize=(8, 6.5))
for number, (family, languages) in enumerate(families.items()):
    points = np.array([next(places) for _ in languages])
    axes.plot(*points.T, "o", color=f"C{number}", label=family)
    for order, (language, point) in enumerate(zip(languages, points, strict=True)):
        offset = (5, -12 if order % 2 else 4)  # keeps neighbors apart
        axes.annotate(language, point, offset, textcoords="offset points", color=f"C{number}")
axes.set_title("Languages that predict each other")
axes.legend(loc="upper right")
axes.set_axis_off()
plt.show()
