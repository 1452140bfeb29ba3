import dataclasses
import json
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import charlm.files.model_file
import charlm.training.finite_losses
import charlm.training.trainer
import chartok.files.envelope
from charlm import (
    BatchSampler,
    BigramLanguageModel,
    CheckpointCorruptError,
    CheckpointMismatchError,
    CheckpointVersionError,
    LanguageModel,
    LogEntry,
    NonFiniteLossError,
    RecordDataset,
    TextDataset,
    Trainer,
    TrainerConfig,
    evaluate,
    load_model,
    read_log,
    save_model,
)
from charlm.files.run_folder import RunFolder
from charlm.training.batches import batches_of
from charlm.training.checkpoint import Checkpoint, newest_checkpoint
from chartok import TokenIdError, Vocabulary
from chartok.files.opening import open_file
from strategies import costly
from torture import TORTURE
from two_layers import TwoLayers

IDS = [0, 1, 2, 1] * 100
VOCABULARY = Vocabulary("abc")
RATE = 0.05
"""At which tables of logits learn in a few steps."""


def fresh_batches(device: str | torch.device = "cpu") -> BatchSampler:
    train, _ = TextDataset(IDS, block_size=8).split(0.8)
    return BatchSampler(train, batch_size=4, seed=0, device=device)


def make_trainer(device: str | torch.device = "cpu", folder: str | Path | None = None, **settings: Any) -> Trainer:
    _, validation = TextDataset(IDS, block_size=8).split(0.8)
    return Trainer(
        BigramLanguageModel(3).to(device),
        fresh_batches(device),
        validation=validation,
        config=TrainerConfig(**{"learning_rate": RATE} | settings),
        folder=folder,
        vocabulary=VOCABULARY,
    )


def test_training_reaches_the_counted_optimum(device: torch.device) -> None:
    trainer = make_trainer(device, max_steps=400).fit()
    # After 0 and after 2 comes 1; after 1 come 0 and 2 in turn: half the time one bit.
    assert trainer.evaluate().bits_per_character == pytest.approx(0.5, abs=0.02)


def test_a_step_is_the_one_that_adam_takes_on_the_same_batch() -> None:
    trainer = make_trainer(max_steps=4, learning_rate=0.1, log_interval=1)
    trainer.fit()
    train, _ = TextDataset(IDS, block_size=8).split(0.8)
    batches, model = BatchSampler(train, batch_size=4, seed=0), BigramLanguageModel(3)
    optimizer = torch.optim.Adam(model.parameters())
    losses = []
    for rate in (0.1, 0.075, 0.05, 0.025):
        optimizer.param_groups[0]["lr"] = rate
        _, loss = model(*next(batches))
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    torch.testing.assert_close(trainer.model.state_dict()["table"], model.table.detach())
    assert [entry.train_loss for entry in trainer.log] == pytest.approx(losses)
    assert [entry.learning_rate for entry in trainer.log] == pytest.approx([0.1, 0.075, 0.05, 0.025])


def test_entries_come_when_due_and_the_last_step_always_makes_one() -> None:
    seen: list[LogEntry] = []
    trainer = make_trainer(max_steps=25, log_interval=10, evaluation_interval=7)
    trainer.on_log = seen.append
    assert trainer.fit() is trainer
    assert [entry.step for entry in seen] == [7, 10, 14, 20, 21, 25]
    assert [entry.step for entry in seen if entry.validation_loss is not None] == [7, 14, 21, 25]
    assert seen == trainer.log
    assert seen[-1].validation_loss == evaluate(trainer.model, trainer.validation).nats_per_character  # type: ignore[arg-type]  # given above
    assert all(entry.characters_per_second > 0 for entry in seen)
    assert all(a.elapsed_seconds < b.elapsed_seconds for a, b in pairwise(seen))


def test_an_interrupted_fit_goes_on_where_it_stopped() -> None:
    def interrupt(entry: LogEntry) -> None:
        if entry.step == 20:
            raise KeyboardInterrupt

    interrupted = make_trainer(max_steps=50, log_interval=10)
    interrupted.on_log = interrupt
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit()
    interrupted.fit()
    whole = make_trainer(max_steps=50, log_interval=10).fit()
    assert torch.equal(interrupted.model.state_dict()["table"], whole.model.state_dict()["table"])
    assert len(interrupted.fit().log) == 5


def test_an_entry_that_cannot_be_shown_costs_no_checkpoint(tmp_path: Path) -> None:
    def fail(_: LogEntry) -> None:
        raise BrokenPipeError

    trainer = make_trainer(folder=tmp_path, max_steps=9, log_interval=3, checkpoint_interval=3)
    trainer.on_log = fail
    with pytest.raises(BrokenPipeError):
        trainer.fit()
    assert newest_checkpoint(tmp_path).values["step"] == 3


def test_validation_is_optional() -> None:
    trainer = Trainer(BigramLanguageModel(3), fresh_batches(), config=TrainerConfig(max_steps=2))
    assert trainer.fit().log[-1].validation_loss is None
    with pytest.raises(ValueError, match="has no validation data"):
        trainer.evaluate()


