"""Prints the progress of training on the command line."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from charlm.cli.output import print_line, shown_line
from charlm.evaluation.scoring import Evaluation
from charlm.recipes import events
from charlm.runtime.interactive import stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from charlm.files.run_folder import RunFolder
    from charlm.recipes.events import Event, Hook
    from charlm.training.log import LogEntry
    from charlm.training.observers import Progress

MOST_SHOWN = 10
"""How many new symbols are named."""
WHY_UNTUNED = {"short": "the text is too short to tune it on", "equal": "most of its records are equal"}
SAMPLE_COLUMNS = 70


def tell(event: Event) -> None:
    """Prints an event in human-readable form."""
    if type(event) in LINES:
        for line in LINES[type(event)](event):
            print_line(line)


def tell_sample(entry: LogEntry) -> None:
    """Prints what the model wrote at an evaluation as one line, above the progress bar if there is one."""
    if entry.sample is not None and sys.stderr is not None:
        line = shown_line(entry.sample[:SAMPLE_COLUMNS], on_terminal=True)
        tqdm.write(f"sample  {line[:SAMPLE_COLUMNS]}", file=sys.stderr)


class Telling:
    """Prints events, shows the progress of training, and optionally writes it for TensorBoard.

    Args:
        folder: The run folder.
        with_tensorboard: Whether to also write the log there for TensorBoard.

    Attributes:
        is_stopped: Whether a signal has stopped the run before its end.
    """

    def __init__(self, folder: RunFolder, *, with_tensorboard: bool) -> None:
        self.is_stopped: bool = False
        self._folder = folder
        self._with_tensorboard = with_tensorboard
        self._shown = ExitStack()
        self._stage = ExitStack()
        self._progress: Progress | None = None
        self._observers: list[Callable[[LogEntry], None]] = []

    def __enter__(self) -> Hook:
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._stage.close()
        self._shown.close()

    def _tell(self, event: Event) -> None:
        self._stage.close()
        if isinstance(event, events.CountingBegan):
            self._stage.enter_context(stage(f"counting {event.characters:,} characters"))
        if isinstance(event, events.TrainingEnded | events.TrainingStopped):
            self._shown.close()
        self.is_stopped = self.is_stopped or isinstance(event, events.TrainingStopped)
        tell(event)
        if isinstance(event, events.TrainingBegan):
            self._observe(event)
        if isinstance(event, events.StepDone) and self._progress is not None:
            self._progress.advance_to(event.step)
        if isinstance(event, events.EntryMade):
            for observe in self._observers:
                observe(event.entry)

    def _observe(self, event: events.TrainingBegan) -> None:
        from charlm.training.observers import Progress, TensorBoardLog  # noqa: PLC0415 - need PyTorch

        self._progress = self._shown.enter_context(Progress(event.total_steps, first_step=event.first_step))
        self._observers.append(self._progress)
        self._observers.append(tell_sample)
        if self._with_tensorboard:
            tensorboard = TensorBoardLog(self._folder.path, first_step=event.first_step)
            self._observers.append(self._shown.enter_context(tensorboard))


def _of_split(event: events.CorpusSplit) -> list[str]:
    parts = f"{event.training:,} to train on, {event.validation:,} for validation"
    return [f"{event.total:,} {event.unit}, {event.symbols} symbols: {parts}"]


def _of_unknown(event: events.UnknownFound) -> list[str]:
    return [unknown_in_words(event.unknown, event.characters, event.purpose)]


def unknown_in_words(unknown: int, characters: int, purpose: str) -> str:
    """Returns how many characters are not in a vocabulary that has ``unk``.

    Example:
        >>> unknown_in_words(1, 892_315, "for validation")
        'not in the vocabulary, and counted as unk: 1 of 892,315 characters for validation'
    """
    return f"not in the vocabulary, and counted as unk: {unknown:,} of {characters:,} characters {purpose}"


def _of_start(event: events.Started) -> list[str]:
    if not event.new_symbols:
        return [f"starting from {event.name}, no new symbols"]
    shown = " ".join(map(ascii, event.new_symbols[:MOST_SHOWN]))
    more = " ..." if len(event.new_symbols) > MOST_SHOWN else ""
    return [f"starting from {event.name}, new symbols: {len(event.new_symbols):,} ({shown}{more})"]


def _of_counting(event: events.Counted) -> list[str]:
    if event.family == "bigram":
        return [f"bigram model, counted in {event.seconds:.2f} s"]
    counted = f"{event.n_grams:,} n-grams counted in {event.seconds:.2f} s"
    why = "" if event.why_untuned is None else f", since {WHY_UNTUNED[event.why_untuned]}"
    return [f"n-gram model of order {event.order}, {counted}, smoothing: {event.smoothing}{why}"]


def _of_prior(event: events.PriorLeftOut) -> list[str]:
    return [f"{event.characters:,} characters are too few to count a prior on: it takes {event.least:,}"]


def _of_counting_anew(_: events.CountedAnew) -> list[str]:
    return ["the model has counted this text, or a part of it, before: the counts start over, with this text alone"]


def _of_beginning(event: events.TrainingBegan) -> list[str]:
    steps = "steps" if event.total_steps is None else f"{event.total_steps:,} steps"
    model = f"{event.family} model, {event.parameters:,} parameters, on {event.device}"
    lines = [f"{model}: {steps} of {event.batch_size} x {event.block_size} characters"]
    if event.total_steps is not None and event.first_step > event.total_steps:
        return [*lines, f"nothing is left to train: the run already has {event.first_step:,} steps"]
    return [*lines, f"resuming after step {event.first_step}"] if event.first_step else lines


def _of_end(event: events.TrainingEnded) -> list[str]:
    if event.entry is None:
        return []
    seconds, speed = event.entry.elapsed_seconds, event.entry.characters_per_second
    lines = [
        f"trained for {seconds:.1f} s, {speed:,.0f} characters per second",
        f"train loss       {_in_both_units(event.entry.train_loss)}",
    ]
    if event.best is None or event.best.validation_loss is None:
        return lines
    best, config = event.best.step, event.config
    if event.is_out_of_patience:
        more = f" by more than {config.min_delta:g} in {config.patience} evaluations" if config.min_delta else ""
        since = more or f" since step {best}"
        lines.insert(0, f"stopped after step {event.entry.step}: no improvement{since}")
    part = ""
    if event.scored is not None:
        part = "; on the first symbol" if event.scored == 1 else f"; on the first {event.scored:,} symbols"
    loss = _in_both_units(event.best.validation_loss)
    return [*lines, f"validation loss  {loss}", f"                 at step {best}, which is kept{part}"]


def _of_stop(event: events.TrainingStopped) -> list[str]:
    return [
        f"stopped after step {event.step}: saved to {event.folder}",
        "to continue, run the same command with --resume",
    ]


def _of_mixing(event: events.Mixed) -> list[str]:
    return [f"mixed with an n-gram model of order {event.order} in {event.seconds:.1f} s"]


def _of_evaluation(event: events.Evaluated) -> list[str]:
    return [f"validation loss  {_in_both_units(event.evaluation.nats_per_character)}"]


def _of_saving(event: events.Saved) -> list[str]:
    return [f"saved to {event.folder}"]


LINES: dict[type, Callable[[Any], list[str]]] = {
    events.CorpusSplit: _of_split,
    events.UnknownFound: _of_unknown,
    events.Started: _of_start,
    events.Counted: _of_counting,
    events.PriorLeftOut: _of_prior,
    events.CountedAnew: _of_counting_anew,
    events.TrainingBegan: _of_beginning,
    events.TrainingEnded: _of_end,
    events.TrainingStopped: _of_stop,
    events.Mixed: _of_mixing,
    events.Evaluated: _of_evaluation,
    events.Saved: _of_saving,
}
"""The lines printed for each kind of event; log entries are shown by ``Progress``."""


def _in_both_units(nats: float) -> str:
    loss = Evaluation(nats_per_character=abs(nats), characters=1)  # 0, not -0
    return f"{loss.nats_per_character:.4f} nats, {loss.bits_per_character:.4f} bits per character"
