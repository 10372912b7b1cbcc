"""Whatever is written in the settings, the answer is settings or a ConfigError."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.config.load import Loaded, load_settings
from mcp_router.config.merge import Entry, flatten, lay_over, nest
from mcp_router.config.schema import find, leaves
from mcp_router.config.settings import Settings
from mcp_router.errors import ConfigError

KEYS = sorted({part for path, _ in leaves() for part in path} | {"dailyLimit", "gpt-4.1", "a=b"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from([*KEYS, "none", "balanced", "1.5", "-3", "openai", "http://h/v1", "\ud800"]),
)
KEY = st.sampled_from(KEYS) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)
TABLES = st.dictionaries(KEY, JSON, max_size=5)
PATHS = [path for path, _ in leaves()]


def loaded_or_refused(
    *, overrides: Mapping[str, object] = {}, config: Path | None = None
) -> Loaded | ConfigError:
    try:
        return load_settings(
            config=config, environ={"TZ": "UTC"}, cwd=Path("/nowhere"), overrides=overrides
        )
    except ConfigError as error:
        return error


def at(path: tuple[str, ...], name: str, value: object) -> dict[str, object]:
    """Write a value at a path of the schema, under `name` where people choose one."""
    return nest({tuple(name if "<" in part else part for part in path): Entry(value, "test")})


@given(TABLES)
def test_any_table_loads_or_is_refused_in_printable_words(table: dict[str, object]) -> None:
    result = loaded_or_refused(overrides=table)
    assert isinstance(result, Loaded) or str(result).encode("utf-8")


@given(st.sampled_from(PATHS), KEY, JSON)
@settings(max_examples=300)
def test_any_value_at_a_real_key_loads_or_is_refused(
    path: tuple[str, ...], name: str, value: object
) -> None:
    result = loaded_or_refused(overrides=at(path, name, value))
    if isinstance(result, Loaded):
        weights = result.settings.weights.model_dump().values()
        assert math.isclose(sum(weights), 1.0, abs_tol=1e-9)
    else:
        assert str(result).encode("utf-8")
        assert result.place == "argument"


@given(table=TABLES)
@settings(max_examples=60)
def test_any_json_file_loads_or_is_refused(
    table: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    result = loaded_or_refused(config=file)
    assert isinstance(result, Loaded) or result.place == str(file)


@given(
    content=st.binary(max_size=60) | st.text("[]{}=\"'.,:\n#ab1 \\u", max_size=60).map(str.encode)
)
def test_any_bytes_in_a_file_load_or_are_refused(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("any.toml", "any.json"):
        file = tmp_path_factory.getbasetemp() / name
        file.write_bytes(content)
        result = loaded_or_refused(config=file)
        assert isinstance(result, Loaded) or result.place == str(file)


@given(st.sampled_from(PATHS), st.sampled_from(["a", "coding", "a=b"]), SCALARS)
def test_settings_survive_a_round_trip_through_json(
    path: tuple[str, ...], name: str, value: object
) -> None:
    for written in (value, [value]):
        result = loaded_or_refused(overrides=at(path, name, written))
        if isinstance(result, Loaded):
            text = result.settings.model_dump_json()
            assert Settings.model_validate_json(text) == result.settings


@given(TABLES, TABLES)
def test_laying_over_keeps_what_lies_above(
    below: dict[str, object], above: dict[str, object]
) -> None:
    try:
        low, high = flatten(below, place="below"), flatten(above, place="above")
    except ConfigError:
        return
    merged = lay_over(low, high)
    assert lay_over(merged, high) == merged
    for path, entry in high.items():
        assert merged.get(path) is entry or entry.value == {}
    paths = set(merged)
    assert not any(path[:end] in paths for path in paths for end in range(1, len(path)))
    assert flatten(nest(merged), place="x").keys() == merged.keys()


def test_every_path_of_the_schema_is_found() -> None:
    for path, node in leaves():
        assert find(path) is node


def test_a_table_that_contains_itself_is_refused() -> None:
    table: dict[str, object] = {}
    table["models"] = table
    row: list[object] = []
    row.append(row)
    for endless in (table, {"chains": {"x": row}}):
        result = loaded_or_refused(overrides=endless)
        assert "nested too deeply" in str(result)
