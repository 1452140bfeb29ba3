"""The gradient loop: steps, a log, evaluations, checkpoints, and exact resumption."""

from __future__ import annotations

import dataclasses
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

from charlm.files.run_folder import RunFolder
from charlm.models.modes import evaluation_mode, training_mode
from charlm.runtime import distributed
from charlm.training import model_state
from charlm.training import state as states
from charlm.training.batches import batches_of, device_of
from charlm.training.best_weights import BestWeights
from charlm.training.checkpoint import naming_the_checkpoint, newest_checkpoint
from charlm.training.config import TrainerConfig
from charlm.training.counters import Counters
from charlm.training.finite_losses import FiniteLosses
from charlm.training.gradients import Gradients
from charlm.training.observers import watcher_of
from charlm.training.optimizers import Optimizers
from charlm.training.random_states import RandomStates
from charlm.training.run_status import RunStatus
from charlm.training.run_writer import RunWriter
from charlm.training.signals import StopSignals, stop_for
from charlm.training.validation import Validation
from charlm.training.weight_average import WeightAverage

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor

    from charlm.data.batch_sampler import BatchSampler
    from charlm.data.dataset import ValidationDataset
    from charlm.evaluation.scoring import Evaluation
    from charlm.models.base import LanguageModel
    from charlm.training.batches import Batches
    from charlm.training.log import LogEntry
    from charlm.training.observers import Progress, StepCounter
    from chartok import Vocabulary


