"""A chart draws any values within its sides, and says its ends in words."""

import json
import re

import pytest

from charlm.training.curves import COLORS, Axis, Curve, Ends, chart, color, legend, thinned
from charlm.training.scales import ticks


def places(svg: str) -> list[tuple[float, float]]:
    """Returns the points of the first line, in percent from the left and from the top."""
    points = svg.split('points="')[1].split('"', maxsplit=1)[0].split(" ")
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points)]


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [0.0, 0.0], [1e-9, 3e-9], [1e9, 5.0], [-3.0, 4.0]])
def test_any_values_can_be_drawn(values: list[float]) -> None:
    points = [(float(step), value) for step, value in enumerate(values, 1)]
    drawn = chart("Loss", [Curve(name="train", points=points)], Axis(label="nats"), Axis(label="bits", factor=1.44))
    assert "nan" not in drawn
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in places(drawn))


@pytest.mark.parametrize("value", [3e-4, 1.0, 500.0])
def test_a_value_that_stays_is_drawn_at_mid_height_between_two_ticks(value: float) -> None:
    drawn = chart("Rate", [Curve(name="rate", points=[(1.0, value), (2.0, value)])], Axis(label="rate"))
    assert drawn.count("H100") >= 2
    assert places(drawn)[0][1] == pytest.approx(50, abs=1)


def test_a_value_that_stays_does_not_seem_to_vary() -> None:
    ends = Ends.of([Curve(name="rate", points=[(1.0, 0.01), (2.0, 0.01)])])
    assert (ends.lowest, ends.highest) == (0, 0.02)


def test_a_single_point_is_a_dot() -> None:
    drawn = chart("Loss", [Curve(name="validation", points=[(40.0, 2.0)])], Axis(label="nats"))
    assert re.search(r'<path d="M100\.00 50\.00h0"/>', drawn)


def test_a_screen_reader_and_a_script_get_the_values() -> None:
    curves = [Curve(name="<b>", points=[(1.0, 2.5), (9.0, 1.5)])]
    drawn = chart("Loss", curves, Axis(label="nats"), ends=Ends(first=0, last=10, lowest=0, highest=3))
    assert 'aria-label="Loss: &lt;b&gt; from 2.5 at step 1 to 1.5 at step 9"' in drawn
    data = json.loads(
        drawn.split('data-chart="')[1].split('"')[0].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
    )
    assert data["curves"] == [["<b>", [[1.0, 2.5], [9.0, 1.5]]]]
    assert data["ends"] == [0, 10, 0, 3]
    assert "<b>" not in drawn + legend(curves)


def test_a_long_curve_is_thinned_from_end_to_end() -> None:
    points = [(float(step), 1.0) for step in range(100_003)]
    kept = thinned(points)
    assert len(kept) <= 1001
    assert (kept[0], kept[-1]) == (points[0], points[-1])


def test_curves_can_be_told_apart() -> None:
    kinds = [color(place) for place in range(2 * COLORS)]
    assert len(set(kinds)) == 2 * COLORS


def test_ticks_are_round_and_inside() -> None:
    for lowest, highest in ((0.0, 1.0), (1.37, 1.39), (-5.0, 3.0), (0.0, 12345.0)):
        found = ticks(lowest, highest)
        assert 2 <= len(found) <= 8
        assert all(lowest - 1e-9 <= tick <= highest + 1e-9 for tick in found)


def test_a_guide_is_drawn_and_not_told() -> None:
    curves = [Curve(name="model", points=[(0.5, 0.4)]), Curve(name="perfect", points=[(0, 0), (1, 1)], is_guide=True)]
    drawn = chart("Reliability", curves, Axis(label="share"), across="probability")
    assert drawn.count("<polyline") == 2
    assert "perfect" not in drawn
