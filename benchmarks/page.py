"""The documentation page with the results, generated from the files that the benchmarks write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comparison import Result, markdown_table
from loss_section import loss_section

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
LEARNING = HERE / "learning.json"
LINEARITY = HERE / "linearity.json"
COMPRESSION = HERE / "compression.json"
BACK_OFF = HERE / "back_off.json"
UNUSUAL = HERE / "unusual.json"
BUSY = HERE / "neighbours.json"
DECODING = HERE / "decoding.json"
LOSS_AND_SECONDS = HERE / "loss_and_seconds.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Each figure on this page comes from the programs in `benchmarks/`, which anyone can repeat. Four commands regenerate the
page:

- `make bench` measures speed and memory beside others, in half an hour on two cores, and so do
  `benchmarks/run.py Records Files` for some of the tables alone;
- `make bench-train` measures [learning](#learning);
- `make bench-losses` measures [loss and seconds](#loss-and-seconds), [compression](#compression) and
  [smoothing](#smoothing);
- `make bench-answers` measures [unusual texts](#unusual-texts) and [decoding](#decoding).

`make neighbours` and `make linear` are for the sections on [busy neighbors](#busy-neighbors) and on [longer
texts](#longer-texts). When and with what each was measured is below it; for the tables
up to [Growth](#growth), it is said here. What was measured on 2026-11-26 was repeated the next day on a slower machine,
an AMD EPYC that did other work as well: every loss, error rate and compressed size was the same to the last digit
shown, except for the log of a package manager, which is the machine's own, and times were up to twice as long for all
programs.

Tiny Shakespeare and the first names are read as `tinyshakespeare.txt` and `names.txt` from the folder given by the
environment variable `CHARTOK_TEST_DATA`, by default `../shared/data`. If a file is missing, it is downloaded once.

In the tables, *ratio* is the cost of the alternative divided by that of chartok, measured alternately within one run,
and *target* is what the ratio was meant to be. Times, amounts of memory and numbers of errors are medians, followed by
half the interquartile range. PyTorch has one thread. *Beside one busy process* has what chartok takes while another
process is always busy, and the ratio then: both are measured beside it, alternately. A ratio below its target is shown
as measured, with the reason below the table if it is known. `make guard` measures everything again and fails if a ratio
has become much worse.
"""

NOTES = {
    "Reading": "The text of each record, from files that also have its number, except for the first, which has lines "
    "alone.\n",
    "Learned back-off": "The default smoothing, with the constants that come with the library unless they are tuned. "
    "*Its formula* is the slow\nreference of the tests.\n",
    "Decoders": "Lines of the last tenth of the text, with one keyboard error in twenty characters, or as made-up "
    "frames; errors are\nedits. [Decoding](#decoding) has more.\n",
    "Classification": "Models of the first half of the Declaration of Human Rights, for stretches of the second, "
    "without calibration; lingua and\nlangid bring models of far more text, and are limited to the same languages.\n",
    "Memory": "Each measurement runs in its own process: peak memory, minus the memory in use before it begins, which "
    "is Python itself,\nthe imports, and the input.\n",
    "Start": "Each measurement starts a new process and times all of it, from start to exit.\n",
    "Training step": "The ratio is the share of a step that its matrix products take: those of the forward and "
    "backward pass, recorded\nand repeated on the same tensors, in one thread. The rest goes over memory between them, "
    "and updates the weights.\n",
    "Transformer": "A step is forward, backward and update, with the shape `nano` on 16 windows; generation uses the "
    "shape `small`. The\nother models have the same shape. [Learning](#learning) shows what a step achieves.\n",
}
"""The text above a table, by its title."""

TARGET = 1.886
"""The loss, in nats per character, that the classic recipe reaches in its 2,000 steps with nanoGPT's own code."""
LEARNING_HEAD = f"""## Learning

The models are trained on the first nine tenths of Tiny Shakespeare, and every character of the last tenth is scored
once. The classic Transformer is `ClassicGPT`, like the one in the second half of the notebook, with AdamW, and is
trained for 2,000 steps of 12 windows. The target is a loss of {TARGET}, which nanoGPT's own code reaches
with that recipe. The seconds to the target are those of the training steps; all others are of everything, from the text
to the evaluated model: counting, training, evaluations on the way, and the weights of a mixture. Where
there are three seeds, losses and times are their medians, with the lowest and the highest loss.

| what | steps | seconds | nats per character | three seeds |
| --- | ---: | ---: | ---: | --- |
"""

OTHER_TEXTS_HEAD = """The same on other texts, each with the last tenth held out, or a tenth of the names, with the
default settings and one seed, in nats per character:

| text | n-gram | GPT | mixture |
| --- | ---: | ---: | ---: |
"""

