"""Draws Vega-Lite specifications as SVG, by the library of the Vega project; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import JsonValue

from mcp_router.dashboard.html import Html, plain
from mcp_router.errors import RouterError

Spec = Mapping[str, Any]
"""A Vega-Lite specification, or a part of one."""

# Its widths are known where a chart is laid out, and the same on nearly every screen.
_FONT = "Arial, Helvetica, sans-serif"
_KEPT = 128
# Colours are the page's own, so that they follow its light and dark looks.
COLOURS = tuple(f"var(--c{index})" for index in range(1, 7))
_AXIS = {
    # Marks say their figures; of an axis, only its labels are of use.
    "aria": False,
    "labelColor": "var(--muted)",
    "titleColor": "var(--muted)",
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "gridColor": "var(--line)",
    "domain": False,
    "ticks": False,
    "labelPadding": 6,
    "labelLimit": 0,
}
_CONFIG: Spec = {
    "font": _FONT,
    "axis": _AXIS,
    "view": {"stroke": None},
    "legend": {"disable": True},
    "text": {"color": "var(--ink)", "fontSize": 12},
    "customFormatTypes": False,
}


class ChartsMissingError(RouterError):
    """The library that draws charts is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "The report needs a library to draw charts.",
            hint='Install it: pip install "mcp-model-router[report]"',
        )


def draw(spec: Spec) -> Html:
    """Draw a chart as SVG markup.

    Raises:
        ChartsMissingError: the extra `report` is not installed.
    """
    document: JsonValue = {"background": None, "padding": 4, "config": dict(_CONFIG), **spec}
    return _drawn(json.dumps(_plain(document), sort_keys=True))


@lru_cache(maxsize=_KEPT)
def _drawn(document: str) -> Html:
    try:
        import vl_convert
    except ImportError as error:
        raise ChartsMissingError from error
    return Html(vl_convert.vegalite_to_svg(document, vl_version="6.4"))


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
