"""Learned back-off, the default smoothing, beside Kneser-Ney, KenLM's ``lmplz``, nltk and its own formula."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nltk.lm import KneserNeyInterpolated
from nltk.lm.preprocessing import padded_everygram_pipeline
from numpy.lib.stride_tricks import sliding_window_view

from charlm import CharLM, NGramLanguageModel, NGramTable, score
from charlm.files.arpa.words import arpa_word
from charlm.models.smoothing.shipped import shipped_constants
from chartok import Vocabulary
from comparison import Comparison
from environment import is_installed
from scratch import scratch_folder
from tokenizing import sample_text

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from learned_reference import ReferenceLearned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LENGTH = 1_000_000
FEW = 100_000
LEARNED = 2_000
SCORED = 200
ORDER = 6
"""The highest of KenLM in its usual build."""
FORMULA_ORDER = 4


def comparisons() -> list[Comparison]:
    """Returns the comparisons; that with ``lmplz`` only where it is installed."""
    text = sample_text(LENGTH)
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    fit = NGramLanguageModel(vocabulary.size, order=ORDER).fit
    found = [
        Comparison(
            name=f"fit of order {ORDER}, 1 M characters",
            ours=lambda: fit(ids),
            rival_name="Kneser-Ney, likewise ours",
            rival=lambda: fit(ids, smoothing="kneser-ney"),
            target=1 / 3,
        ),
        Comparison(
            name=f"CharLM.fit, {FEW:,} characters, constants tuned and order chosen",
            ours=lambda: CharLM.fit(text[:FEW]),
            rival_name=f"nltk.lm, Kneser-Ney of order {ORDER}",
            rival=lambda: _fitted_by_nltk(text[:FEW]),
            target=2,
            samples=3,
        ),
        _against_the_formula(ids[: LEARNED + SCORED], vocabulary.size),
    ]
    if is_installed("lmplz"):
        source = scratch_folder() / "text"
        source.write_text(" ".join(arpa_word(ord(character)) for character in text) + "\n", "utf-8")
        found.append(
            Comparison(
                name=f"fit of order {ORDER}, 1 M characters",
                ours=lambda: fit(ids),
                rival_name="lmplz of KenLM",
                rival=lambda: _fitted_by_lmplz(source),
                target=2,
                samples=3,
            )
        )
    else:
        print("lmplz is skipped: it is not installed")
    return found


def _fitted_by_nltk(text: str) -> None:
    KneserNeyInterpolated(ORDER).fit(*padded_everygram_pipeline(ORDER, [text]))


def _fitted_by_lmplz(source: Path) -> None:
    command = [
        "lmplz",
        "-o",
        str(ORDER),
        "--discount_fallback",
        "-S",
        "1G",
        "--text",
        str(source),
        "--arpa",
        "/dev/null",
    ]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - KenLM's own


def _against_the_formula(ids: NDArray[np.unsignedinteger], vocab_size: int) -> Comparison:
    """Returns the comparison with the formula as it is written down, in dictionaries, one probability at a time."""
    learned, scored = ids[:LEARNED], ids[LEARNED:]
    constants = shipped_constants(FORMULA_ORDER)

    def by_the_formula() -> float:
        model = ReferenceLearned([learned.tolist()], constants, vocab_size=vocab_size)
        stretches = sliding_window_view(scored, FORMULA_ORDER).tolist()
        return sum(math.log(model.probability(tuple(context), last)) for *context, last in stretches)

    def ours() -> float:
        table = NGramTable.fit(learned, vocab_size=vocab_size, order=FORMULA_ORDER)
        return float(score(table, [scored])[0][FORMULA_ORDER - 2 :].sum())

    assert math.isclose(ours(), by_the_formula(), rel_tol=1e-6)  # noqa: S101 - both do the same
    return Comparison(
        name=f"fit of order {FORMULA_ORDER}, {LEARNED:,} characters, and score {SCORED}",
        ours=ours,
        rival_name="its formula, in dictionaries",
        rival=by_the_formula,
        target=100,
        samples=3,
    )
