"""A trainer shows how its run stands, before, during and after it."""

import re
from pathlib import Path

from charlm import BatchSampler, BigramLanguageModel, TextDataset, Trainer, TrainerConfig
from charlm.training.run_status import STYLE, loss_curves
from chartok import Vocabulary
from log_entries import log_entry

DATA = TextDataset([0, 1, 2] * 50, block_size=8)
CONFIG = TrainerConfig(max_steps=20, learning_rate=0.1, log_interval=5, evaluation_interval=10)


def trainer(*, folder: Path | None = None, validation: bool = True, config: TrainerConfig = CONFIG) -> Trainer:
    return Trainer(
        BigramLanguageModel(3),
        BatchSampler(DATA, batch_size=4, seed=0),
        validation=DATA if validation else None,
        config=config,
        folder=folder,
        vocabulary=Vocabulary("abc"),
    )


def test_a_trainer_that_has_not_begun_says_so() -> None:
    html = trainer()._repr_html_()
    assert "0 of 20" in html
    assert "fit()" in html
    assert "<svg" not in html


def test_a_run_is_shown_with_its_losses_and_their_curves() -> None:
    run = trainer().fit()
    html, best = run._repr_html_(), min(entry.validation_loss or 9 for entry in run.log)
    assert "20 of 20" in html
    assert f"{run.log[-1].train_loss:.4f} nats" in html
    assert f"{best:.4f} nats" in html
    assert html.count("<svg") == 1
    assert html.count("<polyline") == html.count('class="key ') == 2
    assert len(html) < 6000


def test_a_run_without_validation_has_one_curve() -> None:
    html = trainer(validation=False).fit()._repr_html_()
    assert html.count("<polyline") == html.count('class="key ') == 1
    assert "validation loss" not in html


def test_a_long_run_is_drawn_with_few_points() -> None:
    run = trainer()
    run.log = [log_entry(step, validation_loss=None) for step in range(1, 50_000)]
    assert len(run._repr_html_()) < 40_000
    (train,) = loss_curves(run.log)
    assert len(train.points) == 49_999


def test_the_folder_of_a_run_is_shown_as_text(tmp_path: Path) -> None:
    folder = tmp_path / "<b>run"
    run = trainer(folder=folder)
    assert "&lt;b&gt;run" in run._repr_html_()
    assert str(folder) in repr(run)


def test_a_run_that_time_limits_has_no_number_of_steps_to_show() -> None:
    shown = repr(trainer(config=TrainerConfig(max_seconds=1.0)))
    assert shown == "Trainer(model: bigram, 9 parameters, on cpu, step: 0)"


def test_the_style_of_a_chart_keeps_to_the_output() -> None:
    depth, selectors = 0, [""]
    for character in STYLE:
        if character == "}":
            depth -= 1
            selectors += [""] * (depth == 0)
        selectors[-1] += character if depth == 0 and character not in "{}" else ""
        depth += character == "{"
    assert depth == 0
    assert all(re.match(r"\.chartok\b", selector.strip()) for selector in selectors[:-1])
    assert not selectors[-1].strip()
