"""``python benchmarks/who_decides.py RUN TEXT``: draws what the counts and what the Transformer say of a text.

RUN is that of a GPT with a prior, TEXT a file of which a stretch that the model has not seen is drawn, into
``docs/images/who-decides.svg``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import torch

from charlm import GPT, load_model
from charlm.models.gpt.layers import normalized
from chartok import read_text

mpl.use("svg")
from matplotlib import pyplot as plt

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "who-decides.svg"
CONTEXT = 64
"""How many characters before the stretch the model sees."""


@torch.no_grad()
def main() -> None:
    """Draws the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--start", type=int, default=1_060_290, help="the first character of the stretch")
    parser.add_argument("--length", type=int, default=60)
    arguments = parser.parse_args()
    model, vocabulary = load_model(arguments.run)
    if not isinstance(model, GPT) or model.prior is None:
        raise SystemExit(f"{arguments.run} is no GPT with a prior")
    stretch = read_text(arguments.text)[arguments.start - CONTEXT : arguments.start + arguments.length]
    ids = torch.tensor(vocabulary.encode(stretch).astype(int))[None]
    inputs, targets = ids[:, :-1], ids[:, 1:]
    hidden = normalized(model.activations(inputs).hidden_states[-1])
    gates = model.gate(hidden)[0, CONTEXT - 1 :].T
    said = model.logits(inputs).log_softmax(dim=-1).gather(-1, targets[..., None])[0, CONTEXT - 1 :, 0]
    counted = model.prior.features(inputs).log_probabilities[:, :, -1].gather(-1, targets[..., None])
    draw(stretch[CONTEXT:], counted[0, CONTEXT - 1 :, 0], said, gates)


def draw(text: str, counted: torch.Tensor, said: torch.Tensor, gates: torch.Tensor) -> None:
    """Draws a stretch of text.

    Args:
        text: The characters.
        counted: ln P of each by the longest context alone, ``(T,)``.
        said: ln P of each by the model, ``(T,)``.
        gates: The weight of each length of context, ``(K, T)``.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(11, 4.2), sharex=True, height_ratios=(3, 2))
    places = range(len(text))
    above.bar(places, -counted, color="#c8c8c8", label="the counts alone")
    above.bar(places, -said, width=0.45, color="#2f6fb3", label="the Transformer that starts from them")
    above.set(ylabel="nats")
    above.legend(frameon=False)
    shown = below.imshow(gates, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1)
    below.set(ylabel="context", yticks=range(len(gates)), yticklabels=range(2, len(gates) + 2))
    below.set_xticks(
        places, [{" ": "␣", "\n": "↵"}.get(character, character) for character in text], family="monospace"
    )
    figure.colorbar(shown, ax=[above, below], label="weight of a context", pad=0.01)
    figure.savefig(PICTURE, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