GENERATION = """Generating 500 characters with `GPTConfig.base` (6 layers of width 384) took {seconds:.1f} s. A plain
loop that processes the whole context for each character took {uncached:.1f} s, {ratio:.1f} times as long.
"""

GROWTH_HEAD = """## Growth

| what | million characters | seconds | peak memory | other results |
| --- | ---: | ---: | ---: | --- |
"""


COMPRESSION_HEAD = """## Compression

`charlm compress` beside what people compress with, on the same files in one run of `benchmarks/compressing.py`, on one
thread: bits per character, and thousands of bytes per second each way, the quickest of three.

How fast the model learns was chosen on other texts, on Python's documentation, and on the first 400,000 characters of
Tiny Shakespeare, so that neither text is quite unseen.
"""

CONTINUED_HEAD = """The last tenth of a text, in nats per character, by what its reader carries over from the first nine
tenths:
"""

LINEARITY_HEAD = """## Longer texts

How many times as long a function or command takes with a text that is 16 times as long, in processor time within one
run of `make linear`, which fails if anything grows faster than n log n. *Uneven lines* are short ones, some of every
length, and one that is half of the text; *one symbol* is a single character, repeated.

"""

BACK_OFF_HEAD = """## Smoothing

N-gram models on texts of many kinds, each fitted to the first nine tenths of a text, or to 28,000 names, and scored on
the rest, in nats per known character: KenLM's `lmplz` and Kneser-Ney smoothing of order 6 and of order 7, learned
back-off with the constants that come with the library, of order 6, and `CharLM.fit` with its defaults, which tunes the
constants and chooses the order. None of the texts has part in the constants of the library. `benchmarks/corpora.py`
says where they come from, `benchmarks/back_off.py table` repeats it.

"""

UNUSUAL_HEAD = """## Unusual texts

How many texts are called unusual at a false-alarm rate of 1% and of 0.1%: by `lm.is_unusual`, and, in parentheses, by a
threshold on the mean, the 99% or 99.9% quantile of the bits per character of the same held-out texts. Each model is one
of n-grams, fitted to a third of the texts, at most 12,000, calibrated on another third, and asked about the last one or
about 2,000 made-up texts; three random divisions are averaged, by `benchmarks/unusual.py`. How it works was chosen on
first names, English and German words, and other log lines.

Usual texts, of all lengths and the shortest and longest thirds, and those in which `unusual_spans` finds a part at 1%:

| texts | all, 1% | all, 0.1% | short, 1% | long, 1% | a part, 1% |
| --- | ---: | ---: | ---: | ---: | ---: |
"""

FOUND_HEAD = "| {what} | 1% | 0.1% |\n| --- | ---: | ---: |\n"

DECODING_HEAD = """## Decoding

The likeliest text, from one run of `benchmarks/decoding.py`: character error rates of held-out text before and after
`correct` with its defaults, means of three seeds, and how many lines or names are right. The lines, 300 and 150, are
spread evenly over the last tenth of a text, the model is of the rest. Errors of the keyboard are a neighboring key, a
key too many or too few, or two in disorder; the others are any letter in the place of another, too many or too few,
which the keyboard does not expect, or a channel does that was learned from lines of the training part.

"""

NEIGHBOURS_HEAD = """## Busy neighbors

The speed on two cores, per second, and what is left of it beside one and beside three other processes that are always
busy, measured in turns within one run of `make neighbours`. The command line sets how the threads of PyTorch wait for
each other before it loads PyTorch; a program of one's own gets what is in parentheses, unless it [does the
same](howto/busy-machine.md). Half beside one and a quarter beside three are what was wanted. Training is a step of
`GPTConfig.nano` with 32 windows, scoring and generating use `GPTConfig.small`, and generation is of one text.

| what | alone | beside one | beside three |
| --- | ---: | ---: | ---: |
"""


