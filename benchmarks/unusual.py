"""``python benchmarks/unusual.py``: how many unusual texts are found, and how many usual ones are called so.

Each kind of text is divided at random, three times: into what an n-gram model is fitted to, what it is calibrated on,
and what is judged. The alternative is the mean of bits per character, with the quantile of the same held-out texts as
the threshold. The word lists come from Debian's packages, as ``corpora`` fetches them.
"""

from __future__ import annotations

import json
import random
import string
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import corpora
from charlm import CharLM
from corpora import Source
from environment import environment
from made_up import domain_names, families, log_lines, with_letters
from page import PAGE, UNUSUAL, page

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = (0, 1, 2)
RATES = (0.01, 0.001)
MOST_TEXTS = 12_000
"""Of each of the three parts."""
ORDER = 6
JUDGED = 2000
"""How many unusual texts of a kind are judged."""
WORDS = {
    "English words": Source("wamerican", "usr/share/dict/american-english", 5_000_000),
    "German words": Source("wngerman", "usr/share/dict/ngerman", 5_000_000),
    "French words": Source("wfrench", "usr/share/dict/french", 5_000_000),
    "Spanish words": Source("wspanish", "usr/share/dict/spanish", 5_000_000),
}
LENGTHS = (4, 5, 6, 7, 8, 10)


class Judge(NamedTuple):
    """A model, and what its held-out texts look like.

    Attributes:
        lm: The calibrated model.
        mean: The bits per character of the same held-out texts, ascending, ``(N,)``.
        new: Other usual texts.
    """

    lm: CharLM
    mean: NDArray[np.float64]
    new: list[str]

    @classmethod
    def of(cls, texts: list[str], seed: int) -> Judge:
        """Returns the judge of a kind of text."""
        texts = random.Random(seed).sample(texts, len(texts))  # noqa: S311 - reproducible
        part = min(MOST_TEXTS, len(texts) // 3)
        lm = CharLM.fit(texts[:part], order=ORDER).calibrate(texts[part : 2 * part])
        return cls(lm, np.sort(_mean(lm, texts[part : 2 * part])), texts[2 * part : 3 * part])

    def shares(self, texts: list[str]) -> list[float]:
        """Returns which share is unusual by the mean and by the p-value, for each rate."""
        mean, p_values = _mean(self.lm, texts), self.lm.p_values(texts)
        limits = [float(np.quantile(self.mean, 1 - rate, method="higher")) for rate in RATES]
        by_mean = [float((mean > limit).mean()) for limit in limits]
        return [*by_mean, *(float((p_values <= rate).mean()) for rate in RATES)]


def _mean(lm: CharLM, texts: list[str]) -> NDArray[np.float64]:
    bits: NDArray[np.float64] = lm.score_samples(texts) / lm.counts_of_symbols(texts) / -np.log(2)
    return bits


def false_alarms(texts: list[str]) -> dict[str, Any]:
    """Returns which share of usual texts is called unusual, of all and of the shortest and longest thirds."""
    rows = []
    for seed in SEEDS:
        judge = Judge.of(texts, seed)
        lengths = np.array([*map(len, judge.new)])
        short, long = np.quantile(lengths, [1 / 3, 2 / 3])
        groups = [lengths >= 0, lengths <= short, lengths > long]
        found = [judge.shares([text for text, is_own in zip(judge.new, own, strict=True) if is_own]) for own in groups]
        with_span = np.mean([bool(judge.lm.unusual_spans(text, RATES[0])) for text in judge.new[:JUDGED]])
        rows.append([*np.ravel(found), with_span])
    *shares, spans = np.mean(rows, axis=0).tolist()
    return {"texts": min(MOST_TEXTS, len(texts) // 3), "shares": np.reshape(shares, (3, 4)).tolist(), "spans": spans}


def detections(texts: list[str], words: list[str]) -> dict[str, list[float]]:
    """Returns which share of each family of made-up domain names is found among those of people."""
    found: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        judge = Judge.of(texts, seed)
        made = families(words, random.Random(seed))  # noqa: S311 - reproducible
        found.setdefault("names of people", []).append(judge.shares(judge.new))
        for name, make in made.items():
            found.setdefault(name, []).append(judge.shares([make() for _ in range(JUDGED)]))
    return {name: np.mean(rows, axis=0).tolist() for name, rows in found.items()}


def by_length(names: list[str]) -> dict[int, list[float]]:
    """Returns which share of random letters is found among first names, by length."""
    found: dict[int, list[list[float]]] = {length: [] for length in LENGTHS}
    for seed in SEEDS:
        judge, generator = Judge.of(names, seed), random.Random(seed)  # noqa: S311 - reproducible
        for length, rows in found.items():
            made = ["".join(generator.choices(string.ascii_lowercase, k=length)) for _ in range(JUDGED)]
            rows.append(judge.shares(made))
    return {length: np.mean(rows, axis=0).tolist() for length, rows in found.items()}


def in_lines(lines: list[str]) -> dict[str, list[float]]:
    """Returns which share of log lines is found by the letters that were put in, and how often at the right place."""
    found: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        judge, generator = Judge.of(lines, seed), random.Random(seed)  # noqa: S311 - reproducible
        for number in (1, 3, 8):
            made = [with_letters(line, number, generator) for line in judge.new[:JUDGED]]
            found.setdefault(f"{number} letter{'s' * (number > 1)}", []).append(judge.shares(made))
    return {name: np.mean(rows, axis=0).tolist() for name, rows in found.items()}


def speed(lines: list[str]) -> dict[str, float]:
    """Returns how many characters a second are scored, and judged, in processor time."""
    judge = Judge.of(lines, 0)
    characters = sum(map(len, judge.new))
    functions = {
        "score_samples": judge.lm.score_samples,
        "p_values": judge.lm.p_values,
        "calibrate": CharLM(judge.lm.stored, judge.lm.vocabulary).calibrate,
    }
    rates = {}
    for name, function in functions.items():
        taken = []
        for _ in range(3):
            started = time.process_time()
            function(judge.new)
            taken.append(time.process_time() - started)
        rates[name] = characters / min(taken)
    return rates


def main() -> None:
    """Measures, prints the results and writes them to files."""
    generator = random.Random(0)  # noqa: S311 - reproducible
    lists = {name: sorted(set(corpora.text_of(source).lower().split())) for name, source in WORDS.items()}
    words = [word for word in lists["English words"] if 3 <= len(word) <= 12 and word.isascii() and word.isalpha()]  # noqa: PLR2004 - of a name
    domains, lines = domain_names(words, 60_000, generator), log_lines(words[::7], 40_000, generator)
    kinds = {"first names": corpora.names(), "domain names": domains, "log lines": lines, **lists}
    results: dict[str, Any] = {"machine": environment(), "false alarms": {}}
    for name, texts in kinds.items():
        results["false alarms"][name] = false_alarms(texts)
        print(name, results["false alarms"][name], flush=True)
    results["domain names"] = detections(domains, words)
    results["random letters among names"] = by_length(corpora.names())
    results["letters in log lines"] = in_lines(lines)
    results["characters a second"] = speed(lines)
    for title in ("domain names", "random letters among names", "letters in log lines", "characters a second"):
        print(title, json.dumps(results[title], indent=1))
    UNUSUAL.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
