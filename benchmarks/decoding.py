"""What decoders find and how fast: ``python benchmarks/decoding.py`` writes ``decoding.json`` and the page.

Corrections are of held-out text, lines of the last tenth of Tiny Shakespeare and of Python's documentation, and names
that are not among 28,000 to learn from, with errors made by a seed. The lines are spread evenly over the tenth, since
those that directly follow what was learned are easier. Nothing was chosen on them: the margin and the width of the beam
are from the tenth before the last. Transcriptions are of made-up frames, in which each character has one or two, noise,
and a blank behind it. Speeds are per second of processor time.
"""

from __future__ import annotations

import json
import random
import time
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm import Channel, CharLM, ErrorSpotter, ctc_decode_batch, python_docs
from charlm.decoding.alignment import edit_costs
from environment import environment
from page import DECODING, PAGE, page
from texts import first_names, tiny_shakespeare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

N_NAMES = 28_000
N_LINES = 300
N_TRANSCRIBED = 60
SHORTEST = 20
"""How many characters the lines of the documentation have at least."""
SEEDS = (1, 2, 3)
RATES = (0.05, 0.1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CERTAIN, NOISE = 6.0, 1.5
"""How much likelier the label of a frame is made, and the standard deviation of the noise, both in nats."""


def error_rate(found: Sequence[str], true: Sequence[str]) -> float:
    """Returns the edits between texts and what they should be, per character of these."""
    edits = sum(int(edit_costs(text, target)[-1, -1]) for text, target in zip(found, true, strict=True))
    return edits / sum(map(len, true))


def spread(lines: Sequence[str], number: int) -> list[str]:
    """Returns so many of the lines, in their order, spread evenly."""
    return [lines[place * len(lines) // number] for place in range(number)]


def with_any_letters(text: str, rate: float, seed: int) -> str:
    """Returns a text in which characters are replaced by any letter, left out, or followed by any letter."""
    generator = random.Random(seed)  # noqa: S311 - not for secrets
    seen = list[str]()
    for symbol in text:
        letter, kind = generator.choice(LETTERS), generator.random() / rate
        seen.append(letter if kind < 0.5 else "" if kind < 0.75 else symbol + letter if kind < 1 else symbol)  # noqa: PLR2004 - shares
    return "".join(seen)


def corrections(lm: CharLM, true: list[str], learned_on: list[str], context: str) -> list[dict[str, Any]]:
    """Returns how many errors there are before and after, for errors of several kinds."""
    rows = [_row("none", 0.0, lm.correct(true, context=context), true, true)]
    for rate in RATES:
        channel, pairs = Channel.keyboard(rate), list[tuple[str, str]]()
        for number, text in enumerate(learned_on):
            pairs.append((with_any_letters(text, rate, number), text))
        any_letters = partial(with_any_letters, rate=rate)
        kinds: dict[str, tuple[Callable[..., str], Channel]] = {
            "keyboard": (channel.corrupt, Channel.keyboard()),
            "any letters": (any_letters, Channel.keyboard()),
            "any letters, learned": (any_letters, Channel.learned(pairs)),
        }
        for kind, (corrupt, through) in kinds.items():
            seen = [
                [corrupt(text, seed=seed * len(true) + number) for number, text in enumerate(true)] for seed in SEEDS
            ]
            found = [lm.correct(texts, channel=through, context=context) for texts in seen]
            rows.append(_row(kind, rate, [*chain(*found)], [*chain(*seen)], true * len(SEEDS)))
    return rows


def _row(kind: str, rate: float, found: list[str], seen: list[str], true: list[str]) -> dict[str, Any]:
    right = [sum(map(str.__eq__, texts, true)) / len(true) for texts in (seen, found)]
    row = {
        "errors": kind,
        "rate": rate,
        "before": error_rate(seen, true),
        "after": error_rate(found, true),
        "right before": right[0],
        "right after": right[1],
    }
    print(*row.values(), flush=True)
    return row


def restored(lm: CharLM, true: list[str], context: str) -> list[dict[str, Any]]:
    """Returns how many errors there are before and after spaces and case were restored."""
    bare, small = [text.replace(" ", "") for text in true], [text.lower() for text in true]
    return [
        _row("no spaces", 1.0, lm.restore_spaces(bare, context=context), bare, true),
        _row("no case", 1.0, lm.restore_case(small, context=context), small, true),
    ]


def frames_of(text: str, alphabet: list[str], seed: int) -> NDArray[np.float64]:
    """Returns made-up log-probabilities of labels in frames, ``(T, C)``."""
    generator = np.random.default_rng(seed)
    labels = list[int]()
    for symbol in text:
        labels += [alphabet.index(symbol)] * int(generator.integers(1, 3)) + [0]
    logits = generator.standard_normal((len(labels), len(alphabet))) * NOISE
    logits[np.arange(len(labels)), labels] += CERTAIN
    found: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return found


def transcriptions(lm: CharLM, true: list[str]) -> list[dict[str, Any]]:
    """Returns the error rates and speeds of transcriptions, without and with a language model."""
    alphabet = ["", *lm.vocabulary.symbols]
    frames = [frames_of(text, alphabet, number) for number, text in enumerate(true)]
    likeliest = [[label for label, _ in groupby(each.argmax(axis=1).tolist())] for each in frames]
    greedy = ["".join(alphabet[label] for label in labels) for labels in likeliest]
    rows = [{"decoder": "likeliest label of each frame", "error rate": error_rate(greedy, true)}]
    for name, model in (("prefix beam", None), ("prefix beam with the n-gram model", lm)):
        started = time.process_time()
        found = [best[0].text for best in ctc_decode_batch(frames, alphabet, lm=model)]
        seconds = time.process_time() - started
        rows.append({"decoder": name, "error rate": error_rate(found, true), "frames": sum(map(len, frames)) / seconds})
        print(*rows[-1].values(), flush=True)
    return rows


def area_under_curve(scores: NDArray[np.float64], is_error: NDArray[np.bool_]) -> float:
    """Returns how often an error has a lower score than what is none; ties count half."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    n_errors = int(is_error.sum())
    lower = ranks[is_error].sum() - n_errors * (n_errors + 1) / 2
    return 1 - float(lower) / (n_errors * (len(scores) - n_errors))


def spotted(true: list[str], forward: CharLM, backward: CharLM) -> dict[str, float]:
    """Returns how well wrong letters, three in a hundred, are told from right ones."""
    spotter, generator = ErrorSpotter(forward, backward), random.Random(1)  # noqa: S311 - not for secrets
    labels, one_side, both = list[bool](), list[Any](), list[Any]()
    for text in true:
        seen = "".join(
            generator.choice(LETTERS) if symbol.isalpha() and generator.random() < 0.03 else symbol  # noqa: PLR2004
            for symbol in text
        )
        labels += map(str.__ne__, seen, text)
        one_side.append(forward.log_probabilities(seen)[: len(seen)])
        both.append(spotter.log_probabilities(seen))
    is_error = np.array(labels)
    return {
        "forward": area_under_curve(np.concatenate(one_side), is_error),
        "both sides": area_under_curve(np.concatenate(both), is_error),
    }


def guesses(lm: CharLM) -> list[dict[str, Any]]:
    """Returns the estimates of guess numbers beside the places of records in the order of the model."""
    started = time.process_time()
    likeliest = lm.most_likely(20_000)
    print(f"{len(likeliest) / (time.process_time() - started):.0f} records a second, the likeliest first", flush=True)
    places = (1, 10, 100, 1_000, 10_000, 20_000)
    numbers, errors = lm.guess_numbers([likeliest[place - 1][0] for place in places], return_errors=True)
    return [
        {"record": likeliest[place - 1][0], "place": place, "estimate": float(number), "error": float(error)}
        for place, number, error in zip(places, numbers, errors, strict=True)
    ]


def speeds(text: CharLM, names: CharLM, lines: list[str], held_out: list[str]) -> dict[str, float]:
    """Returns how much is done in a second."""
    seen = [Channel.keyboard(RATES[0]).corrupt(line, seed=number) for number, line in enumerate(lines)]
    whole = " ".join(seen)[:3_000]
    tasks: dict[str, tuple[float, Callable[[], object]]] = {
        "characters corrected, 300 lines at once": (len("".join(seen)), lambda: text.correct(seen)),
        "characters corrected, one text": (len(whole), lambda: text.correct(whole)),
        "spaces restored, characters": (len("".join(seen)), lambda: text.restore_spaces(seen)),
        "symbols by which a text grows": (len(whole), lambda: _grown(text, whole)),
        "completions of a word, the likeliest five": (1, lambda: text.complete("the l", stop=" .,\n")),
        "records, the likeliest 10,000 in order": (10_000, lambda: names.most_likely(10_000)),
        "guess numbers, after the sample": (len(held_out), lambda: names.guess_numbers(held_out)),
        "records drawn for guess numbers": (10_000, lambda: names.guess_number("anna", seed=time.perf_counter_ns())),
    }
    found = {}
    for name, (amount, task) in tasks.items():
        started = time.process_time()
        task()
        found[name] = amount / (time.process_time() - started)
        print(name, f"{found[name]:,.0f}", flush=True)
    return found


def _grown(lm: CharLM, text: str) -> object:
    state = lm.start()
    for symbol in text:
        state = state.extend(symbol)
    return state


def main() -> None:
    """Measures everything, and writes the figures and the page."""
    shakespeare = tiny_shakespeare().read_text(encoding="utf-8")
    names = first_names().read_text(encoding="utf-8").split()
    random.Random(0).shuffle(names)  # noqa: S311 - not for secrets
    cut = len(shakespeare) * 9 // 10
    learned, rest = shakespeare[:cut], shakespeare[cut:]
    lines, held_out = spread([line for line in rest.split("\n") if line], N_LINES), names[N_NAMES:]
    text, of_names = CharLM.fit(learned), CharLM.fit(names[:N_NAMES])
    measured: dict[str, Any] = {"machine": environment()}
    learned_lines = [line for line in learned.split("\n") if line][:2_000]
    manual = python_docs()
    manual_cut = len(manual) * 9 // 10
    of_manual = CharLM.fit(manual[:manual_cut])
    manual_lines = [
        [line for line in part.split("\n")[1:] if len(line) > SHORTEST]
        for part in (manual[:manual_cut], manual[manual_cut:])
    ]
    measured["corrections"] = {
        "Tiny Shakespeare, lines": corrections(text, lines, learned_lines, "\n") + restored(text, lines, "\n"),
        "Python's documentation, lines": corrections(
            of_manual, spread(manual_lines[1], N_LINES // 2), manual_lines[0][:2_000], "\n"
        ),
        "names": corrections(of_names, held_out[:1_000], names[:4_000], ""),
    }
    backward = CharLM.fit(learned[::-1]), CharLM.fit([name[::-1] for name in names[:N_NAMES]])
    measured["spotted"] = {
        "Tiny Shakespeare, lines": spotted(lines, text, backward[0]),
        "names": spotted(held_out, of_names, backward[1]),
    }
    print(measured["spotted"], flush=True)
    measured["transcriptions"] = transcriptions(text, spread(lines, N_TRANSCRIBED))
    measured["guesses"] = guesses(of_names)
    measured["speeds"] = speeds(text, of_names, lines, held_out)
    DECODING.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