def test_without_a_folder_there_is_no_best_checkpoint() -> None:
    trainer = make_trainer(max_steps=2, evaluation_interval=1)
    trainer.fit()
    assert trainer.best_checkpoint is None


def test_model_and_batches_must_be_on_one_device() -> None:
    batches = BatchSampler(TextDataset(IDS, block_size=8), batch_size=4)
    with pytest.raises(ValueError, match="the model is on meta, but the batches are on cpu"):
        Trainer(BigramLanguageModel(3).to("meta"), batches)


def test_data_of_another_vocabulary_are_refused_before_training() -> None:
    batches = BatchSampler(TextDataset(IDS, block_size=8), batch_size=4)
    with pytest.raises(TokenIdError, match=r"ids\[2\] is 2"):
        Trainer(BigramLanguageModel(2), batches)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"max_steps": 0}, ValueError),
        ({"max_steps": -1}, ValueError),
        ({"max_steps": 1.5}, TypeError),
        ({"max_epochs": 0}, ValueError),
        ({"max_seconds": 0.0}, ValueError),
        ({"max_seconds": math.inf}, ValueError),
        ({"log_interval": 0}, ValueError),
        ({"evaluation_interval": True}, TypeError),
        ({"checkpoint_interval": 0}, ValueError),
        ({"kept_checkpoints": 1}, ValueError),
        ({"learning_rate": 0.0}, ValueError),
        ({"learning_rate": -1.0}, ValueError),
        ({"learning_rate": math.nan}, ValueError),
        ({"learning_rate": "fast"}, TypeError),
        ({"muon_learning_rate": -1.0}, ValueError),
        ({"beta1": 1.0}, ValueError),
        ({"beta2": 0}, ValueError),
        ({"weight_decay": -0.1}, ValueError),
        ({"weight_decay": math.nan}, ValueError),
        ({"table_decay": -1.0}, ValueError),
        ({"schedule": "steep"}, ValueError),
        ({"optimizer": "sgd"}, ValueError),
        ({"precision": "float64"}, ValueError),
        ({"warmup_steps": -1}, ValueError),
        ({"warmup_steps": 100, "max_steps": 100}, ValueError),
        ({"cooldown_fraction": 0.0}, ValueError),
        ({"max_gradient_norm": 0.0}, ValueError),
        ({"accumulation_steps": 0}, ValueError),
        ({"ema_decay": 1.0}, ValueError),
        ({"patience": 0}, ValueError),
        ({"min_delta": -0.1}, ValueError),
        ({"min_delta": math.nan}, ValueError),
        ({"min_delta": None}, TypeError),
        ({"evaluation_interval": 0}, ValueError),
        ({"evaluation_characters": 0}, ValueError),
        ({"evaluation_characters": 1.5}, TypeError),
        ({"min_learning_rate_fraction": -0.1}, ValueError),
        ({"min_learning_rate_fraction": 1.1}, ValueError),
        ({"min_learning_rate_fraction": "low"}, TypeError),
        ({"min_learning_rate_fraction": 0.1, "schedule": "constant"}, ValueError),
        ({"seed": "0"}, TypeError),
        ({"seed": 1 << 63}, ValueError),
        ({"learning_rate": None}, TypeError),
        ({"beta1": None}, TypeError),
        ({"log_interval": None}, TypeError),
        ({"compile": "no"}, TypeError),
        ({"halve_on_out_of_memory": 1}, TypeError),
        ({"warmup_steps": False}, TypeError),
    ],
)
def test_settings_are_checked_when_they_are_made(values: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(values))):
        TrainerConfig(**values)


def test_settings_in_numpys_numbers_are_those_in_pythons() -> None:
    settings: Any = {"max_steps": np.int64(4), "learning_rate": np.float32(0.5), "seed": np.uint8(3)}
    config = TrainerConfig(checkpoint_interval=np.int16(2), max_gradient_norm=torch.tensor(1.0), **settings)  # type: ignore[arg-type]  # the promise under test
    assert config == TrainerConfig(max_steps=4, learning_rate=0.5, seed=3, checkpoint_interval=2, max_gradient_norm=1)
    assert {type(value) for value in dataclasses.astuple(config)} <= {int, float, str, bool, type(None)}


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({}, 3000),
        ({"max_steps": 7}, 7),
        ({"max_epochs": 2}, 20),  # 319 targets in batches of 4 x 8, twice
        ({"max_epochs": 20, "max_steps": 100}, 100),
        ({"max_epochs": 1, "max_steps": 1000}, 10),
        ({"max_seconds": 1.0}, None),
        ({"max_seconds": 1.0, "max_steps": 5}, 5),
    ],
)
def test_the_run_ends_at_the_first_limit(values: Any, steps: int | None) -> None:
    assert make_trainer(**values).total_steps == steps


def test_more_epochs_than_a_float_can_hold_are_counted() -> None:
    assert make_trainer(max_epochs=10**400).total_steps == 10 * 10**400


