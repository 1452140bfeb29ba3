"""Distinguishes English words from random letters, and measures how well on held-out words."""

import random
import re

import numpy as np

from charlm import CharLM, python_docs


def main() -> float:
    """Returns the area under the ROC curve: the probability that a real word scores above a random one."""
    words = sorted(set(re.findall(r"\b[a-z]{5,}\b", python_docs())))
    generator = random.Random(0)  # noqa: S311 - an experiment
    generator.shuffle(words)
    held_out = words[: len(words) // 5]
    random_words = ["".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=len(word))) for word in held_out]

    lm = CharLM.fit(words[len(held_out) :], order=5)
    lengths = np.array([len(word) + 1 for word in held_out])
    real, fake = lm.score_samples(held_out) / lengths, lm.score_samples(random_words) / lengths
    return float((real[:, None] > fake).mean())


if __name__ == "__main__":
    print(f"area under the ROC curve on held-out words: {main():.4f}")
