"""Settings files that are damaged or hostile: changed as asked, or left as they are and told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.config.camel import snake_case_keys
from mcp_router.config.documents import read_document
from mcp_router.config.edit import Keys, Setting, edit_json, edit_toml
from mcp_router.config.files import expanded
from mcp_router.config.folders import config_folder
from mcp_router.config.load import Loaded, load_settings
from mcp_router.config.merge import flatten, lay_over, nest
from mcp_router.config.schema import dotted, leaves, printable, split
from mcp_router.config.write import write_settings
from mcp_router.errors import ConfigError

Load = Callable[..., Loaded]
CHECKOUT = Path(__file__).parents[2]
DAILY: Mapping[Keys, Setting] = {("budget", "daily"): Decimal(3)}
DEEP = 40_000
REFUSED = {
    "deep.json": ('{"tasks": ' + "[" * DEEP + "]" * DEEP + "}", "nested too deeply"),
    "deep.toml": ("x = " + "[" * DEEP + "]" * DEEP, "nested too deeply"),
    "tables.json": ('{"a": ' * DEEP + "1" + "}" * DEEP, "nested too deeply"),
    "half.json": ('{"strategy": "\\ud800"}', "is not"),
    "half_alias.json": ('{"aliases": {"\\udc00": "opus"}}', "not allowed"),
    "half_task.json": ('{"tasks": {"\\ud800": {"primary": "opus"}}}', "does not name a task"),
    "twice.json": ('{"strategy": "balanced", "strategy": "cost_first"}', "stands twice"),
    "below.json": ('{"budget": {"daily": 1, "daily": 2}}', "stands twice"),
    "nan.json": ('{"weights": {"cost": NaN}}', "finite"),
    "huge.json": ('{"cache": {"ttl": 1e999}}', "finite"),
    "digits.json": ('{"cache": {"ttl": ' + "9" * 5000 + "}}", "not JSON"),
    "digits.toml": ("[cache]\nttl = " + "9" * 5000, "not TOML"),
    "list.json": ("[1, 2]", "table of settings"),
    "text.json": ('"strategy"', "table of settings"),
    "scalar.toml": ("budget = 5\n", "no table"),
    "scalar.json": ('{"budget": 5}', "no table"),
    "half.toml": ("[budget\n", "not TOML"),
    "latin.toml": ("# caf\xe9\n", "not UTF-8"),
    "utf16.toml": ("\xff\xfes\x00", "not UTF-8"),
    "null.toml": ('strategy = "a\x00b"', "not TOML"),
    "unknown.toml": ('colour = "blue"\n', "no such setting"),
    "secret.toml": ('[providers.openai]\napi_key = "sk-1"\n', "keys are never kept"),
}


def refused(path: Path, changes: Mapping[Keys, Setting]) -> str:
    with pytest.raises(ConfigError) as caught:
        write_settings(path, changes=changes)
    return str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_not_sound_is_left_as_it_is_and_told_in_one_line(
    name: str, tmp_path: Path
) -> None:
    text, problem = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    said = refused(path, DAILY)
    assert problem in said
    assert said.isprintable()
    assert path.read_bytes() == text.encode("latin-1")
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_written_to_is_not_read_either(name: str, tmp_path: Path) -> None:
    text, _ = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_settings(config=path, environ={}, cwd=tmp_path)
    assert str(caught.value).isprintable()
    assert caught.value.place == name


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipe has a name here")
@pytest.mark.parametrize("name", ["mcp-router.toml", "mcp-router.json"])
def test_a_pipe_that_is_named_like_settings_keeps_nobody_waiting(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ConfigError, match=r"it cannot be read \(no regular file\)"):
        load_settings(environ={}, cwd=tmp_path)
    assert "no regular file" in refused(tmp_path / name, DAILY)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_device_holds_no_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no regular file"):
        load_settings(config=Path("/dev/zero"), environ={}, cwd=tmp_path)


@pytest.mark.parametrize("name", ["settings.toml", "settings.json"])
def test_a_file_that_is_too_large_once_changed_is_left_as_it_was(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    blank = " " if name.endswith("json") else "#"
    text = ("{}" if name.endswith("json") else "") + "\n" + blank * 999_990
    path.write_text(text, encoding="utf-8")
    before = path.read_bytes()
    if name.endswith("json"):
        # Blanks around a JSON table are layout, which is not kept.
        assert write_settings(path, changes=DAILY)
        assert json.loads(path.read_bytes()) == {"budget": {"daily": 3}}
        return
    assert "larger than a megabyte" in refused(path, DAILY)
    assert path.read_bytes() == before


def test_a_link_that_leads_in_a_circle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mcp-router.toml"
    path.symlink_to(path.name)
    with pytest.raises(ConfigError):
        load_settings(config=path, environ={}, cwd=tmp_path)
    assert "its links lead nowhere" in refused(path, DAILY)
    assert path.is_symlink()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder nobody may write")
def test_a_folder_nobody_may_write_is_told() -> None:
    said = refused(Path("/proc/self/mcp-router.toml"), DAILY)
    assert "it cannot be written (" in said


def test_a_name_too_long_for_a_file_is_told(tmp_path: Path) -> None:
    said = refused(tmp_path / ("x" * 300), DAILY)
    assert "File name too long" in said


NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name.isprintable())
MODELS = st.sampled_from(["opus", "sonnet", "gpt-mini", "a model", "é", '"', "\\", "#", "'''"])
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "aliases": st.dictionaries(NAMES, MODELS, max_size=3),
        "chains": st.dictionaries(NAMES, st.lists(MODELS, min_size=1, max_size=3), max_size=2),
        "cache": st.fixed_dictionaries({"ttl": st.integers(1, 10**6)}),
        "budget": st.fixed_dictionaries({}, optional={"monthly": st.integers(0, 500)}),
        "strategy": st.sampled_from(["balanced", "cost_first"]),
    },
)
LAID_OUT = st.sampled_from([None, 1, 2, "\t"])
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(TABLES, LAID_OUT, st.booleans(), st.sampled_from(["", "\ufeff"]))
def test_any_json_settings_get_a_limit_and_keep_the_rest(
    table: dict[str, Any], indent: int | str | None, ascii_only: bool, mark: str
) -> None:
    text = json.dumps(table, indent=indent, ensure_ascii=ascii_only)
    after = json.loads(edit_json(text, changes=DAILY))
    assert after == {**table, "budget": {**table.get("budget", {}), "daily": 3}}
    back = edit_json(json.dumps(after), changes={("budget", "daily"): None})
    assert {k: v for k, v in json.loads(back).items() if k != "budget"} == {
        k: v for k, v in table.items() if k != "budget"
    }


@FEW
@given(TABLES, NAMES, MODELS)
def test_any_name_and_text_is_written_to_toml_and_read_back(
    table: dict[str, Any], name: str, model: str
) -> None:
    changes: dict[Keys, Setting] = {
        ("aliases", name): model,
        ("chains", name): (model, "opus"),
        ("budget", "tags", f"project={name}", "daily"): Decimal("0.25"),
        ("debug",): True,
    }
    text = ""
    for path, value in table.items():
        if not isinstance(value, dict):
            text = edit_toml(text, changes={(path,): value})
            continue
        inner = {(path, key): tuple(v) if isinstance(v, list) else v for key, v in value.items()}
        text = edit_toml(
            text, changes={k: Decimal(v) if isinstance(v, int) else v for k, v in inner.items()}
        )
    after = tomllib.loads(edit_toml(text, changes=changes))
    wanted = nest(lay_over(flatten(table, place=""), flatten(after, place="")))
    assert after["aliases"][name] == model
    assert after["chains"][name] == [model, "opus"]
    assert after["budget"]["tags"][f"project={name}"]["daily"] == 0.25
    assert after["debug"] is True
    # Nothing that stood there is lost but what was named.
    assert {key: value for key, value in wanted.items() if value != {}} == after


def test_limits_of_many_tags_can_be_set_one_after_the_other_between_other_tables() -> None:
    text = '[budget.tags."project=a"]\ntotal = 3 # t\n[budget.alerts]\ndaily_warning = 50\n'
    for number, name in enumerate("bcde"):
        path = ("budget", "tags", f"project={name}", "daily")
        text = edit_toml(
            text, changes={path: Decimal(number), ("budget", "daily"): Decimal(number)}
        )
    found = tomllib.loads(text)["budget"]
    assert {name: tag.get("daily") for name, tag in found["tags"].items()} == {
        "project=a": None,
        **{f"project={name}": number for number, name in enumerate("bcde")},
    }
    assert found["daily"] == 3
    assert "total = 3 # t" in text


@FEW
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_a_key_made_of_any_names_can_be_shown(names: list[str]) -> None:
    key = dotted(tuple(names))
    assert key.isprintable()
    plain = all(printable(name) == name and '"' not in name for name in names)
    assert not plain or split(key) == tuple(names)


def test_every_setting_keeps_its_key_apart_from_every_other() -> None:
    keys = [dotted(path) for path, _ in leaves()]
    assert len(keys) == len(set(keys))
    assert [split(key) for key in keys] == [path for path, _ in leaves()]


@FEW
@given(TABLES)
def test_toml_and_json_of_one_meaning_are_one_table(table: dict[str, Any]) -> None:
    assert snake_case_keys(table, place="x") == table


def test_json_is_known_by_its_name_even_where_it_begins_like_toml(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text("# not JSON\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not JSON: Expecting value"):
        read_document(path, place="s.json", most=100)


def test_a_file_of_exactly_the_most_bytes_is_read_and_one_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b"#" * 100)
    assert read_document(path, place="s", most=100).table == {}
    path.write_bytes(b"#" * 101)
    with pytest.raises(ConfigError, match="larger than"):
        read_document(path, place="s", most=100)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("~/x", "HOME/x"),
        ("a/~/x", "a/~/x"),
        ("~nobody-at-all/x", "~nobody-at-all/x"),
        ("~", "HOME"),
    ],
)
def test_a_leading_tilde_stands_for_a_home_folder_where_there_is_one(
    written: str, meant: str, home: Path
) -> None:
    assert str(expanded(Path(written))) == meant.replace("HOME", str(home))


def test_without_a_home_folder_a_tilde_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from pathlib import Path; import os; os.environ.pop('HOME', None);"
        "from mcp_router.config.files import expanded;"
        "print(expanded(Path('~no-such-user-here/x')))"
    )
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "~no-such-user-here/x"


def test_the_config_folder_of_the_user_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert config_folder() == tmp_path / "xdg" / "mcp-router"


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ROUTING_DAILY_BUDGET", "1e999999", "one billion"),
        ("ROUTING_DAILY_BUDGET", "-1", "negative"),
        ("ROUTING_DAILY_BUDGET", "nan", "finite"),
        ("ROUTING_DAILY_BUDGET", "1\x1b[31m", "\\x1b[31m"),
        ("ROUTING_CACHE_TTL", "9" * 5000, "whole number"),
        ("ROUTING_TIMEOUT", "1e3", "whole number"),
        ("ROUTING_STRATEGY", "\u202ecost_first", "one of the choices"),
        ("ROUTING_DB", "postgresql://u:secret@h/d", "password"),
        ("ROUTING_DB", "postgresql://u@h/d?password=secret", "password"),
        ("ROUTING_DB", "postgresql://[::1/d", "usable address"),
        ("ROUTING_DB", ":memory:", "in memory"),
        ("ROUTING_TIMEZONE", "../../etc/passwd", "time zone"),
    ],
)
def test_a_hostile_variable_is_refused_by_its_name_in_printable_words(
    variable: str, value: str, problem: str, load: Load
) -> None:
    with pytest.raises(ConfigError) as caught:
        load({variable: value})
    said = str(caught.value)
    assert said.startswith(f"{variable}: ")
    assert problem in said
    assert said.isprintable()
    assert "secret" not in said
    assert len(said) < 400