def test_a_warm_up_longer_than_the_epochs_is_refused() -> None:
    with pytest.raises(ValueError, match="warmup_steps 100 must be below the 10 steps of the run"):
        make_trainer(max_epochs=1, warmup_steps=100)


def test_the_learning_rate_rises_and_then_falls() -> None:
    trainer = make_trainer(max_steps=8, warmup_steps=4, learning_rate=0.1, log_interval=1).fit()
    rates = [entry.learning_rate for entry in trainer.log]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.075, 0.05, 0.025])


def test_time_limits_a_run_and_lowers_the_learning_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1_000_000))
    monkeypatch.setattr(charlm.training.trainer.time, "perf_counter", lambda: next(now))  # type: ignore[attr-defined]  # a module
    trainer = make_trainer(max_seconds=10.0, learning_rate=0.1, log_interval=2, evaluation_interval=100).fit()
    assert [entry.step for entry in trainer.log] == [2, 4, 6, 7]  # a second each, and one to read two losses
    assert [entry.elapsed_seconds for entry in trainer.log] == [3, 6, 9, 11]
    assert [entry.learning_rate for entry in trainer.log] == pytest.approx([0.09, 0.06, 0.03, 0.02])


def test_early_stopping_ends_a_run_that_gets_no_better_and_the_best_is_kept(tmp_path: Path) -> None:
    train, _ = TextDataset([0, 1] * 100, block_size=8).split(0.8)
    unlike = TextDataset([0, 0, 1, 1, 2, 2] * 10, block_size=8)
    trainer = Trainer(
        BigramLanguageModel(3),
        BatchSampler(train, batch_size=4),
        validation=unlike,
        config=TrainerConfig(max_steps=100, learning_rate=RATE, evaluation_interval=2, patience=3),
        folder=tmp_path / "run",
        vocabulary=Vocabulary("abc"),
    ).fit()
    losses = {entry.step: entry.validation_loss for entry in trainer.log if entry.validation_loss is not None}
    best = min(losses, key=losses.__getitem__)
    assert trainer.step == best + 3 * 2
    assert trainer.best_checkpoint == tmp_path / "run" / "checkpoints" / f"step-{best:010d}"
    assert evaluate(load_model(trainer.best_checkpoint)[0], unlike).nats_per_character == losses[best]
    assert evaluate(load_model(tmp_path / "run")[0], unlike).nats_per_character == losses[best]
    assert trainer.fit().step == best + 3 * 2


def test_a_run_without_evaluations_leaves_its_last_weights(tmp_path: Path) -> None:
    config = TrainerConfig(max_steps=5, learning_rate=RATE, checkpoint_interval=2)
    trainer = Trainer(BigramLanguageModel(3), fresh_batches(), config=config, folder=tmp_path, vocabulary=VOCABULARY)
    assert torch.equal(load_model(trainer.fit().folder)[0].table, trainer.model.table)  # type: ignore[arg-type]  # it has one


@pytest.mark.parametrize("name", ["patience", "evaluation_characters"])
def test_settings_of_evaluations_without_validation_data_are_refused(name: str) -> None:
    settings: dict[str, Any] = {name: 1}
    with pytest.raises(ValueError, match=f"^{name} needs validation data: give validation=$"):
        Trainer(BigramLanguageModel(3), fresh_batches(), config=TrainerConfig(**settings))


def test_a_least_improvement_without_patience_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^min_delta says .* for patience: set patience as well$"):
        make_trainer(min_delta=0.1)


def test_a_run_that_improves_too_little_ends_and_its_best_weights_are_kept_though_they_are_better_by_less() -> None:
    trainer = make_trainer(max_steps=400, evaluation_interval=5, patience=3, min_delta=0.02).fit()
    losses = [entry.validation_loss for entry in trainer.log if entry.validation_loss is not None]
    assert trainer.step < 400
    assert losses[-4] - 0.02 <= min(losses[-3:])
    assert losses[-1] < losses[-4]
    best = evaluate(trainer.best_model(), trainer.validation)  # type: ignore[arg-type]  # given above
    assert best.nats_per_character == min(losses)


def test_evaluations_during_a_run_take_the_beginning_and_the_one_that_is_asked_for_takes_everything() -> None:
    trainer = make_trainer(max_steps=2, evaluation_interval=2, evaluation_characters=7).fit()
    assert trainer.evaluate().characters == 79
    beginning = evaluate(trainer.model, TextDataset(trainer.validation.ids[:8], block_size=7))  # type: ignore[union-attr]  # a text
    assert beginning.characters == 7
    assert trainer.log[-1].validation_loss == pytest.approx(beginning.nats_per_character)
    assert trainer.log[-1].validation_loss != pytest.approx(trainer.evaluate().nats_per_character)


@pytest.mark.parametrize("most", [None, 0.25, 1e9])
def test_the_log_has_the_norm_of_the_gradient_before_it_was_clipped(most: float | None) -> None:
    trainer = make_trainer(max_steps=3, log_interval=1, max_gradient_norm=most)
    batches = fresh_batches()
    for entry in trainer.fit().log[:1]:
        model = BigramLanguageModel(3)
        _, loss = model(*next(batches))
        assert loss is not None
        (gradient,) = torch.autograd.grad(loss, [model.table])
        assert entry.gradient_norm == pytest.approx(gradient.norm().item(), rel=1e-6)
    assert all(entry.gradient_norm for entry in trainer.log)


