"""The how-to about other tools, with stand-ins for them: they take what theirs take, and keep what they are given."""

import dataclasses
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from charlm import BatchSampler, BigramLanguageModel, TextDataset, Trainer, TrainerConfig
from chartok import Vocabulary

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "follow-a-run.md"
WANDB, MLFLOW, WANDB_LATER = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
CONFIG = TrainerConfig(max_steps=4, log_interval=1, evaluation_interval=2, learning_rate=0.1)


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    monkeypatch.chdir(tmp_path)
    learned, validation = TextDataset([0, 1, 2] * 30, block_size=4).split(0.8)
    return Trainer(
        BigramLanguageModel(3),
        BatchSampler(learned, batch_size=2, seed=0),
        validation=validation,
        config=CONFIG,
        folder="runs/mine",
        vocabulary=Vocabulary("abc"),
    )


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    monkeypatch.setitem(sys.modules, name, SimpleNamespace(**functions))


def entries(trainer: Trainer) -> list[tuple[int, dict[str, Any]]]:
    return [(entry.step, dataclasses.asdict(entry)) for entry in trainer.log]


def test_weights_and_biases_gets_each_entry(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[int, dict[str, Any]]] = []

    @contextmanager
    def init(*, project: str, config: dict[str, Any] | None = None) -> Iterator[Any]:
        assert project == "characters"
        assert config in (None, dataclasses.asdict(CONFIG))
        yield SimpleNamespace(log=lambda data, *, step: logged.append((step, data)))

    stand_in(monkeypatch, "wandb", init=init)
    exec(WANDB, {"trainer": trainer, "config": CONFIG})  # noqa: S102 - of a page of our own
    assert logged == entries(trainer)
    assert len(logged) == 4
    logged.clear()
    exec(WANDB_LATER, {})  # noqa: S102 - likewise
    assert logged == entries(trainer)


def test_mlflow_gets_each_entry_without_what_is_none(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[int, dict[str, float]]] = []
    described: list[dict[str, Any]] = []

    @contextmanager
    def start_run() -> Iterator[None]:
        yield

    def log_metrics(metrics: dict[str, float], *, step: int) -> None:
        assert all(isinstance(value, int | float) for value in metrics.values())
        logged.append((step, metrics))

    stand_in(monkeypatch, "mlflow", start_run=start_run, log_params=described.append, log_metrics=log_metrics)
    exec(MLFLOW, {"trainer": trainer, "config": CONFIG})  # noqa: S102 - likewise
    assert described == [dataclasses.asdict(CONFIG)]
    assert [step for step, _ in logged] == [1, 2, 3, 4]
    assert [metrics.get("validation_loss") for _, metrics in logged] == [entry.validation_loss for entry in trainer.log]
