"""The gradient loop: steps, a log, evaluations, checkpoints, and going on exactly where a run stopped."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import torch

from charlm.data.dataset import IGNORE_INDEX
from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError, NonFiniteLossError
from charlm.evaluation.scoring import Evaluation, evaluate
from charlm.files.model_file import check_sizes, load_model, read_model_file, serialized_model
from charlm.files.run_folder import CheckpointFolder, RunFolder
from charlm.runtime import distributed
from charlm.runtime.devices import READS_EACH_LOSS, peak_memory
from charlm.training.checkpoint import newest_checkpoint, write_checkpoint
from charlm.training.config import CHANGES_ROUNDING, MAY_CHANGE, STEPS_WITHOUT_A_LIMIT, TrainerConfig
from charlm.training.gradients import Gradients
from charlm.training.log import LogEntry, append_entry, open_log, sync_log
from charlm.training.optimizers import Optimizers, WeightAverage, learning_rate_factor
from charlm.training.precision import resolve_precision
from charlm.training.random_states import RandomStates
from charlm.training.signals import StopSignals, stop_for
from chartok.arguments import finite_number, integer
from chartok.files.envelope import check_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    from charlm.data.batch_sampler import BatchSampler
    from charlm.data.dataset import Dataset
    from charlm.models.base import LanguageModel
    from chartok import Vocabulary

VERSION = 1
COUNTS = ("step", "log_entries", "recent_characters", "best_step", "evaluations_since_best", "parts")
LARGEST_COUNT = 1 << 48
"""Far above what any run comes to, and far below where one would overflow."""


class Trainer:
    """Fits a model to batches by gradient descent.

    A run that is stopped anywhere goes on from its last checkpoint as if it had not been: on the CPU every later
    loss and weight is the same to the last bit. Under ``torchrun`` each process makes a trainer of its own, and
    together they train one model on the same global batches.

    Args:
        model: The model, trained in place.
        batches: Where the training data come from; on the device of the model.
        validation: Evaluated now and then, every character scored; None for no evaluation.
        config: How to train.
        folder: The folder of the run, for log and checkpoints; None keeps nothing.
        vocabulary: What the model's ids mean, for the model files in checkpoints; needed with ``folder``.
        on_log: Called with each entry as it is made.

    Attributes:
        step: Optimizer steps done.
        log: Every entry made, oldest first.

    Raises:
        ValueError: The model and the batches are on different devices, the device lacks the precision, there is a
            folder and no vocabulary, or ``patience`` and no validation data, or the optimizer cannot be had.
        TokenIdError: The data hold an id that the model does not have.
        FileExistsError: The folder holds a run already, or is a file.
        OSError: The folder cannot be written to.

    Example:
        >>> from charlm import BatchSampler, BigramLanguageModel, TextDataset
        >>> batches = BatchSampler(TextDataset([0, 1, 2] * 50, block_size=8), batch_size=4, seed=0)
        >>> trainer = Trainer(BigramLanguageModel(3), batches, config=TrainerConfig(max_steps=200))
        >>> trainer.fit().log[-1].train_loss < 0.1
        True
    """

    def __init__(
        self,
        model: LanguageModel,
        batches: BatchSampler,
        *,
        validation: Dataset | None = None,
        config: TrainerConfig | None = None,
        folder: str | os.PathLike[str] | None = None,
        vocabulary: Vocabulary | None = None,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> None:
        config = TrainerConfig() if config is None else config
        _check_together(model, batches, validation, config)
        self.model = model
        self.batches = batches
        self.validation = validation
        self.config = config
        self.vocabulary = vocabulary
        self.on_log = on_log
        self.step = 0
        self.log: list[LogEntry] = []
        self._total_steps = _total_steps(config, batches)
        self._gradients = Gradients(
            model,
            dtype=resolve_precision(config.precision, model.device),
            compiled=config.compile,
            parts=config.accumulation_steps,
            halve_on_out_of_memory=config.halve_on_out_of_memory,
            has_padding=batches.dataset.has_padding,
        )
        self._optimizers = Optimizers(model, config)
        self._average = None if config.ema_decay is None else WeightAverage(model, config.ema_decay)
        self._random = RandomStates(config.seed + distributed.rank(), model.device)
        self._agree = distributed.Agreement(2)
        self._seconds = self._agreed_seconds = 0.0
        self._losses: list[Tensor] = []  # since the last entry, as the next two
        self._recent_characters: Tensor | int = 0
        self._recent_seconds = 0.0
        self._best_loss, self._best_step, self._evaluations_since_best = math.inf, 0, 0
        self._validation_fingerprint = None if validation is None else validation.fingerprint()
        self._saved_step = -1
        self._folder: RunFolder | None = None
        if folder is not None:
            RunFolder(folder).refuse_a_run("go on with Trainer.resume, or take another folder")
            self._write_to(RunFolder(folder), 0)

    @classmethod
    def resume(
        cls,
        folder: str | os.PathLike[str],
        batches: BatchSampler,
        *,
        model: LanguageModel | None = None,
        validation: Dataset | None = None,
        config: TrainerConfig | None = None,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> Self:
        """Returns a trainer that stands where the newest sound checkpoint of a run was made.

        A warning names each checkpoint that is damaged and passed over.

        Args:
            folder: The folder of the run.
            batches: The same data, seed, order and batch size as before, from the start; it is wound on.
            model: A model of the same family and settings, to be given its weights; needed for one that
                ``load_model`` does not know.
            validation: The same as before.
            config: By default that of the run. Its limits, its intervals and ``patience`` may differ; with another
                ``precision`` and other settings of the machine the run goes on after a warning, not bit for bit.
            on_log: Called with each new entry as it is made.

        Raises:
            FileNotFoundError: There is no checkpoint.
            CheckpointCorruptError: None is sound, or what is in the newest is no state of a run.
            CheckpointVersionError: The newest was written by a newer version.
            CheckpointMismatchError: The run had other settings, data or another model; lists every difference.
            ValueError: As for the class.
        """
        checkpoint = newest_checkpoint(folder)
        file = read_model_file(CheckpointFolder(checkpoint.path).model_path)
        with _explained(checkpoint.path):
            config = TrainerConfig(**checkpoint.values["config"]) if config is None else config
        trainer = cls(
            load_model(CheckpointFolder(checkpoint.path).model_path, device=batches.device)[0]
            if model is None
            else model,
            batches,
            validation=validation,
            config=config,
            vocabulary=file.vocabulary,
            on_log=on_log,
        )
        weights = {f"model.{name}": tensor for name, tensor in file.tensors.items()}
        with _explained(checkpoint.path):
            trainer.load_state_dict(checkpoint.values | {"tensors": weights | checkpoint.tensors})
        trainer._write_to(RunFolder(folder), checkpoint.values["log_entries"])
        trainer._saved_step = trainer.step
        return trainer

    def fit(self) -> Self:
        """Returns this trainer after training to the end of the run.

        An entry is made every ``log_interval`` steps, at each evaluation, and at the end. Then the folder gets the
        model file of the run, with the weights of the best checkpoint, or of the last where nothing was evaluated.

        SIGINT and SIGTERM let the step that is under way end and a checkpoint be written first; a second SIGINT does
        not wait. After any exception the model holds what the last whole step left, and ``fit`` goes on from there.

        Raises:
            NonFiniteLossError: A loss is infinite or not a number; the weights are those before its step.
            MemoryError: There is not enough for a batch.
            KeyboardInterrupt: SIGINT came.
            SystemExit: SIGTERM came; the exit code is 143.
            OSError: An entry or a checkpoint could not be written; the checkpoints before are as they were.
        """
        with StopSignals() as signals, self._random.in_force():
            self.model.train()
            while not self._is_over():
                self._train_step()
                signal, self._agreed_seconds = self._agree(signals.received, self._seconds)
                if self._is_due(self.config.log_interval, self.config.evaluation_interval):
                    self._make_entry()
                if self._is_due(self.config.checkpoint_interval) or signal or self._best_step == self.step:
                    self._save_where_there_is_a_folder()
                if signal:
                    self._agree.settle()
                    stop_for(int(signal))
            self._agree.settle()
        self._keep_model()
        return self

    def _keep_model(self) -> None:
        """Puts the model of the best checkpoint, or else of the last, where ``load_model`` finds that of the run."""
        if self._folder is not None and distributed.rank() == 0:
            self._folder.keep_model(self.best_checkpoint or self._folder.checkpoint_path(self.step))

    def evaluate(self) -> Evaluation:
        """Returns the exact loss on the validation data, of the averaged weights where there are any.

        Raises:
            ValueError: The trainer was given none.
        """
        if self.validation is None:
            raise ValueError("this trainer was made without validation data")
        with self.averaged_weights():
            return evaluate(self.model, self.validation)

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Puts the averaged weights into the model for the block; without ``ema_decay`` its own stay."""
        if self._average is None:
            yield
            return
        self._average.swap()
        try:
            yield
        finally:
            self._average.swap()

    @property
    def total_steps(self) -> int | None:
        """The length of the run in steps; None where only time limits it."""
        return self._total_steps

    @property
    def folder(self) -> Path | None:
        """The folder of the run; None where nothing is kept."""
        return None if self._folder is None else self._folder.path

    @property
    def best_checkpoint(self) -> Path | None:
        """The folder of the checkpoint with the lowest validation loss so far; None where there is none."""
        if self._folder is None or not self._best_step:
            return None
        path = self._folder.checkpoint_path(self._best_step)
        return path if path.exists() else None

    # ---------------------------------------------------------------------------------------------------- one step

    def _train_step(self) -> None:
        started = time.perf_counter()
        inputs, targets = next(self.batches)
        factor = self._learning_rate_factor()
        self._optimizers.zero_gradients()
        loss = self._gradients(inputs, targets)
        self._check(loss)
        limit = self.config.max_gradient_norm
        self._optimizers.step(self._gradients.scaler, factor=factor, max_gradient_norm=limit)
        if self._average is not None:
            self._average.update(self.step)
        self.step += 1
        self._losses.append(loss)
        seconds = time.perf_counter() - started
        self._seconds += seconds
        self._recent_seconds += seconds
        # Read when an entry is made: on an accelerator reading it here would wait for the step.
        self._recent_characters = self._recent_characters + (targets != IGNORE_INDEX).sum()

    def _learning_rate_factor(self) -> float:
        config = self.config
        progress = 0.0 if config.max_seconds is None else self._agreed_seconds / config.max_seconds
        if self._total_steps is not None:
            progress = max(progress, (self.step - config.warmup_steps) / (self._total_steps - config.warmup_steps))
        rise = min(1.0, (self.step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        return rise * learning_rate_factor(config.schedule, progress, config.cooldown_fraction)

    def _is_over(self) -> bool:
        config = self.config
        return (
            (self._total_steps is not None and self.step >= self._total_steps)
            or (config.max_seconds is not None and self._agreed_seconds >= config.max_seconds)
            or (config.patience is not None and self._evaluations_since_best >= config.patience)
        )

    def _is_due(self, *intervals: int) -> bool:
        return any(self.step % interval == 0 for interval in intervals) or self._is_over()

    def _check(self, loss: Tensor) -> None:
        """Stops before the optimizer's step where the loss is not finite.

        On an accelerator AdamW is told not to move from then on, and the next entry finds out: reading the loss at
        each step would make the processor wait. In float16 the gradient scaler sees to that.
        """
        if self.model.device.type in READS_EACH_LOSS or not self._optimizers.can_hold_still:
            if not math.isfinite(loss.item()):
                raise self._non_finite("loss", self.step + 1, loss.item())
        elif not self._gradients.scaler.is_enabled():
            self._optimizers.hold_still((~loss.isfinite()).float())

    def _non_finite(self, what: str, step: int, value: float) -> NonFiniteLossError:
        saved = "there is no checkpoint"
        if self._folder is not None and self._saved_step >= 0:
            saved = f"the last checkpoint is {os.fspath(self._folder.checkpoint_path(self._saved_step))!a}"
        return NonFiniteLossError(
            f"the {what} of step {step} is {value}, with a learning rate of {self._optimizers.learning_rate:.3g}: "
            f"lower it, or set max_gradient_norm; {saved}"
        )

    # ---------------------------------------------------------------------------------------------------- the log

    def _make_entry(self) -> None:
        train_loss = self._recent_loss()
        validation_loss = None
        if self.validation is not None and self._is_due(self.config.evaluation_interval):
            validation_loss = self._validation_loss(self.validation)
        entry = LogEntry(
            step=self.step,
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=self._optimizers.learning_rate,
            characters_per_second=int(self._recent_characters) * distributed.world_size() / self._recent_seconds,
            elapsed_seconds=self._seconds,
            peak_memory_bytes=peak_memory(self.model.device),
        )
        self._losses, self._recent_characters, self._recent_seconds = [], 0, 0.0
        self.log.append(entry)
        if self._folder is not None and distributed.rank() == 0:
            append_entry(self._folder.log_path, entry)
        if self.on_log is not None:
            with self._random.in_force():
                self.on_log(entry)

    def _recent_loss(self) -> float:
        started = time.perf_counter()
        losses = torch.stack(self._losses).cpu().double()
        waited = time.perf_counter() - started
        self._seconds += waited
        self._recent_seconds += waited
        losses = distributed.add_up(losses)
        self._check_recent(losses)
        return losses.mean().item()

    def _check_recent(self, losses: Tensor) -> None:
        """Finds a loss that was not read at its step, and lets AdamW move again."""
        if losses.isfinite().all():
            return
        first = int(losses.isfinite().int().argmin())
        self._losses = []
        self._optimizers.move_again()
        raise self._non_finite("loss", self.step - len(losses) + first + 1, losses[first].item())

    def _validation_loss(self, validation: Dataset) -> float:
        loss = math.nan
        if distributed.rank() == 0:
            with self.averaged_weights():
                loss = evaluate(self.model, validation).nats_per_character
        loss = distributed.from_first(loss)
        if not math.isfinite(loss):
            raise self._non_finite("validation loss", self.step, loss)
        if loss < self._best_loss:
            self._best_loss, self._best_step, self._evaluations_since_best = loss, self.step, 0
        else:
            self._evaluations_since_best += 1
        return loss

    # ---------------------------------------------------------------------------------------------------- the state

    def _save_where_there_is_a_folder(self) -> None:
        if self._folder is not None:
            self.save_checkpoint()

    def save_checkpoint(self) -> Path:
        """Returns the folder of a new checkpoint; in several processes each must call this.

        Raises:
            ValueError: The trainer was made without a folder.
            NonFiniteLossError: A weight is not a number, or a loss since the last entry is not finite.
            OSError: It could not be written; the checkpoints before are as they were.
        """
        if self._folder is None or self.vocabulary is None:
            raise ValueError("this trainer was made without a folder")
        path = self._folder.checkpoint_path(self.step)
        if self._saved_step == self.step:
            return path
        state = self.state_dict()
        tensors: dict[str, Tensor] = state.pop("tensors")
        self._check_recent(tensors["losses"])
        for name, tensor in tensors.items():
            if name.startswith("model.") and tensor.isnan().any():
                raise self._non_finite(f"weight {name.removeprefix('model.')!a}", self.step, math.nan)
        if self._average is None:  # the model file holds them
            tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("model.")}
        if distributed.rank() == 0:
            with self.averaged_weights():
                model = serialized_model(self.model, self.vocabulary)
            sync_log(self._folder.log_path)
            write_checkpoint(
                path,
                model=model,
                tensors=tensors,
                values=state,
                kept=self.config.kept_checkpoints,
                best=self._best_step,
            )
        self._saved_step = self.step
        return path

    def state_dict(self) -> dict[str, Any]:
        """Returns where the run stands, as JSON values, and under ``tensors`` copies of all tensors by name.

        In several processes each must call this.
        """
        batches = self.batches.state_dict()
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self._optimizers.tensors()}
        if self._average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self._average.tensors.items()}
        for name, tensor in self._random.current().items():
            tensors |= {f"random.{rank}.{name}": state for rank, state in enumerate(distributed.gather(tensor))}
        tensors["batches.generator"] = batches.pop("generator")
        losses = torch.stack(self._losses) if self._losses else torch.zeros(0, device=self.model.device)
        tensors["losses"] = distributed.add_up(losses)
        return {
            "version": VERSION,
            "config": dataclasses.asdict(self.config),
            "data": self._data(),
            "step": self.step,
            "seconds": self._seconds,
            "log_entries": len(self.log),
            "recent_characters": int(self._recent_characters) * distributed.world_size(),
            "recent_seconds": self._recent_seconds,
            "best_loss": None if math.isinf(self._best_loss) else self._best_loss,
            "best_step": self._best_step,
            "evaluations_since_best": self._evaluations_since_best,
            "parts": self._gradients.parts,
            "scaler": self._gradients.scaler.state_dict(),
            "batches": batches,
            "tensors": {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the trainer stood that made ``state``; the number of processes may be another.

        Args:
            state: What ``state_dict`` of a trainer of the same model, data and settings returned.

        Raises:
            CheckpointVersionError: The state is of a newer version.
            CheckpointMismatchError: The trainer had other settings, data or another model; lists every difference.
            ValueError: It is no state of a trainer; and so a ``KeyError`` or ``TypeError``.
        """
        check_version(state, VERSION, "a trainer's state", error=ValueError, newer=CheckpointVersionError)
        self._check_settings(state)
        _check_values(state)
        tensors: dict[str, Tensor] = state["tensors"]
        device, world_size = self.model.device, distributed.world_size()
        try:
            self.model.load_state_dict(_under("model.", tensors))
        except RuntimeError as error:  # names and shapes
            raise ValueError(str(error)) from None
        self._optimizers.load_tensors(_under("optimizer.", tensors))
        if self._average is not None:
            self._average.load(_under("average.", tensors))
        self._random.replace(_under(f"random.{distributed.rank()}.", tensors))
        self.batches.load_state_dict(state["batches"] | {"generator": tensors["batches.generator"]})
        self._gradients.parts = max(state["parts"], self.config.accumulation_steps)
        if self._gradients.scaler.is_enabled() and state["scaler"]:
            self._gradients.scaler.load_state_dict(state["scaler"])
        self.step = state["step"]
        self._seconds = self._agreed_seconds = state["seconds"]
        self._losses = [loss / world_size for loss in tensors["losses"].to(device)]
        self._recent_characters = state["recent_characters"] // world_size
        self._recent_seconds = state["recent_seconds"]
        self._best_loss = math.inf if state["best_loss"] is None else state["best_loss"]
        self._best_step, self._evaluations_since_best = state["best_step"], state["evaluations_since_best"]

    def _check_settings(self, state: dict[str, Any]) -> None:
        then = state["config"] | state["data"]
        now = json.loads(json.dumps(dataclasses.asdict(self.config) | self._data()))
        different = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)} - MAY_CHANGE
        changes = {name: f"{name}: {then.get(name)!a} -> {now.get(name)!a}" for name in sorted(different)}
        refused = [change for name, change in changes.items() if name not in CHANGES_ROUNDING]
        if refused:
            raise CheckpointMismatchError(f"the run was begun with other settings (then -> now): {'; '.join(refused)}")
        if changes:
            warnings.warn(f"the run goes on, but not bit for bit: {'; '.join(changes.values())}", stacklevel=3)

    def _data(self) -> dict[str, Any]:
        """Returns what is trained on what, as a flat description."""
        return {
            "model": self.model.family,
            **{f"model.{name}": value for name, value in self.model.settings().items()},
            **{f"batches.{name}": value for name, value in self.batches.identity().items()},
            "validation": self._validation_fingerprint,
            "vocabulary": None if self.vocabulary is None else self.vocabulary.fingerprint,
        }

    # ---------------------------------------------------------------------------------------------------- the folder

    def _write_to(self, folder: RunFolder, entries: int) -> None:
        if self.vocabulary is None:
            raise ValueError("a folder holds model files, and these the vocabulary: give the trainer vocabulary=")
        check_sizes(self.model, self.vocabulary)
        self._folder = folder
        if distributed.rank() == 0:
            folder.path.mkdir(parents=True, exist_ok=True)
            self.log = open_log(folder.log_path, entries)


def _check_together(
    model: LanguageModel,
    batches: BatchSampler,
    validation: Dataset | None,
    config: TrainerConfig,
) -> None:
    if model.device != batches.device:
        raise ValueError(
            f"the model is on {model.device} and the batches on {batches.device}: "
            "move the model with model.to(batches.device)"
        )
    batches.dataset.check_ids(model.vocab_size)
    if config.patience is not None and validation is None:
        raise ValueError("patience counts evaluations, and there are none without validation=")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Says of what is no state of a run in which checkpoint it is."""
    try:
        yield
    except (CheckpointMismatchError, CheckpointVersionError):
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} holds no state of a run: {error!r}") from error


def _check_values(state: dict[str, Any]) -> None:
    """Checks what training would count on with."""
    counts = {name: state[name] for name in COUNTS} | {"batches": state["batches"]["batches"]}
    for name, count in counts.items():
        if integer(name, count) not in range(LARGEST_COUNT):
            raise ValueError(f"{name} is {count}")
    for name in ("seconds", "recent_seconds"):
        if finite_number(name, state[name]) < 0:
            raise ValueError(f"{name} is {state[name]}")
    if state["best_loss"] is not None:
        finite_number("best_loss", state["best_loss"])
    losses = state["tensors"]["losses"]
    if losses.ndim != 1 or losses.dtype != torch.float32:
        raise ValueError(f"losses is a tensor of type {losses.dtype} and shape {tuple(losses.shape)}")


def _total_steps(config: TrainerConfig, batches: BatchSampler) -> int | None:
    limits = [] if config.max_steps is None else [config.max_steps]
    if config.max_epochs is not None:
        limits.append(-(-config.max_epochs * len(batches.dataset) // batches.batch_size))  # rounded up
    if not limits and config.max_seconds is None:
        limits.append(STEPS_WITHOUT_A_LIMIT)
    total = min(limits, default=None)
    if total is not None and config.warmup_steps >= total:
        raise ValueError(f"warmup_steps {config.warmup_steps} must be below the {total} steps of the run")
    return total


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
