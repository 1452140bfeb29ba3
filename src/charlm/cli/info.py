"""What a model file holds, on the command line: ``info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charlm.cli.output import print_json, print_line, printable
from charlm.cli.terminal import heading
from charlm.files.model_facts import told_sizes
from charlm.lm import CharLM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charlm.cli.flags import Info

FAMILIES = {
    "ngram": "n-gram model",
    "bigram": "bigram model",
    "gpt": "Transformer (gpt)",
    "classic-gpt": "Transformer of GPT-2 (classic-gpt)",
    "mixture": "mixture of a Transformer and an n-gram model",
}
SHAPE = {
    "n_layers": "layers",
    "n_heads": "attention heads",
    "width": "width",
    "block_size": "block size",
    "dropout": "dropout",
}
"""The settings of a Transformer, as people say."""
SMOOTHINGS = {
    "kneser-ney": "modified Kneser-Ney",
    "learned": "learned back-off",
    "tuned": "learned back-off, tuned to the text",
}
WIDTH_OF_SYMBOLS = 54
"""In columns."""
PREFIXES = ("", "k", "M", "G", "T")
STEP = 1000


def info(settings: Info) -> None:
    """Prints what a model file holds."""
    lm = CharLM.load(settings.model)
    facts = lm.facts()
    if settings.json:
        print_json(**facts)
        return
    groups = {"Model": _of_model(facts), "Vocabulary": _of_vocabulary(lm, facts), "Size": _of_size(facts)}
    for place, (name, lines) in enumerate(groups.items()):
        print(f"{chr(10) if place else ''}{heading(name)}")
        for label, value in lines.items():
            print_line(f"  {label:16} {value}")


def _of_model(facts: dict[str, Any]) -> dict[str, str]:
    settings = facts["settings"]
    lines = {"family": FAMILIES.get(facts["family"], facts["family"]), "learned from": _what(facts["learned_from"])}
    lines |= {label: str(settings[name]) for name, label in SHAPE.items() if name in settings}
    for of_counts in (settings, settings.get("prior") or {}):
        if "order" in of_counts:
            n_before = of_counts["order"] - 1
            lines["order"] = f"{of_counts['order']}: counts of up to {n_before} characters before the next"
    if facts["smoothing"] is not None:
        lines["smoothing"] = SMOOTHINGS[facts["smoothing"]]
    n_lines = facts["calibrated_on"]
    lines["calibration"] = f"on {n_lines:,} lines" if n_lines else "none: charlm calibrate makes one"
    return lines


def _what(learned_from: str) -> str:
    return "records, one a line" if learned_from == "records" else "text"


def _of_vocabulary(lm: CharLM, facts: dict[str, Any]) -> dict[str, str]:
    return {
        "symbols": f"{facts['symbols']:,}",
        "": _shown(lm.vocabulary.symbols, " " if lm.vocabulary.longest_symbol > 1 else ""),
        "special tokens": ", ".join(facts["special_tokens"]) or "none",
        "fingerprint": f"{facts['fingerprint'][:16]}...",
    }


def _shown(symbols: Sequence[str], joint: str) -> str:
    """Returns as many symbols as fit into a line."""
    shown, place = "", 0
    while place < len(symbols) and len(printable(shown + symbols[place])) <= WIDTH_OF_SYMBOLS:
        shown, place = f"{shown}{symbols[place]}{joint}", place + 1
    return shown if place == len(symbols) else f"{shown} ..."


def _of_size(facts: dict[str, Any]) -> dict[str, str]:
    return {**told_sizes(facts), "in memory": human_size(facts["bytes"])}


def human_size(n_bytes: int) -> str:
    """Returns a number of bytes with three digits and a unit.

    Example:
        >>> human_size(999), human_size(173_919), human_size(2_113_964)
        ('999 B', '174 kB', '2.11 MB')
    """
    size, place = float(n_bytes), 0
    while size >= STEP - 0.5 and place < len(PREFIXES) - 1:
        size, place = size / STEP, place + 1
    return f"{size:.3g} {PREFIXES[place]}B"
