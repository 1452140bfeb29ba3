import pytest

from charlm import ProgressBar, TrainingRecord


def test_nothing_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar(max_steps=10) as show:
        show(
            TrainingRecord(
                step=5,
                train_loss=1.0,
                validation_loss=2.0,
                learning_rate=0.1,
                tokens_per_second=3.0,
                elapsed_seconds=1.0,
            )
        )
    assert capsys.readouterr() == ("", "")