class Trainer(RunStatus):
    """Trains a model on batches by gradient descent.

    A run that is stopped at any point resumes from its last checkpoint as if it had never stopped: on the CPU every
    later loss and weight is bit-for-bit identical. Under ``torchrun`` each process creates its own trainer, and
    together they train one model on the same global batches.

    Args:
        model: The model, trained in place.
        batches: A ``BatchSampler`` on the device of the model; or any iterable of ``(inputs, targets)``, each integers
            ``(B, T)``, such as a ``DataLoader`` or a list, from which a run does not resume exactly.
        validation: Data on which to evaluate at intervals, scoring every character; None for no evaluation.
        config: The settings.
        folder: The folder of the run, for log and checkpoints; None saves nothing.
        vocabulary: The model's vocabulary, for the model files in checkpoints, and for ``unk`` in the validation data;
            needed with ``folder``.
        on_log: Called with each new entry, after the checkpoint of its step.

    Attributes:
        log: All entries, oldest first.

    Raises:
        ValueError: The model is in float16 or not on the device of the batches, the device lacks the precision,
            ``folder`` lacks a vocabulary, ``patience`` lacks validation data, or the optimizer does not suit the model.
        TokenIdError: The data has an id that the model does not have.
        FileExistsError: The folder already contains a run, or is a file.
        OSError: The folder cannot be written to.

    Example:
        >>> from charlm import BatchSampler, BigramLanguageModel, TextDataset
        >>> batches = BatchSampler(TextDataset([0, 1, 2] * 50, block_size=8), batch_size=4, seed=0)
        >>> config = TrainerConfig(max_steps=200, learning_rate=0.05)
        >>> trainer = Trainer(BigramLanguageModel(3), batches, config=config)
        >>> trainer.fit().log[-1].train_loss < 0.1
        True
    """

    def __init__(
        self,
        model: LanguageModel,
        batches: BatchSampler | Iterable[tuple[Tensor, Tensor]],
        *,
        validation: ValidationDataset | None = None,
        config: TrainerConfig | None = None,
        folder: str | os.PathLike[str] | None = None,
        vocabulary: Vocabulary | None = None,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> None:
        config = TrainerConfig() if config is None else config
        self.batches: Batches = batches_of(batches, model)
        states.check_together(model, self.batches, validation, config)
        self.model = model
        self.validation = validation
        self.config = config
        self.vocabulary = vocabulary
        self.on_log = on_log
        self.log: list[LogEntry] = []
        self._schedule = self.batches.schedule(config)
        self._has_ended = False
        self._gradients = Gradients(model, config, has_ignored_targets=self.batches.has_ignored_targets)
        self._optimizers = Optimizers(model, config)
        self._average = WeightAverage(model, config.ema_decay)
        self._best = BestWeights(model)
        self._random = RandomStates(config.seed, model.device)
        self._counters = Counters(model.device, min_delta=config.min_delta)
        self._agree = distributed.Agreement(2)
        self._finite = FiniteLosses(self._counters, self._optimizers, self._gradients.scaler, model.device)
        self._validation = Validation(validation, config, model, self._average, self._counters, self._best, vocabulary)
        self._writer: RunWriter | None = None
        if folder is not None:
            self._write_to(folder)

    @classmethod
    def resume(
        cls,
        folder: str | os.PathLike[str],
        batches: BatchSampler | Iterable[tuple[Tensor, Tensor]],
        *,
        model: LanguageModel | None = None,
        validation: ValidationDataset | None = None,
        config: TrainerConfig | None = None,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> Self:
        """Returns a trainer that resumes from the newest valid checkpoint of a run.

        A warning names each damaged checkpoint that is skipped.

        Args:
            folder: The folder of the run.
            batches: The same data, seed, order and batch size, from the start; only a sampler resumes exactly.
            model: A model of the same family and settings, which receives the weights; needed for a family that
                ``load_model`` does not know.
            validation: The same as before.
            config: By default that of the run. Limits, intervals, ``patience`` and ``min_delta`` may differ; settings
                of the machine, such as ``precision``, too, but then it warns that the run is not the same bit for bit.
            on_log: Called with each new entry.

        Raises:
            FileNotFoundError: There is no checkpoint.
            CheckpointCorruptError: None is valid, or the newest has no valid state of a run.
            CheckpointVersionError: The newest was written by a newer version.
            CheckpointMismatchError: The run had different settings, data or model; lists every difference.
            ValueError: As for the class.
        """
        checkpoint = newest_checkpoint(folder)
        with naming_the_checkpoint(checkpoint.path):
            if config is None:
                config = TrainerConfig(**checkpoint.values["config"])
                states.check_settings(config)
            model = model_state.restored_model(checkpoint, device_of(batches)) if model is None else model
        vocabulary = checkpoint.model.vocabulary
        trainer = cls(model, batches, validation=validation, config=config, vocabulary=vocabulary, on_log=on_log)
        with naming_the_checkpoint(checkpoint.path):
            trainer.load_state_dict(checkpoint.state())
            checkpoint.check_step(trainer.step)
        trainer._write_to(folder, entries=checkpoint.values["log_entries"], saved_step=trainer.step)
        trainer._finite.last_checkpoint = checkpoint.path
        return trainer

    def _write_to(self, folder: str | os.PathLike[str], *, entries: int = 0, saved_step: int = -1) -> None:
        run, kept = RunFolder.of(folder), self.config.kept_checkpoints
        self._writer = RunWriter(run, self.model, self.vocabulary, kept=kept, saved_step=saved_step)
        self.log = self._writer.open_log(entries)

    def fit(self, *, progress: bool | Callable[[int], None] | None = None) -> Self:
        """Returns this trainer after training to the end of the run.

        An entry is logged every ``log_interval`` steps, at each evaluation, and at the end. ``model`` is left with the
        last weights, from which training can go on. The model file of the run, like ``best_model``, has the best.

        On SIGINT, SIGTERM and SIGHUP the current step finishes and a checkpoint is written first; a second SIGINT stops
        at once. After any exception the model is as the last complete step left it, and ``fit`` continues from there.
        Only the steps are in training mode: ``on_log`` finds the model, and ``fit`` leaves it, in evaluation mode.

        Args:
            progress: Whether to show a progress bar on standard error, or where that is a file a line for each entry.
                None shows it on a terminal and in a notebook. A function is called after each step with the number of
                steps done, and must not draw random numbers from global generators.

        Raises:
            TypeError: ``progress`` is none of these.
            NonFiniteLossError: A loss is infinite or NaN; the weights are those before its step.
            MemoryError: There is not enough memory for a batch.
            KeyboardInterrupt: SIGINT was received.
            SystemExit: SIGTERM or SIGHUP was received; the exit code is 143 or 129.
            OSError: An entry or a checkpoint could not be written; earlier checkpoints are unchanged.
        """
        watcher = watcher_of(progress=progress, max_steps=self.total_steps, first_step=self.step, on_log=self.on_log)
        with nullcontext() if self._writer is None else self._writer.locked(), watcher, self._average.suspended():
            self._train(watcher)
        return self

    def _train(self, watcher: Progress | StepCounter) -> None:
        counters, config = self._counters, self.config
        with StopSignals() as signals, self._random.in_force(), training_mode(self.model):
            signal = 0.0
            while not (signal or self._is_over()):
                self._train_step()
                signal, counters.agreed_seconds = self._agree(signals.received, counters.seconds)
                is_logged = self._is_due(config.log_interval, config.steps_between_evaluations)
                if is_logged:
                    self._make_entry()
                is_best = counters.best_step == self.step
                if self._writer is not None and (self._is_due(config.checkpoint_interval) or signal or is_best):
                    self.save_checkpoint()
                watcher.advance_to(self.step)  # last, since it may fail: its terminal may be closed
                if is_logged:
                    watcher(self.log[-1])
                if is_logged and self.on_log is not None:
                    with self._random.suspended(), evaluation_mode(self.model):
                        self.on_log(self.log[-1])
            self._agree.settle()
            if signal:
                stop_for(int(signal))
        if self._writer is not None:
            self._writer.keep_model(counters.best_step)

    def evaluate(self) -> Evaluation:
        """Returns the exact loss on the validation data, with the averaged weights if there are any.

        Raises:
            ValueError: The trainer has no validation data.
        """
        return self._validation.evaluate()

    def best_model(self) -> LanguageModel:
        """Returns a copy of the model with the weights of the lowest validation loss, in evaluation mode.

        These are what evaluation takes, so averaged ones with ``ema_decay``. If nothing was evaluated, they are the
        current ones. They are read from the best checkpoint; without a folder, the trainer keeps them in main memory.

        Raises:
            OSError: The best checkpoint cannot be read.
            CheckpointCorruptError: It is damaged.
            ValueError: The best evaluation was that of a trainer with a folder, whose state this one has loaded.
        """
        best_step = self._counters.best_step
        path = None if self._writer is None else self._writer.folder.checkpoint_path(best_step)
        with self.averaged_weights():
            return self._best.model(best_step, path)

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Uses the averaged weights in the model for a ``with`` block; without ``ema_decay`` does nothing.

        The state of the run, which checkpoints hold, stays as it is, and ``fit`` trains the model's own weights.
        """
        return self._average.in_force()

    def _train_step(self) -> None:
        started = time.perf_counter()
        batch = next(self.batches)
        self._optimizers.zero_gradients()
        loss = self._gradients(batch)
        self._finite.check(loss)
        factor = self._schedule.factor(step=self.step, seconds=self._counters.agreed_seconds)
        self._optimizers.step(self._gradients.scaler, factor=factor, max_gradient_norm=self.config.max_gradient_norm)
        self._average.update(self.step)
        self._counters.count_step(loss, batch.targets)
        self._has_ended = not self._is_over() and self.batches.has_ended()
        self._counters.count_seconds(time.perf_counter() - started)

    def _is_over(self) -> bool:
        counters = self._counters
        progress = counters.step, counters.agreed_seconds, counters.evaluations_since_improvement
        return self._has_ended or self._schedule.is_over(*progress)

    def _is_due(self, *intervals: int) -> bool:
        return any(self.step % interval == 0 for interval in intervals) or self._is_over()

    def _make_entry(self) -> None:
        evaluates = self._validation.dataset is not None and self._is_due(self.config.steps_between_evaluations)
        is_saved = self._writer is not None and distributed.rank() == 0
        train_loss = self._finite.recent_loss()
        loss = self._validation.counted_loss(self._finite, is_saved=is_saved) if evaluates else None
        sample = self._validation.sample() if evaluates else None
        rates = {"learning_rate": self._optimizers.learning_rate, "gradient_norm": self._optimizers.gradient_norm()}
        entry = self._counters.entry(train_loss=train_loss, validation_loss=loss, sample=sample, **rates)
        self.log.append(entry)
        if self._writer is not None:
            self._writer.append(entry)

    def save_checkpoint(self) -> Path:
        """Returns the folder of a new checkpoint; with several processes, each must call this.

        Raises:
            ValueError: The trainer has no folder.
            NonFiniteLossError: A weight is NaN, or a loss since the last entry is not finite.
            OSError: It could not be written; earlier checkpoints are unchanged.
        """
        if self._writer is None:
            raise ValueError("this trainer has no folder to save to: give folder=")
        if self._writer.saved_step != self.step:
            state = self.state_dict()
            self._finite.check_recent(state["tensors"]["losses"])
            self._finite.check_weights(states.part(state, "model"))
            if self.config.ema_decay is None:  # the model file contains them
                state = states.without(state, "model")
            with self.averaged_weights():
                best_step = self._counters.best_step
                self._finite.last_checkpoint = self._writer.save(state, step=self.step, best_step=best_step)
        return self._writer.folder.checkpoint_path(self.step)

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of the run, as JSON values, and under ``tensors`` copies of all tensors by name.

        With several processes, each must call this.
        """
        about = {"config": dataclasses.asdict(self.config), "data": self._identity(), "log_entries": len(self.log)}
        with self._average.suspended():
            return about | states.composed(self._parts())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes from the state of a trainer; the number of processes may differ.

        Args:
            state: What ``state_dict`` of a trainer with the same model, data and settings returned.

        Raises:
            CheckpointVersionError: The state is of a newer version.
            CheckpointMismatchError: The trainer had different settings, data or model; lists every difference.
            ValueError: It is not the state of a trainer (also ``KeyError`` or ``TypeError``).
        """
        states.check(state, dataclasses.asdict(self.config) | self._identity())
        with self._average.suspended():
            states.load(self._parts(), state)

    def _parts(self) -> list[tuple[str, states.Stateful]]:
        return [
            ("model", model_state.Weights(self.model)),
            ("buffers", model_state.UnsavedBuffers(self.model)),
            ("optimizer", self._optimizers),
            ("average", self._average),
            ("best", self._best),
            ("random", states.OfEachProcess(self._random)),
            ("batches", self.batches),
            ("", self._gradients),
            ("", self._counters),
        ]

    def _identity(self) -> dict[str, Any]:
        data = states.identity(self.batches, self._validation.fingerprint, self.vocabulary)
        return model_state.described(self.model) | data
