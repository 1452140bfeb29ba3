"""Tells a model on the command line what usual texts look like: ``calibrate``."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from charlm.cli.output import print_json, print_line, suggest
from charlm.cli.reading import admitted_records, for_kind, reading_of, tell_note
from charlm.data.framing import Framing
from charlm.decisions.calibration import FEWEST_TEXTS
from charlm.files.calibrating import write_calibration
from charlm.lm import CharLM

if TYPE_CHECKING:
    from charlm.cli.scoring_flags import Calibrate


def calibrate(settings: Calibrate) -> None:
    """Writes to the file of a model what held-out lines look like to it."""
    settings = for_kind(settings, records=True)
    lm = CharLM.load(settings.model, device=settings.device)
    lines = admitted_records(Framing(lm.vocabulary), settings.sources, reading_of(settings.reading), settings.errors)
    check_enough(lines, "there are {}")
    path, lowest = calibrate_file(settings.model, lm, lines)
    if settings.json:
        print_json(model=str(path), texts=len(lines), lowest_rate=lowest)
    else:
        print_line(f"{told(len(lines), lowest)}: saved to {path}")
        suggest(["charlm", "score", settings.model, "--unusual", f"{_rounded_up(lowest):g}", "--spans", "FILE"])


def calibrate_file(path: str | os.PathLike[str], lm: CharLM, texts: list[str]) -> tuple[os.PathLike[str], float]:
    """Calibrates a model and writes the calibration to its file; returns the path and the lowest false-alarm rate."""
    calibration = lm.calibrate(texts).calibration
    assert calibration is not None  # noqa: S101 - it has just been made
    return write_calibration(path, calibration.to_dict()), calibration.lowest_rate


def told(lines: int, lowest_rate: float) -> str:
    """Returns what to say of a calibration."""
    return f"calibrated on {lines:,} lines, for false-alarm rates from {_rounded_up(lowest_rate):g}"


def _rounded_up(rate: float) -> float:
    """Returns a rate with two digits, not below it, so that it can be asked for."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return round(math.ceil(rate / unit - 1e-9) * unit, 12)


def tell_left_out(model: str | os.PathLike[str], *, is_calibrated: bool) -> None:
    """Notes that a new model is not calibrated, if the one that it is made from is.

    Args:
        model: The path of that one.
        is_calibrated: Whether it is.
    """
    if is_calibrated:
        tell_note(f"{os.fspath(model)} is calibrated, and the new model is not: charlm calibrate does it")


def check_enough(lines: list[str], found: str) -> None:
    """Checks that there are enough lines to calibrate a model on.

    Args:
        lines: The lines.
        found: What to say of how many there are.

    Raises:
        ValueError: There are too few.
    """
    if len(lines) < FEWEST_TEXTS:
        raise ValueError(
            f"a calibration takes at least {FEWEST_TEXTS} lines, and 1 / rate - 1 for a false-alarm rate, such as 999 "
            f"for 0.001: {found.format(len(lines))}"
        )
