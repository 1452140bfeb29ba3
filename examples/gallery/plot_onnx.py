"""
Run a model without the library
===============================

A phone, a browser, a program in another language: ``save_onnx`` writes any model to a file that
ONNX Runtime can run there. So does this page: once the file is written, it needs neither PyTorch
nor ``charlm``.
"""

import json
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from charlm import CharLM, python_docs, save_onnx
from chartok import Vocabulary

lm = CharLM.fit(python_docs()[:100_000], order=4)
path = Path(tempfile.mkdtemp()) / "model.onnx"
save_onnx(path, lm.model, lm.vocabulary)
print(f"{path.name}: {path.stat().st_size:,} bytes")

# %%
# From here on, this could be the other program. The file includes the vocabulary. The graph takes
# ids and returns logits: for each position, a number for each character that may come next.

session = onnxruntime.InferenceSession(path)
description = json.loads(session.get_modelmeta().custom_metadata_map["charlm"])
vocabulary = Vocabulary.from_dict(description["vocabulary"])
text = "The function returns"
(logits,) = session.run(["logits"], {"inputs": vocabulary.encode(text)[None].astype(np.int64)})
probabilities = np.exp(logits[0] - np.logaddexp.reduce(logits[0], axis=1, keepdims=True))

# %%
# What does the model expect at each position? The likeliest characters are on top; the one that
# actually comes is framed. :doc:`/interchange` has a program that generates text, and quantized
# models.

figure, axes = plt.subplots(figsize=(9, 3.8))
write = partial(axes.text, family="monospace", ha="center", va="center")
best = np.argsort(-probabilities, axis=1)[:, :6]
shares = np.take_along_axis(probabilities, best, axis=1)
tiles = axes.pcolormesh(shares.T, edgecolors="white", linewidth=1, vmin=0, vmax=1)
for (place, rank), index in np.ndenumerate(best):
    symbol = vocabulary.decode([index])
    shown = {" ": "␣", "\n": "↵"}.get(symbol, symbol)
    color = "white" if shares[place, rank] > 0.6 else "black"
    write(place + 0.5, rank + 0.5, shown, color=color)
    if text[place + 1 : place + 2] == symbol:
        corner = (place + 0.06, rank + 0.06)
        axes.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor="black", linewidth=2))
axes.set_xticks(np.arange(len(text)) + 0.5, text.replace(" ", "␣"), family="monospace")
axes.set_yticks(np.arange(6) + 0.5, "123456")
axes.set(title="What the exported model expects next", xlabel="after this character", ylabel="rank")
axes.invert_yaxis()
figure.colorbar(tiles, label="probability")
plt.show()
