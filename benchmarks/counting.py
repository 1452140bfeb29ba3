"""Count models compared with dictionaries, on a million characters unless the name says otherwise."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise

import torch
from nltk.lm import KneserNeyInterpolated
from nltk.lm.preprocessing import padded_everygram_pipeline

from charlm import BigramLanguageModel, NGramLanguageModel, generate, score
from chartok import Vocabulary
from comparison import Comparison
from tokenizing import sample_text

LENGTH = 1_000_000
HELD_OUT = 100_000
SAMPLE = 2_000
FEW = 5_000
ORDER = 7


def comparisons() -> list[Comparison]:
    """Returns the comparisons."""
    text = sample_text(LENGTH + HELD_OUT)
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    training, held_out = ids[:LENGTH], ids[LENGTH:]
    model = NGramLanguageModel(vocabulary.size, order=ORDER).fit(training)
    dictionary = DictionaryModel(model)
    listed = training.tolist()
    as_bytes = training.astype("uint8").tobytes()
    stream = torch.from_numpy(held_out).long()[None]
    inputs, targets = stream[:, :-1], stream[:, 1:]
    held_out_list = held_out.tolist()
    assert math.isclose(  # noqa: S101 - both do the same
        dictionary.score(held_out_list), float(model.log_probabilities(inputs, targets).sum()), rel_tol=1e-9
    )
    few = text[:FEW]
    trigrams = NGramLanguageModel(vocabulary.size, order=3).fit(vocabulary.encode(few))
    nltk_trigrams = _fitted_by_nltk(few)
    sentence = few[1000:1200]  # nltk divides by zero where it has not seen a context
    sentence_ids = vocabulary.encode(sentence)
    return [
        Comparison(
            name=f"n-gram fit, order 3, {FEW:,} characters",
            ours=lambda: NGramLanguageModel(vocabulary.size, order=3).fit(vocabulary.encode(few)),
            rival_name="nltk.lm, Kneser-Ney",
            rival=lambda: _fitted_by_nltk(few),
            target=10,
            samples=3,
        ),
        Comparison(
            name=f"score {len(sentence)} characters, order 3",
            ours=lambda: score(trigrams, [sentence_ids]),
            rival_name="nltk.lm, Kneser-Ney",
            rival=lambda: [
                nltk_trigrams.logscore(sentence[place], sentence[place - 2 : place])
                for place in range(2, len(sentence))
            ],
            target=100,
            samples=3,
            why="Nearly all of our time is the overhead of the call: two thousand characters take little longer.",
        ),
        Comparison(
            name="bigram fit (limit 20 ms)",
            ours=lambda: BigramLanguageModel(vocabulary.size).fit(training),
            rival_name="Counter, counts alone",
            rival=lambda: Counter(pairwise(listed)),
            target=10,
        ),
        Comparison(
            name=f"n-gram fit, order {ORDER} (limit 0.5 s)",
            ours=lambda: NGramLanguageModel(vocabulary.size, order=ORDER).fit(training),
            rival_name="Counter, counts alone",
            rival=lambda: count_in_dictionaries(as_bytes, ORDER),
            target=5,
            samples=3,
        ),
        Comparison(
            name=f"score {HELD_OUT:,} characters (limit 0.1 s)",
            ours=lambda: model.log_probabilities(inputs, targets),
            rival_name="dictionary",
            rival=lambda: dictionary.score(held_out_list),
            target=4,
        ),
        Comparison(
            name=f"generate {SAMPLE:,} characters (limit 0.1 s)",
            ours=lambda: generate(model, held_out[:1], max_new_tokens=SAMPLE, seed=0),
            rival_name="dictionary",
            rival=lambda: dictionary.generate(held_out_list[:1], SAMPLE),
            target=2,
        ),
    ]


class DictionaryModel:
    """The same probabilities, looked up in dictionaries by tuples of ids, as in a straightforward implementation."""

    def __init__(self, model: NGramLanguageModel) -> None:
        """Copies the tables of a fitted model."""
        self.vocab_size, self.order = model.vocab_size, model.order
        grams: list[tuple[int, ...]] = [()]
        for key in model.table.keys.tolist():
            parent, last = divmod(key, model.vocab_size)
            grams.append((*grams[parent], last))
        log_probabilities: list[float] = model.table.log_probabilities.tolist()
        log_backoffs: list[float] = model.table.log_backoffs.tolist()
        self.log_probability_of = dict(zip(grams[1:], log_probabilities, strict=True))
        self.log_backoff_of = dict(zip(grams, log_backoffs, strict=False))

    def log_probability(self, context: tuple[int, ...], token_id: int) -> float:
        """Returns the same log-probability as the n-gram model, computed by its definition."""
        weight = 0.0
        while (found := self.log_probability_of.get((*context, token_id))) is None:
            weight += self.log_backoff_of.get(context, 0.0)
            if not context:
                return weight - math.log(self.vocab_size)
            context = context[1:]
        return weight + found

    def score(self, ids: list[int]) -> float:
        """Returns the log-likelihood of all ids except the first."""
        look_back = self.order - 1
        return sum(
            self.log_probability(tuple(ids[max(0, place - look_back) : place]), ids[place])
            for place in range(1, len(ids))
        )

    def generate(self, ids: list[int], count: int) -> list[int]:
        """Returns the ids followed by ``count`` sampled ones."""
        generator = random.Random(0)  # noqa: S311 - a text to measure on
        everything = range(self.vocab_size)
        ids = list(ids)
        for _ in range(count):
            context = tuple(ids[1 - self.order :])
            weights = [math.exp(self.log_probability(context, token_id)) for token_id in everything]
            ids += generator.choices(everything, weights)
        return ids


def _fitted_by_nltk(text: str) -> KneserNeyInterpolated:
    model = KneserNeyInterpolated(3)
    model.fit(*padded_everygram_pipeline(3, [text]))
    return model


def count_in_dictionaries(text: bytes, order: int) -> list[Counter[bytes]]:
    """Returns the counts of all n-grams, one counter per length."""
    return [
        Counter(text[start : start + length] for start in range(len(text) - length + 1))
        for length in range(1, order + 1)
    ]