def page() -> str:
    """Returns the page as Markdown."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    learning = json.loads(LEARNING.read_text(encoding="utf-8"))
    parts = [HEAD, f"{_machine(results['machine'] | results['rivals'])}\n"]
    for title, comparisons in results["comparisons"].items():
        measured = [Result(**comparison) for comparison in comparisons]
        parts += [f"## {title}\n", *([NOTES[title]] if title in NOTES else [])]
        parts.append(markdown_table(measured) + "\n")
        parts += ["\n".join(reasons) + "\n"] if (reasons := _reasons(measured)) else []
    parts.append(GROWTH_HEAD + "\n".join(map(_growth_row, results["growth"])) + "\n")
    parts.append(_compression(json.loads(COMPRESSION.read_text(encoding="utf-8"))))
    parts.append(_neighbours(json.loads(BUSY.read_text(encoding="utf-8"))))
    parts.append(_unusual(json.loads(UNUSUAL.read_text(encoding="utf-8"))))
    parts.append(_decoding(json.loads(DECODING.read_text(encoding="utf-8"))))
    parts.append(_back_off(json.loads(BACK_OFF.read_text(encoding="utf-8"))))
    parts.append(_linearity(json.loads(LINEARITY.read_text(encoding="utf-8"))))
    parts.append(LEARNING_HEAD + "\n".join(_learning_rows(learning)) + "\n")
    parts.append(OTHER_TEXTS_HEAD + "\n".join(_rows_of_texts(learning["texts"])) + "\n")
    parts.append(GENERATION.format(**learning["500 characters, GPT base"]))
    parts.append(f"{_machine(learning['machine'])}\n")
    loss_and_seconds = json.loads(LOSS_AND_SECONDS.read_text(encoding="utf-8"))
    parts += [loss_section(loss_and_seconds), f"{_machine(loss_and_seconds['machine'])}\n"]
    return "\n".join(parts)


def _compression(measured: dict[str, Any]) -> str:
    head = "| text | compressed by | bits per character | kB/s | kB/s back |\n| --- | --- | ---: | ---: | ---: |"
    rows = [
        f"| {text} | {name} | {row['bits']:.3f} | {row['compress']:,.0f} | {row['decompress']:,.0f} |"
        for text, by_name in measured["texts"].items()
        for name, row in sorted(by_name.items(), key=lambda item: float(item[1]["bits"]))
    ]
    kinds = list(next(iter(measured["continued"].values())))
    later = [
        f"| what is carried over | {' | '.join(measured['continued'])} |",
        "| --- |" + " ---: |" * len(measured["continued"]),
    ]
    later += [
        f"| {kind} | {' | '.join(f'{nats[kind]:.3f}' for nats in measured['continued'].values())} |" for kind in kinds
    ]
    parts = [
        COMPRESSION_HEAD,
        "\n".join([head, *rows]),
        "",
        CONTINUED_HEAD,
        "\n".join(later),
        "",
        _machine(measured["machine"]),
    ]
    return "\n".join(parts) + "\n"


def _decoding(measured: dict[str, Any]) -> str:
    corrected = [
        ["text", "errors", "rate", "before", "after", "right before", "right after"],
        ["---", "---", *["---:"] * 5],
    ]
    for text, rows in measured["corrections"].items():
        for row in rows:
            shares = [row["rate"], row["right before"], row["right after"]]
            rate, before, after = (f"{share:.0%}" for share in shares)
            corrected.append([text, row["errors"], rate, f"{row['before']:.2%}", f"{row['after']:.2%}", before, after])
    spotted = [["text", "forward", "both sides"], ["---", "---:", "---:"]]
    spotted += [
        [text, f"{row['forward']:.3f}", f"{row['both sides']:.3f}"] for text, row in measured["spotted"].items()
    ]
    heard = [["decoder", "character error rate", "frames per second"], ["---", "---:", "---:"]]
    heard += [
        [row["decoder"], f"{row['error rate']:.2%}", f"{row['frames']:,.0f}" if "frames" in row else ""]
        for row in measured["transcriptions"]
    ]
    guessed = [["record", "place", "estimate", "standard error"], ["---", *["---:"] * 3]]
    guessed += [
        [row["record"], f"{row['place']:,}", f"{row['estimate']:,.1f}", f"{row['error']:,.1f}"]
        for row in measured["guesses"]
    ]
    speeds = [["what", "per second"], ["---", "---:"]]
    speeds += [[name, f"{speed:,.0f}"] for name, speed in measured["speeds"].items()]
    tables = [
        "\n".join(f"| {' | '.join(row)} |" for row in each) for each in (corrected, spotted, heard, guessed, speeds)
    ]
    heads = [
        DECODING_HEAD,
        "\nHow often a wrong letter is less likely than a right one (area under the curve), of three in a hundred:\n\n",
        "\nTranscriptions of made-up frames of 60 lines, by the n-gram model of the other nine tenths:\n\n",
        "\nGuess numbers from 10,000 records that were drawn, beside the places that all likelier records give:\n\n",
        "\nSpeeds of n-gram models, per second of processor time:\n\n",
    ]
    body = "\n".join(head + table for head, table in zip(heads, tables, strict=True))
    return f"{body}\n\n{_machine(measured['machine'])}\n"


def _linearity(measured: dict[str, Any]) -> str:
    shapes = list(next(iter(measured["growth"].values())))
    rows = [[name, *(f"{ratio:.1f}" for ratio in ratios.values())] for name, ratios in measured["growth"].items()]
    table = [["what", *shapes], ["---", *["---:"] * len(shapes)], *rows]
    lines = [f"| {' | '.join(row)} |" for row in table]
    return LINEARITY_HEAD + "\n".join(lines) + f"\n\n{_machine(measured['machine'])}\n"


def _neighbours(measured: dict[str, Any]) -> str:
    rows = [
        [
            task,
            f"{_speed(row['set']['0'])} {row['unit']} ({_speed(row['unset']['0'])})",
            *(
                f"{row['set'][number] / row['set']['0']:.0%} ({row['unset'][number] / row['unset']['0']:.0%})"
                for number in ("1", "3")
            ),
        ]
        for task, row in measured["tasks"].items()
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return NEIGHBOURS_HEAD + "\n".join(lines) + f"\n\n{_machine(measured['machine'])}\n"


def _unusual(measured: dict[str, Any]) -> str:
    rows = []
    for name, row in measured["false alarms"].items():
        (of_all, short, long) = row["shares"]
        cells = [_found(of_all, 0), _found(of_all, 1), _found(short, 0), _found(long, 0), f"{row['spans']:.2%}"]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    parts = [UNUSUAL_HEAD + "\n".join(rows)]
    for title, what in {
        "domain names": "made-up domain names among those of people, by family",
        "random letters among names": "random letters among first names, by length",
        "letters in log lines": "log lines with random letters in them",
    }.items():
        cases = (f"| {name} | {_found(row, 0)} | {_found(row, 1)} |" for name, row in measured[title].items())
        parts.append(FOUND_HEAD.format(what=what) + "\n".join(cases))
    rates = {name: f"{rate / 1e6:.1f}" for name, rate in measured["characters a second"].items()}
    told = ", ".join(f"`{name}` {rate}" for name, rate in rates.items())
    parts.append(f"Million characters of log lines a second, on one core: {told}.")
    parts.append(_machine(measured["machine"]))
    return "\n\n".join(parts) + "\n"


def _found(row: list[float], place: int) -> str:
    """Returns the share that is found by the p-value at a rate, and that by the mean."""
    return f"{_share(row[2 + place])} ({_share(row[place])})"


def _share(share: float) -> str:
    return f"{share:.2%}" if share < 0.05 else f"{share:.0%}"  # noqa: PLR2004 - a few texts in a hundred


def _speed(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"  # noqa: PLR2004 - two digits


def _back_off(measured: dict[str, Any]) -> str:
    columns = list(measured["rows"][0])
    table = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    table += [[_shown(name, value) for name, value in row.items()] for row in measured["rows"]]
    lines = [f"| {' | '.join(row)} |" for row in table]
    return BACK_OFF_HEAD + "\n".join(lines) + f"\n\n{_machine(measured['machine'])}\n"


def _shown(name: str, value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if name == "seconds" else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else value


def _reasons(results: list[Result]) -> list[str]:
    return list(dict.fromkeys(reason for result in results if (reason := result.explanation)))


def _machine(machine: dict[str, Any]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in machine.items() if name != "date")
    return f"Measured on {machine['date']} with {told}."


def _growth_row(row: dict[str, Any]) -> str:
    if "n-grams" in row:
        more = f"{row['n-grams']:,} n-grams"
    else:
        more = f"{row['seconds_a_batch'] * 1e6:.0f} µs per batch of 64 windows of 256"
    memory = f"{row['peak_bytes'] / 2**20:,.0f} MiB"
    return f"| {row['what']} | {row['millions']:,} | {row['seconds']:.3g} | {memory} | {more} |"


def _learning_rows(learning: dict[str, Any]) -> list[str]:
    return [
        f"| {name}{_missed(name, own)} | {own.get('steps', 0):,.0f} | {own['seconds']:.3g} | {own['loss']:.3f} "
        f"| {_spread(own)} |"
        for name, own in learning.items()
        if "loss" in own
    ]


def _missed(name: str, own: dict[str, float]) -> str:
    """Returns what a row to the target says if the run ended without it."""
    return " (not reached)" if name.endswith("to the target") and own["loss"] > TARGET else ""


def _rows_of_texts(texts: dict[str, Any]) -> list[str]:
    losses = {name: [found[kind]["loss"] for kind in ("n-gram", "GPT", "mixture")] for name, found in texts.items()}
    return [f"| {name} | {' | '.join(f'{loss:.3f}' for loss in own)} |" for name, own in losses.items()]


def _spread(figures: dict[str, float]) -> str:
    return f"{figures['lowest']:.3f} to {figures['highest']:.3f}" if "lowest" in figures else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
