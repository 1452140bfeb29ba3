"""``python benchmarks/back_off.py table|constants``: learned back-off against Kneser-Ney, on texts of many kinds.

``table`` fits each smoothing to the first nine tenths of each text, or to 28,000 names, and scores the rest; for KenLM
it runs ``lmplz``, if that and KenLM's Python module are there. ``constants`` finds the constants that come with the
library again, from other texts, and compares their loss with that of those that are there; it takes half an hour.
"""

from __future__ import annotations

import importlib.util
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import page
from charlm import CharLM
from charlm.files.arpa.words import arpa_word
from charlm.models.counting.counts import NGramCounts
from charlm.models.smoothing.held_out import hold_out
from charlm.models.smoothing.kneser_ney import suffix_nodes
from charlm.models.smoothing.lbfgs import minimize
from charlm.models.smoothing.learned import CONSTANTS
from charlm.models.smoothing.shipped import shipped_constants
from charlm.models.smoothing.tuning import Tuning
from charlm.recipes.sources import corpus_of
from corpora import LEARNED_FROM, WORDS_LEARNED_FROM, names, text_of, texts_to_compare_on
from environment import environment

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINING_NAMES = 28_000
KENLM_ORDER = 6
"""The highest of KenLM in its usual build."""
HIGHEST = 12
"""The highest order that has constants of its own."""
SMALL = 60_000
"""Constants are learned from this much of each text, too, so that they suit small texts."""
WEIGHT_DECAY = 3e-6


@dataclass
class Task:
    """What to fit to, and what to score: a text, or records.

    Attributes:
        name: What it is.
        training: The first part.
        validation: The rest.
    """

    name: str
    training: Any
    validation: Any

    @property
    def characters(self) -> str:
        """All characters of both parts."""
        return "".join([*self.training, *self.validation])

    @cached_property
    def known(self) -> set[str]:
        """The characters of the first part. Losses are those of known ones: to KenLM, all others are the same."""
        return set("".join(self.training))

    def loss(self, **settings: Any) -> tuple[float, CharLM, float]:  # noqa: ANN401 - those of ``CharLM.fit``
        """Returns the loss of a model in nats per character, the model, and the seconds of fitting."""
        started = time.perf_counter()
        lm = CharLM.fit(self.training, **settings)
        seconds = time.perf_counter() - started
        if isinstance(self.validation, str):
            scores = lm.log_probabilities(self.validation)
            is_known = [character in self.known for character in self.validation]
            return -float(scores[is_known].mean()), lm, seconds
        ends = len(self.validation)
        return -float(lm.score_samples(self.validation).sum()) / (sum(map(len, self.validation)) + ends), lm, seconds


def tasks() -> list[Task]:
    """Returns the texts to compare on, and names."""
    some_names = names()
    return [
        *(
            Task(name, text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :])
            for name, text in texts_to_compare_on().items()
        ),
        Task("names", some_names[:TRAINING_NAMES], some_names[TRAINING_NAMES:]),
    ]


def table() -> None:
    """Measures on each text, and writes the results to the documentation."""
    rows = []
    for task in tasks():
        default, chosen, seconds = task.loss()
        rows.append(
            {
                "text": task.name,
                "characters": len(task.characters),
                "symbols": len(chosen.vocabulary.symbols),
                "KenLM, 6": loss_of_kenlm(task),
                "Kneser-Ney, 6": task.loss(order=KENLM_ORDER, smoothing="kneser-ney")[0],
                "learned, 6": task.loss(order=KENLM_ORDER, smoothing="learned")[0],
                "Kneser-Ney, 7": task.loss(order=7, smoothing="kneser-ney")[0],
                "default": default,
                "its order": chosen.settings["order"],
                "seconds": seconds,
            }
        )
        print(rows[-1], flush=True)
    page.BACK_OFF.write_text(json.dumps({"machine": environment(), "rows": rows}, indent=1) + "\n", "utf-8")
    page.PAGE.write_text(page.page(), "utf-8")


