"""An n-gram model in ARPA format, in ``charlm`` and in KenLM, which is C++ and is compiled on installation.

In its usual build, KenLM reads orders up to 6.
"""

from __future__ import annotations

import math

import torch

from charlm import NGramLanguageModel, load_arpa, load_model, save_arpa, save_model
from charlm.files.arpa.words import arpa_word
from chartok import Vocabulary
from comparison import Comparison
from environment import is_installed
from scratch import scratch_folder
from tokenizing import sample_text

LENGTH = 1_000_000
HELD_OUT = 100_000
ORDER = 6
KENLM_ERROR = 1e-4
"""The difference in nats per character allowed for KenLM's 32-bit numbers."""


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on a model of a million characters; none if KenLM is not installed."""
    if not is_installed("kenlm"):
        print("KenLM is skipped: it is not installed (pip install kenlm, with a C++ compiler)")
        return []
    import kenlm  # noqa: PLC0415 - not everywhere

    text = sample_text(LENGTH + HELD_OUT)
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    model = NGramLanguageModel(vocabulary.size, order=ORDER).fit(ids[:LENGTH])
    folder = scratch_folder()
    arpa, safetensors = folder / "model.arpa", folder / "model.safetensors"
    save_arpa(arpa, model, vocabulary)
    save_model(safetensors, model, vocabulary)
    silent = kenlm.Config()
    silent.show_progress, silent.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    theirs = kenlm.Model(str(arpa), silent)
    stream = torch.from_numpy(ids[LENGTH:]).long()[None]
    inputs, targets = stream[:, :-1], stream[:, 1:]
    words = [arpa_word(ord(character)) for character in text[LENGTH:]]

    def score_with_kenlm() -> float:
        score: float = theirs.score(" ".join(words), bos=False, eos=False)
        return score * math.log(10)

    first = theirs.score(words[0], bos=False, eos=False) * math.log(10)
    total = float(model.log_probabilities(inputs, targets).sum())
    assert math.isclose(  # noqa: S101 - both do the same
        score_with_kenlm() - first, total, abs_tol=HELD_OUT * KENLM_ERROR
    )
    grams = f"{len(model.table):,} n-grams"
    return [
        Comparison(
            name=f"score {HELD_OUT:,} characters, order {ORDER}",
            ours=lambda: model.log_probabilities(inputs, targets),
            rival_name="KenLM, a string of words",
            rival=score_with_kenlm,
            target=1.5,
        ),
        Comparison(
            name=f"read {grams} from ARPA",
            ours=lambda: load_arpa(arpa),
            rival_name="KenLM, from ARPA",
            rival=lambda: kenlm.Model(str(arpa), silent),
            target=1 / 5,
            samples=3,
            why="KenLM reads the file in C++; a model that is loaded often is better kept in our own format.",
        ),
        Comparison(
            name=f"load {grams} from our own format",
            ours=lambda: load_model(safetensors),
            rival_name="KenLM, from ARPA",
            rival=lambda: kenlm.Model(str(arpa), silent),
            target=2,
            samples=3,
        ),
    ]