def test_a_gradient_that_overflows_has_no_norm_in_the_log(tmp_path: Path) -> None:
    trainer = make_trainer(max_steps=1, folder=tmp_path)
    trainer.model.register_parameter("far", nn.Parameter(torch.zeros(1)))
    trainer.model.far.grad = torch.full((1,), math.inf)
    trainer._optimizers.zero_gradients = lambda: None  # type: ignore[method-assign]  # keeps that gradient
    assert [entry.gradient_norm for entry in trainer.fit().log] == [None]
    assert read_log(tmp_path) == trainer.log


def test_the_learning_rate_falls_to_its_minimum() -> None:
    settings: Any = {"max_steps": 4, "learning_rate": 0.1, "log_interval": 1}
    for schedule in ("linear", "cosine", "trapezoid"):
        trainer = make_trainer(**settings, schedule=schedule, min_learning_rate_fraction=0.2)
        plain = make_trainer(**settings, schedule=schedule)
        rates, usual = ([entry.learning_rate for entry in made.fit().log] for made in (trainer, plain))
        assert rates == pytest.approx([0.02 + 0.8 * rate for rate in usual])


def test_the_speed_counts_what_is_trained_on_and_no_padding() -> None:
    dataset = RecordDataset(["a", "abcdefghijk"])
    batches = BatchSampler(dataset, batch_size=2, order="sequential")
    trainer = Trainer(BigramLanguageModel(dataset.vocabulary.size), batches, config=TrainerConfig(max_steps=3)).fit()
    (entry,) = trainer.log
    assert entry.characters_per_second * entry.elapsed_seconds == pytest.approx(3 * (2 + 12))


def test_the_gradient_is_cut_to_the_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    trainer = make_trainer(max_steps=1, max_gradient_norm=0.01)
    step = trainer._optimizers._adamw.step

    def look_and_step() -> None:
        seen.append(
            float(torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]).norm())
        )
        step()

    monkeypatch.setattr(trainer._optimizers._adamw, "step", look_and_step)
    trainer.fit()
    assert seen == [pytest.approx(0.01, rel=1e-3)]


def test_evaluation_and_model_files_take_the_averaged_weights(tmp_path: Path) -> None:
    trainer = make_trainer(max_steps=20, ema_decay=0.9, evaluation_interval=20, folder=tmp_path).fit()
    own = trainer.model.state_dict()["table"].clone()
    with trainer.averaged_weights():
        averaged = trainer.model.state_dict()["table"].clone()
        loss = evaluate(trainer.model, trainer.validation).nats_per_character  # type: ignore[arg-type]  # given
    assert torch.equal(trainer.model.state_dict()["table"], own)
    assert not torch.equal(own, averaged)
    assert trainer.log[-1].validation_loss == loss == trainer.evaluate().nats_per_character
    assert torch.equal(load_model(tmp_path)[0].state_dict()["table"], averaged)


def test_in_a_block_with_averaged_weights_a_trainer_does_what_it_does_outside() -> None:
    inside, outside = (make_trainer(max_steps=9, ema_decay=0.9) for _ in range(2))
    with inside.averaged_weights():
        inside.fit()
        evaluation = inside.evaluate()
        state = inside.state_dict()
        inside.load_state_dict(state)
    outside.fit()
    assert evaluation == outside.evaluate()
    assert all(torch.equal(tensor, outside.state_dict()["tensors"][name]) for name, tensor in state["tensors"].items())
    assert_same(inside, outside)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_learns_too(precision: str) -> None:
    assert make_trainer(max_steps=200, precision=precision).fit().evaluate().bits_per_character < 0.7


def test_compile_trains_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []

    def note(model: LanguageModel) -> LanguageModel:
        compiled.append(model)
        return model

    monkeypatch.setattr(torch, "compile", note)
    trainer = make_trainer(max_steps=10, compile=True).fit()
    assert compiled == [trainer.model]
    plain = make_trainer(max_steps=10).fit()
    assert torch.equal(trainer.model.state_dict()["table"], plain.model.state_dict()["table"])


# ------------------------------------------------------------------------------------------- stop, and go on exactly

SETTINGS: list[dict[str, Any]] = [
    {},
    {"optimizer": "muon", "weight_decay": 0.1, "schedule": "cosine", "warmup_steps": 3},
    {"ema_decay": 0.9, "max_gradient_norm": 0.5, "accumulation_steps": 3, "schedule": "trapezoid"},
    {"precision": "bfloat16", "schedule": "constant"},
    {"precision": "float16"},
]


