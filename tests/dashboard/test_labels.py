"""Names and ticks fit into the room of a chart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.dashboard.labels import Point, log_ticks, placed, shortened, some


@given(st.text(max_size=60), st.integers(5, 30))
def test_a_shortened_name_is_short_and_keeps_its_ends(name: str, letters: int) -> None:
    made = shortened(name, letters=letters)
    assert len(made) <= letters
    assert made == name or (made[:1] == name[:1] and made[-1:] == name[-1:])


@given(st.floats(1e-6, 1e6), st.floats(1, 1e6), st.integers(2, 9))
def test_ticks_lie_within_the_scale_and_are_few(low: float, factor: float, most: int) -> None:
    ticks = log_ticks(low, low * factor, most=most)
    assert len(ticks) <= most
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)
    assert ticks == sorted(ticks)


def test_ticks_are_round() -> None:
    assert log_ticks(0.003, 0.5, most=6) == [0.003, 0.01, 0.03, 0.1, 0.3]


@given(st.lists(st.text(), max_size=50), st.integers(1, 12))
def test_some_of_the_names_are_picked_with_the_last(names: list[str], most: int) -> None:
    picked = some(names, most=most)
    assert len(picked) <= most
    assert picked[-1:] == names[-1:]


points = st.lists(
    st.builds(Point, st.floats(0, 400), st.floats(0, 300), st.text("abc", min_size=1, max_size=12))
)


@given(points)
def test_every_point_is_given_a_side_or_none(drawn: list[Point]) -> None:
    assert len(placed(drawn, width=400)) == len(drawn)


def test_a_name_that_would_lie_on_another_point_goes_elsewhere() -> None:
    one, other = Point(100, 100, "first"), Point(115, 100, "second")
    assert placed([one, other], width=400) == ("left", "right")


@pytest.mark.parametrize(("x", "side"), [(10.0, "right"), (390.0, "left")])
def test_a_name_stays_within_the_chart(x: float, side: str) -> None:
    assert placed([Point(x, 50, "a long name")], width=400) == (side,)


def test_a_name_keeps_off_the_axis() -> None:
    one, other = Point(60, 50, "short"), Point(90, 50, "short")
    assert placed([one, other], width=400) == ("left", "right")
    assert placed([one, other], width=400, left=36) == ("above", "right")