def loss_of_kenlm(task: Task) -> float | None:
    """Returns the loss of KenLM in nats per character; None where it is not installed."""
    lmplz = shutil.which("lmplz")
    if lmplz is None or importlib.util.find_spec("kenlm") is None:
        return None
    import kenlm  # noqa: PLC0415 - not everywhere

    is_text = isinstance(task.training, str)

    def words(text: str) -> str:
        return " ".join(arpa_word(ord(character)) for character in text)

    with tempfile.TemporaryDirectory() as folder:
        source, arpa = Path(folder) / "text", Path(folder) / "arpa"
        lines = [task.training] if is_text else task.training
        source.write_text("".join(words(line) + "\n" for line in lines), "utf-8")
        subprocess.run(  # noqa: S603 - KenLM's own
            [lmplz, "-o", str(KENLM_ORDER), "--discount_fallback", "-S", "2G", "--text", source, "--arpa", arpa],
            check=True,
            capture_output=True,
        )
        quiet = kenlm.Config()
        quiet.show_progress, quiet.arpa_complain = False, kenlm.ARPALoadComplain.NONE
        model = kenlm.Model(str(arpa), quiet)
    if not is_text:
        characters = sum(len(name) + 1 for name in task.validation)
        return -float(sum(model.score(words(name)) for name in task.validation) * math.log(10) / characters)
    scores = [score for score, *_ in model.full_scores(words(task.validation), bos=False, eos=False)]
    known = [score for score, character in zip(scores, task.validation, strict=True) if character in task.known]
    return -float(np.mean(known) * math.log(10))


def tuning_of(source: Any) -> Tuning:  # noqa: ANN401 - a text or records
    """Returns the loss of the last part of a text, or of some records, as a function of constants."""
    corpus = corpus_of(source)
    size = corpus.vocabulary.size
    never = tuple(
        corpus.vocabulary.special_tokens[role] for role in ("bos",) if role in corpus.vocabulary.special_tokens
    )
    counts = NGramCounts.from_tokens(corpus, vocab_size=size, order=HIGHEST)
    suffixes = suffix_nodes(counts.keys, counts.levels, size)
    return Tuning(counts, suffixes, hold_out(corpus, vocab_size=size, context=HIGHEST), never)


def constants() -> None:
    """Prints the losses on the way, and writes the constants to ``shipped.json`` in the working folder."""
    generator = random.Random(1)  # noqa: S311 - reproducible
    texts = [text_of(source) for source in LEARNED_FROM.values()]
    texts += [text[len(text) // 3 :][:SMALL] for text in texts]
    words = [generator.sample(text_of(source).split(), most) for source, most in WORDS_LEARNED_FROM.values()]
    tunings = [tuning_of(source) for source in [*texts, *words]]
    plain = np.zeros((2 * HIGHEST - 1, CONSTANTS))
    plain[:, :4] = [1.0, 0.7, 0.5, -2.3]

    def function(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        by_order = point.reshape(plain.shape)
        lower, highest = by_order[: HIGHEST - 1], by_order[HIGHEST - 1 :]
        change = by_order - plain
        total, gradient = WEIGHT_DECAY * float(np.square(change).sum()), 2 * WEIGHT_DECAY * change
        share = 1 / len(tunings) / HIGHEST
        for order in range(1, HIGHEST + 1):
            of_model = np.concatenate([lower[: order - 1], highest[order - 1 : order]])
            for tuning in tunings:
                loss, slope = tuning.loss(of_model)
                total += share * loss
                gradient[: order - 1] += share * slope[:-1]
                gradient[HIGHEST - 2 + order] += share * slope[-1]
        return total, gradient.ravel()

    there = np.concatenate(
        [shipped_constants(HIGHEST)[:-1], *(shipped_constants(order)[-1:] for order in range(1, HIGHEST + 1))]
    )
    print(f"with the constants of the library: {function(there.ravel())[0]:.4f}", flush=True)
    found = minimize(function, plain.ravel(), max_steps=500, tolerance=1e-6)
    print(f"with those found: {function(found)[0]:.4f}")
    by_order = found.reshape(plain.shape).round(4).tolist()
    content = {"lower": by_order[: HIGHEST - 1], "highest": by_order[HIGHEST - 1 :]}
    Path("shipped.json").write_text(json.dumps(content), "utf-8")


if __name__ == "__main__":
    {"table": table, "constants": constants}[sys.argv[1]]()
