"""A plot shows every point within the width of the terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.cli.page import Plot, Point
from mcp_router.cli.plot import plot_lines


def plot(*points: Point) -> Plot:
    return Plot(points, "cost", "quality", "{:.4g}".format)


def test_better_is_higher_and_dearer_is_further_right() -> None:
    lines = plot_lines(
        plot(Point("a", 1, 0.2, marked=True), Point("B", 2, 0.9, marked=True)),
        cells=60,
        unicode=False,
    )
    high = next(at for at, line in enumerate(lines) if "B" in line)
    low = next(at for at, line in enumerate(lines) if "a" in line and "|" in line)
    assert high < low
    assert lines[high].index("B") > lines[low].index("a")
    assert "." in lines[low]
    assert "logarithmic" not in lines[-1]


def test_a_wide_range_is_drawn_on_a_logarithmic_axis() -> None:
    lines = plot_lines(plot(Point("a", 0.01, 0), Point("b", 10, 1)), cells=80, unicode=True)
    assert lines[-1].endswith("logarithmic scale")
    assert any("│" in line for line in lines)


def test_points_in_one_place_show_a_plus_and_none_at_all_no_plot() -> None:
    lines = plot_lines(plot(Point("a", 1, 0.5), Point("b", 1, 0.5)), cells=80, unicode=False)
    assert sum(line.count("+") for line in lines) == 2
    assert plot_lines(plot(), cells=80, unicode=False) == []


@given(
    st.lists(
        st.builds(
            Point,
            st.sampled_from("abcXYZ"),
            st.floats(0, 1e6),
            st.floats(0, 1),
            st.booleans(),
        ),
        min_size=1,
        max_size=26,
    ),
    st.integers(30, 120),
)
def test_no_line_is_wider_than_the_terminal(points: list[Point], cells: int) -> None:
    for unicode in (True, False):
        lines = plot_lines(plot(*points), cells=max(cells, 60), unicode=unicode)
        assert max(map(len, lines)) <= max(cells, 60)
