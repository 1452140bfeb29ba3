"""The calibration error is that of a plain reference, and 0 for a model that is as sure as it should be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.report.reliability import FEWEST, reliability, reliability_of
from charlm.report.scored import Scored

PREDICTIONS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(PREDICTIONS)
def test_the_error_is_the_mean_distance_from_the_diagonal(predictions: list[tuple[float, bool]]) -> None:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, came_true in predictions:
        bins.setdefault(min(int(confidence * 10), 9), []).append((confidence, came_true))
    distances = [abs(sum(hit for _, hit in each) - sum(sure for sure, _ in each)) for each in bins.values()]
    found = reliability_of(*zip(*predictions, strict=True))
    assert found.error == pytest.approx(sum(distances) / len(predictions), abs=1e-9)
    assert found.counts.sum() == len(predictions)


def test_outcomes_drawn_from_the_probabilities_are_reliable() -> None:
    generator = np.random.default_rng(1)
    confidences = generator.random(50_000)
    assert reliability_of(confidences, generator.random(50_000) < confidences).error < 0.01
    assert reliability_of(confidences, np.ones(50_000)).error == pytest.approx(0.5, abs=0.01)


def test_neither_a_few_predictions_nor_a_sample_of_its_own_tell_anything() -> None:
    lm = CharLM.fit("the cat sat on the mat. " * 50)
    few = reliability(Scored.of(lm, ["the cat"], "a text"))
    assert f"7 predictions over a text are too few to tell: it takes {FEWEST}." in few
    long = "the cat sat on a mat. " * (FEWEST // 10)
    assert not reliability(Scored.of(lm, [long], "its own", is_own=True))
    assert "expected calibration error" in reliability(Scored.of(lm, [long], "a text"))


def test_the_end_of_a_record_can_come_true() -> None:
    lm = CharLM.fit(["ab"] * 50, order=3)
    html = reliability(Scored.of(lm, ["ab"] * FEWEST, "records"))
    assert f"{3 * FEWEST:,} predictions" in html
    assert "<td>100.0%</td></tr>" in html