class StopAfter:
    """Signals that come after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def received(self) -> int:
        self.steps -= 1
        return signal.SIGTERM if self.steps == 0 else 0


@contextmanager
def stopping_after(steps: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charlm.training.trainer, "StopSignals", lambda: StopAfter(steps))
        yield


def data(kind: str) -> tuple[BatchSampler, TextDataset | RecordDataset]:
    validation: TextDataset | RecordDataset
    if kind == "records":
        vocabulary = Vocabulary("a", special_tokens=["bos", "eos"])
        lengths = [1, 5, 2, 3, 1, 4, 2, 6]
        records, validation = RecordDataset(["a" * length for length in lengths], vocabulary).split(0.8, seed=0)
        return BatchSampler(records, batch_size=6, seed=3), validation
    train, validation = TextDataset(IDS, block_size=8).split(0.8)
    return BatchSampler(train, batch_size=6, seed=3, order="random" if kind == "random" else "shuffled"), validation


def modes(model: LanguageModel) -> set[bool]:
    return {module.training for module in model.modules()}


def test_the_model_is_in_training_mode_in_the_steps_alone(tmp_path: Path) -> None:
    class Watched(TwoLayers):
        """Remembers whether dropout was on."""

        def logits(self, inputs: Tensor) -> Tensor:
            seen.append(modes(self))
            return super().logits(inputs)

    seen: list[set[bool]] = []
    batches, validation = data("random")
    model = Watched(3, dropout=0.5).eval()
    config = TrainerConfig(max_steps=4, log_interval=1)
    trainer = Trainer(model, batches, validation=validation, config=config, folder=tmp_path, vocabulary=VOCABULARY)
    in_hooks = []

    def hook(entry: LogEntry) -> None:
        in_hooks.append(modes(model))
        model.train(mode=entry.step % 2 == 0)  # what a hook leaves behind does not matter
        if entry.step == 3:
            raise RuntimeError

    trainer.on_log = hook
    with pytest.raises(RuntimeError):
        trainer.fit()
    assert modes(model) == {False}
    trainer.fit()
    assert modes(model) == {False}
    assert in_hooks == [{False}] * 4
    assert seen[:3] == [{True}] * 3


def test_weights_in_float16_are_not_trained() -> None:
    batches, _ = data("random")
    with pytest.raises(
        ValueError, match=r"weights of the model are float16, .* model\.float\(\), and precision='float16'"
    ):
        Trainer(BigramLanguageModel(3).half(), batches)
    config = TrainerConfig(max_steps=20, learning_rate=RATE)
    for dtype in (torch.bfloat16, torch.float64):
        trainer = Trainer(BigramLanguageModel(3).to(dtype), data("random")[0], config=config).fit()
        assert trainer.log[-1].train_loss < 1
        assert trainer.model.table.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_a_run_of_another_dtype_goes_on_in_it_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    def start(**keywords: Any) -> Trainer:
        batches = BatchSampler(TextDataset(IDS, block_size=8), 4, seed=0)
        config = TrainerConfig(max_steps=9, learning_rate=RATE, log_interval=3, checkpoint_interval=5)
        return Trainer(BigramLanguageModel(3).to(dtype), batches, config=config, **keywords)

    def stop(entry: LogEntry) -> None:
        if entry.step == 6:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        start(folder=tmp_path, vocabulary=VOCABULARY, on_log=stop).fit()
    resumed = Trainer.resume(tmp_path, BatchSampler(TextDataset(IDS, block_size=8), 4, seed=0))
    assert resumed.step == 5
    assert modes(resumed.model) == {False}
    assert {parameter.dtype for parameter in resumed.model.parameters()} == {dtype}
    assert_same(start().fit(), resumed.fit())


def begin(folder: Path, kind: str, **values: Any) -> Trainer:
    batches, validation = data(kind)
    return Trainer(
        TwoLayers(3, dropout=0.5),
        batches,
        validation=validation,
        config=TrainerConfig(
            **{"max_steps": 12, "learning_rate": RATE, "log_interval": 5, "evaluation_interval": 4} | values
        ),
        folder=folder,
        vocabulary=VOCABULARY,
    )


def go_on(folder: Path, kind: str, **values: Any) -> Trainer:
    batches, validation = data(kind)
    config = TrainerConfig(**{"learning_rate": RATE} | values) if values else None
    return Trainer.resume(
        folder, batches, model=TwoLayers(3, dropout=0.5, seed=9), validation=validation, config=config
    )


def losses(trainer: Trainer) -> list[tuple[int, float, float | None, float]]:
    return [(entry.step, entry.train_loss, entry.validation_loss, entry.learning_rate) for entry in trainer.log]


def assert_same(first: Trainer, second: Trainer) -> None:
    assert losses(first) == losses(second)
    tensors, others = first.state_dict()["tensors"], second.state_dict()["tensors"]
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name


@pytest.mark.parametrize("threads", [1, 2] if TORTURE else [1])
@pytest.mark.parametrize("kind", ["random", "shuffled", "records"])
@pytest.mark.parametrize("values", SETTINGS, ids=lambda values: "-".join(map(str, values.values())) or "default")
@costly(4 if TORTURE else 2, share=0.001)
@given(cuts=st.lists(st.integers(1, 11), min_size=1, max_size=3, unique=True).map(sorted))
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, threads: int, kind: str, values: dict[str, Any], cuts: list[int]
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        whole = begin(tmp_path_factory.mktemp("whole"), kind, **values).fit()
        folder = tmp_path_factory.mktemp("cut")
        trainer = begin(folder, kind, **values)
        for start, cut in pairwise([0, *cuts]):
            assert trainer.step == start
            with stopping_after(cut - start), pytest.raises(SystemExit, match="143"):
                trainer.fit()
            assert trainer.step == cut
            trainer = go_on(folder, kind)
        assert_same(trainer.fit(), whole)
        assert [entry.step for entry in read_log(folder)] == [entry.step for entry in whole.log]
    finally:
        torch.set_num_threads(before)


def test_the_draws_of_the_program_do_not_matter_and_are_not_changed(tmp_path: Path) -> None:
    quiet = begin(tmp_path / "quiet", "random").fit()
    trainer = begin(tmp_path / "loud", "random")
    trainer.on_log = lambda _: torch.rand(3)  # type: ignore[assignment]  # what it returns is not used
    torch.manual_seed(5)
    expected = torch.rand(3 * len(quiet.log) + 1)
    torch.manual_seed(5)
    assert_same(trainer.fit(), quiet)
    assert torch.rand(()).item() == expected[-1].item()


def test_a_state_can_be_kept_in_memory(tmp_path: Path) -> None:
    whole = begin(tmp_path / "whole", "random").fit()
    trainer = begin(tmp_path / "first", "random")
    with stopping_after(7), pytest.raises(SystemExit):
        trainer.fit()
    state = trainer.state_dict()
    trainer.fit()  # does not change what was kept
    other = begin(tmp_path / "other", "random")
    other.load_state_dict(state)
    other.fit()
    assert losses(other)[-2:] == losses(whole)[-2:]
    assert torch.equal(other.model.state_dict()["head.weight"], whole.model.state_dict()["head.weight"])


def test_checkpoints_come_when_due_at_a_best_and_at_the_end_and_the_newest_stay(tmp_path: Path) -> None:
    trainer = begin(
        tmp_path, "random", checkpoint_interval=3, evaluation_interval=100, max_steps=11, learning_rate=1e-5
    )
    trainer.fit()
    assert [path.name[-2:] for path in RunFolder(tmp_path).checkpoint_paths()] == ["09", "11"]
    assert trainer.best_checkpoint == RunFolder(tmp_path).checkpoint_paths()[-1]
    assert trainer.save_checkpoint() == RunFolder(tmp_path).checkpoint_paths()[-1]


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path: Path) -> None:
    whole = begin(tmp_path / "whole", "random", checkpoint_interval=3).fit()
    trainer = begin(tmp_path / "run", "random", checkpoint_interval=3).fit()
    newest = trainer.save_checkpoint()
    (newest / "training.safetensors").write_bytes(b"gone")
    with pytest.warns(UserWarning, match=r"a checkpoint is damaged, falling back to step-0+9: .*step-0+12.*training"):
        again = go_on(tmp_path / "run", "random")
    assert again.step == 9
    assert_same(again.fit(), whole)
    (damaged,) = (tmp_path / "run" / "checkpoints").glob("damaged-*")
    assert (damaged / "training.safetensors").read_bytes() == b"gone"
    assert go_on(tmp_path / "run", "random").step == 12


def test_a_run_may_be_made_longer(tmp_path: Path) -> None:
    begin(tmp_path, "random").fit()
    longer = go_on(tmp_path, "random", max_steps=20, log_interval=3, evaluation_interval=4, patience=50).fit()
    assert longer.step == 20
    assert [entry.step for entry in read_log(tmp_path)] == [4, 5, 8, 10, 12, 15, 16, 18, 20]


def test_every_difference_of_settings_is_listed_and_refused(tmp_path: Path) -> None:
    begin(tmp_path, "random").fit()
    train, validation = TextDataset([*IDS[1:], 0], block_size=8).split(0.8)
    with pytest.raises(CheckpointMismatchError) as caught:
        Trainer.resume(
            tmp_path,
            BatchSampler(train, batch_size=5, seed=4),
            model=TwoLayers(3, width=5),
            validation=validation,
            config=TrainerConfig(max_steps=99, learning_rate=0.1, optimizer="muon"),
        )
    message = str(caught.value)
    for difference in (
        "batches.batch_size: 6 -> 5",
        "batches.seed: 3 -> 4",
        "the training data have changed",
        "learning_rate: 0.05 -> 0.1",
        "model.dropout: 0.5 -> 0.0",
        "model.width: 4 -> 5",
        "optimizer: 'adamw' -> 'muon'",
        "the validation data have changed",
    ):
        assert difference in message
    assert "max_steps" not in message


def test_a_run_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    make_trainer(max_steps=2, folder=tmp_path).fit()
    with pytest.raises(CheckpointMismatchError, match="model: 'bigram' -> 'two-layers'"):
        go_on(tmp_path, "random")


def test_other_settings_of_the_machine_are_a_warning(tmp_path: Path) -> None:
    begin(tmp_path, "random", max_steps=6).fit()
    changed: dict[str, Any] = {"max_steps": 6, "precision": "bfloat16", "accumulation_steps": 2}
    with pytest.warns(
        UserWarning, match=r"not bit for bit: accumulation_steps: 1 -> 2; precision: 'auto' -> 'bfloat16'"
    ):
        go_on(tmp_path, "random", **changed)


def test_a_known_family_needs_no_model_to_go_on(tmp_path: Path, device: torch.device) -> None:
    trainer = make_trainer(device, max_steps=8, folder=tmp_path).fit()
    again = Trainer.resume(tmp_path, fresh_batches(device), validation=trainer.validation)
    assert again.config == trainer.config
    assert again.model.device == device
    assert_same(again, trainer)
    with pytest.raises(FileNotFoundError, match="there is no checkpoint in this folder"):
        Trainer.resume(tmp_path / "nothing", fresh_batches(device))


def test_the_model_of_a_checkpoint_is_read_and_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer(max_steps=2, folder=tmp_path).fit()
    read: list[str] = []
    check_seal = chartok.files.envelope.check_seal

    def noting(path: Path) -> IO[bytes]:
        read.append(path.name)
        return open_file(path)

    def vanishing(folder: Path) -> Checkpoint:
        checkpoint = newest_checkpoint(folder)
        (checkpoint.path / "model.safetensors").unlink()
        return checkpoint

    monkeypatch.setattr("charlm.training.checkpoint.open_file", noting)
    monkeypatch.setattr(charlm.files.model_file, "check_seal", lambda *_, **__: pytest.fail("hashed again"))
    monkeypatch.setattr(charlm.training.trainer, "newest_checkpoint", vanishing)
    again = Trainer.resume(tmp_path, fresh_batches(), validation=trainer.validation)
    monkeypatch.setattr(charlm.files.model_file, "check_seal", check_seal)
    assert_same(again, trainer)
    assert read.count("model.safetensors") == 1


@pytest.mark.parametrize("damage", ["step", "config", "batches"])
def test_a_sound_checkpoint_without_a_state_is_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    whole = Trainer.state_dict
    monkeypatch.setattr(
        Trainer, "state_dict", lambda self: {key: value for key, value in whole(self).items() if key != damage}
    )
    trainer = make_trainer(max_steps=1, folder=tmp_path).fit()
    with pytest.raises(CheckpointCorruptError, match=f"has no valid state of a run: KeyError.*'{damage}'"):
        Trainer.resume(tmp_path, fresh_batches(), validation=trainer.validation)


MADE_UP: dict[str, Any] = {
    "step": "7", "seconds": -1.0, "log_entries": 2**63, "recent_characters": 0.5, "recent_seconds": None,
    "best_loss": "low", "reference_loss": [], "best_step": -1, "evaluations_since_improvement": [], "parts": True,
    "batches": [], "data": 9,
    "config": {"max_steps": 1, "beta1": None},
}  # fmt: skip
STRANGE: dict[str, Any] = {
    "losses": torch.zeros(1, 1),
    "batches.generator": torch.zeros(5056, dtype=torch.uint8),
    "random.0.torch": torch.zeros(3, dtype=torch.uint8),
    "random.0.python": torch.full((625,), -1),
    "random.0.numpy": torch.full((626,), 1000),  # its position among them, from which NumPy would read foreign memory
    "average.table": torch.zeros(1, 3),
    "optimizer.table.exp_avg": torch.zeros(1, 3),
    "optimizer.table.step": torch.tensor(-1.0),
    "optimizer.table.other": torch.zeros(3, 3),
    "model.table": torch.zeros(2, 3),
}


@pytest.mark.parametrize("name", [*MADE_UP, *STRANGE])
def test_a_sound_checkpoint_of_a_made_up_state_is_corrupt_and_changes_no_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = Trainer.state_dict

    def made_up(trainer: Trainer) -> dict[str, Any]:
        state = whole(trainer)
        changes = {"tensors": state["tensors"] | {name: STRANGE[name]}} if name in STRANGE else {name: MADE_UP[name]}
        return state | changes

    monkeypatch.setattr(Trainer, "state_dict", made_up)
    trainer = make_trainer(max_steps=1, ema_decay=0.5, folder=tmp_path).fit()
    before = torch.get_rng_state()
    with pytest.raises(CheckpointCorruptError, match="step-0000000001' has no valid state of a run: "):
        Trainer.resume(tmp_path, fresh_batches(), validation=trainer.validation)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_state_of_a_newer_version_is_refused() -> None:
    trainer = make_trainer(max_steps=1)
    with pytest.raises(CheckpointVersionError, match="upgrade chartok"):
        trainer.load_state_dict(trainer.state_dict() | {"version": 2})


# ----------------------------------------------------------------------------------------------------------- faults


class Exploding(TwoLayers):
    """Gives a loss that is not finite at one of its steps."""

    def __init__(self, step: int, value: float) -> None:
        super().__init__(3)
        self.left = step
        self.value = value

    def forward(self, inputs: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        self.left -= 1
        logits, loss = super().forward(inputs, targets)
        return logits, loss * self.value if self.left == 0 and loss is not None else loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("kind", ["cpu", "accelerator", "muon"])
def test_a_loss_that_is_not_finite_stops_before_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, value: float
) -> None:
    monkeypatch.setattr(charlm.training.finite_losses, "READS_EACH_LOSS", {"cpu"} if kind != "accelerator" else set())

    def trainer(step: int, max_steps: int, folder: Path | None = None) -> Trainer:
        config = TrainerConfig(
            max_steps=max_steps, learning_rate=RATE, schedule="constant", log_interval=8, checkpoint_interval=4,
            optimizer="muon" if kind == "muon" else "adamw",
        )  # fmt: skip
        batches, _ = data("random")
        return Trainer(Exploding(step, value), batches, config=config, folder=folder, vocabulary=VOCABULARY)

    exploding = trainer(step=6, max_steps=20, folder=tmp_path)
    with pytest.raises(NonFiniteLossError) as caught:
        exploding.fit()
    message = str(caught.value)
    assert f"the loss of step 6 is {value}, with a learning rate of 0.05: " in message
    assert "step-0000000004'" in message
    until_then = trainer(step=0, max_steps=5).fit()
    for name, tensor in until_then.model.state_dict().items():
        assert torch.equal(exploding.model.state_dict()[name], tensor), name


def test_a_loss_that_is_found_late_is_not_saved_and_training_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charlm.training.finite_losses, "READS_EACH_LOSS", set())
    config = TrainerConfig(max_steps=30, learning_rate=RATE, log_interval=20, checkpoint_interval=4)
    batches, _ = data("random")
    trainer = Trainer(Exploding(6, math.nan), batches, config=config, folder=tmp_path, vocabulary=VOCABULARY)
    with pytest.raises(NonFiniteLossError, match="the loss of step 6 is nan"):
        trainer.fit()
    assert [path.name[-1] for path in RunFolder(tmp_path).checkpoint_paths()] == ["4"]
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    assert trainer.fit().step == 30
    assert not torch.equal(trainer.model.state_dict()["hidden.weight"], before["hidden.weight"])


def test_weights_that_are_no_numbers_are_not_saved_over_good_ones(tmp_path: Path) -> None:
    trainer = make_trainer(max_steps=4, folder=tmp_path).fit()
    (before,) = RunFolder(tmp_path).checkpoint_paths()
    with torch.no_grad():
        next(trainer.model.parameters())[0, 0] = math.nan
    trainer._counters.step += 1
    with pytest.raises(NonFiniteLossError, match="the weight 'table' of step 5 is nan"):
        trainer.save_checkpoint()
    assert RunFolder(tmp_path).checkpoint_paths() == [before]


def test_a_validation_loss_that_is_not_finite_ends_the_run() -> None:
    trainer = make_trainer(max_steps=4)
    with torch.no_grad():
        next(trainer.model.parameters())[1, 2] = -math.inf
    trainer.batches = batches_of(BatchSampler(TextDataset([0, 1] * 20, block_size=8), batch_size=4), trainer.model)
    with pytest.raises(NonFiniteLossError, match="the validation loss of step 4 is inf"):
        trainer.fit()


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path) -> None:
    make_trainer(max_steps=2, folder=tmp_path / "run").fit()
    save_model(tmp_path / "model.safetensors", BigramLanguageModel(3), VOCABULARY)
    for folder in (tmp_path, tmp_path / "run"):
        with pytest.raises(
            FileExistsError, match=r"the folder already contains a run; continue it with Trainer\.resume"
        ):
            make_trainer(max_steps=2, folder=folder)


def test_a_folder_must_be_one_that_can_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="is a file, and a run needs a folder"):
        make_trainer(folder=tmp_path / "file")
    with pytest.raises(NotADirectoryError, match="file"):
        make_trainer(folder=tmp_path / "file" / "run")
    with pytest.raises(OSError, match="run"):
        make_trainer(folder="/proc/run")


def test_a_folder_needs_the_vocabulary_of_the_model(tmp_path: Path) -> None:
    batches = fresh_batches()
    with pytest.raises(ValueError, match="folder needs vocabulary="):
        Trainer(BigramLanguageModel(3), batches, folder=tmp_path)
    with pytest.raises(ValueError, match="vocabulary must have as many ids as the model, 3, got 2"):
        Trainer(BigramLanguageModel(3), batches, folder=tmp_path, vocabulary=Vocabulary("ab"))
    with pytest.raises(ValueError, match="has no folder to save to"):
        make_trainer().save_checkpoint()


def test_the_vocabulary_is_in_every_checkpoint(tmp_path: Path) -> None:
    make_trainer(max_steps=2, folder=tmp_path).fit()
    assert load_model(tmp_path)[1] == VOCABULARY
    manifest = json.loads((RunFolder(tmp_path).checkpoint_paths()[0] / "manifest.json").read_text())
    assert manifest["values"]["data"]["vocabulary"] == VOCABULARY.fingerprint
