"""Settings come from arguments, variables, the project's file and the user's, in that order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest

from mcp_router.config.load import Loaded, load_settings
from mcp_router.errors import ConfigError

Load = Callable[..., Loaded]

# From the weakest to the strongest, each with the limit it sets.
SOURCES = ("user", "project", "variable", "argument")
LIMIT = {name: Decimal(index + 1) for index, name in enumerate(SOURCES)}
MIXES = [mix for size in range(5) for mix in combinations(SOURCES, size)]


def write_toml(folder: Path, text: str) -> Path:
    path = folder / "mcp-router.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("mix", MIXES, ids="+".join)
def test_the_strongest_source_that_sets_a_value_wins(
    mix: tuple[str, ...], load: Load, user_folder: Path, project: Path
) -> None:
    if "user" in mix:
        write_toml(user_folder, "[budget]\ndaily = 1")
    if "project" in mix:
        write_toml(project, "[budget]\ndaily = 2")
    loaded = load(
        {"ROUTING_DAILY_BUDGET": "3"} if "variable" in mix else {},
        overrides={"budget": {"daily": 4}} if "argument" in mix else {},
    )
    assert loaded.settings.budget.daily == (LIMIT[mix[-1]] if mix else None)
    user_file = f"~/{user_folder.relative_to(Path.home())}/mcp-router.toml"
    places = {
        "user": user_file,
        "project": "mcp-router.toml",
        "variable": "ROUTING_DAILY_BUDGET",
        "argument": "argument",
    }
    assert loaded.sources["budget.daily"] == (places[mix[-1]] if mix else "default")


def test_tables_of_all_sources_are_merged(load: Load, user_folder: Path, project: Path) -> None:
    write_toml(user_folder, '[budget]\nmonthly = 9\n[models."gpt-4.1"]\nquality = 0.5')
    write_toml(project, '[models."gpt-4.1"]\nprice = { input = 1, output = 2 }')
    loaded = load({"ROUTING_DAILY_BUDGET": "3"}, overrides={'models."gpt-4.1".enabled': False})
    model = loaded.settings.models["gpt-4.1"]
    assert (model.quality, model.enabled) == (0.5, False)
    assert model.price is not None
    assert model.price.output == 2
    assert (loaded.settings.budget.daily, loaded.settings.budget.monthly) == (3, 9)
    assert loaded.sources['models."gpt-4.1".price.input'] == "mcp-router.toml"
    assert loaded.sources['models."gpt-4.1".enabled'] == "argument"


def test_lists_are_replaced_not_joined(load: Load, user_folder: Path, project: Path) -> None:
    write_toml(user_folder, '[chains]\nmine = ["a", "b"]\nother = ["c"]')
    write_toml(project, '[chains]\nmine = ["d"]')
    assert load().settings.chains == {"mine": ("d",), "other": ("c",)}


def test_an_empty_table_takes_nothing_away(load: Load, user_folder: Path, project: Path) -> None:
    write_toml(user_folder, "[budget]\ndaily = 1")
    write_toml(project, "[budget]")
    assert load(overrides={"budget.monthly": 2, "budget": {}}).settings.budget.daily == 1


def test_null_and_none_lift_a_limit_of_a_weaker_source(
    load: Load, user_folder: Path, project: Path
) -> None:
    write_toml(user_folder, "[budget]\ndaily = 1\nmonthly = 2\nper_request = 3")
    write_toml(project, '[budget]\ndaily = "none"')
    loaded = load({"ROUTING_MONTHLY_BUDGET": "none"}, overrides={"budget": {"per_request": None}})
    budget = loaded.settings.budget
    assert (budget.daily, budget.monthly, budget.per_request) == (None, None, None)


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_file_is_read_instead_of_all_others(
    by_variable: bool, load: Load, user_folder: Path, project: Path
) -> None:
    write_toml(user_folder, "[budget]\ndaily = 1")
    write_toml(project, "[budget]\nmonthly = 2")
    named = project / "other.toml"
    named.write_text("[budget]\nper_request = 3", encoding="utf-8")
    variable = {"ROUTING_CONFIG": "other.toml"}
    loaded = load(variable) if by_variable else load(config=Path("other.toml"))
    budget = loaded.settings.budget
    assert (budget.daily, budget.monthly, budget.per_request) == (None, None, 3)
    assert loaded.files == (named,)


def test_an_argument_names_the_file_before_the_variable_does(load: Load, project: Path) -> None:
    (project / "a.toml").write_text("debug = true", encoding="utf-8")
    loaded = load({"ROUTING_CONFIG": "missing.toml"}, config=project / "a.toml")
    assert loaded.settings.debug


def test_the_example_of_the_contract_loads(load: Load, project: Path) -> None:
    write_toml(
        project,
        """
        default_model = "sonnet"
        strategy = "cost_first"
        baseline = "opus"
        [weights]
        capability = 2
        cost = 1
        quality = 1
        latency = 0
        historical = 0
        [budget]
        daily = 5.0
        monthly = 100
        per_request = 0.5
        timezone = "Europe/Berlin"
        alerts = { daily_warning = 60, monthly_warning = 90 }
        on_unknown_price = "allow"
        [budget.tags]
        "project=site" = { daily = 1, total = 20 }
        [fallback]
        enabled = false
        max_attempts = 3
        first_token_ms = 9000
        idle_ms = 8000
        timeout_ms = 30000
        on_stream_cut = "error"
        [cache]
        enabled = false
        ttl = 60
        [learning]
        enabled = false
        explore_usd_per_day = 0.25
        [history]
        keep_days = 30
        store_prompts = true
        [constraints]
        max_latency_ms = 20000
        [chains]
        mine = ["model-a", "model-b"]
        [aliases]
        quick = "haiku"
        [providers.local]
        wire = "openai"
        base_url = "http://127.0.0.1:11434/v1"
        api_key_env = "LOCAL_KEY"
        [models."llama-local"]
        provider = "local"
        id = "llama3.3"
        context = 128000
        price = { input = 0.0, output = 0.0 }
        capabilities = { coding = 7, reasoning = 7 }
        quality = 0.70
        [tasks.solidity_codegen]
        primary = "opus"
        fallbacks = ["gpt-5", "llama-local"]
        min_quality = 0.90
        keywords = ["solidity", "smart contract"]
        """,
    )
    settings = load().settings
    assert settings.weights.capability == 0.5
    assert settings.budget.per_request == Decimal("0.5")
    assert settings.budget.tags["project=site"].total == 20
    assert settings.budget.timezone == "Europe/Berlin"
    assert settings.fallback.on_stream_cut == "error"
    assert settings.learning.explore_usd_per_day == Decimal("0.25")
    assert settings.history.store_prompts
    assert settings.providers["local"].api_key_env == "LOCAL_KEY"
    assert settings.models["llama-local"].context == 128_000
    assert settings.tasks["solidity_codegen"].keywords == ("solidity", "smart contract")


def test_settings_survive_being_written_and_read(load: Load, project: Path) -> None:
    before = load(
        overrides={
            "weights": {"cost": 0.7},
            "budget": {"daily": "0.10", "tags": {"session=1": {"total": 1}}},
            "models": {
                "x": {"context": 5, "features": ["vision"], "price": {"input": 1, "output": 2}}
            },
            "tasks": {"t": {"constraints": {"requires": ["vision", "coding"]}}},
        }
    ).settings
    text = before.model_dump_json()
    (project / "mcp-router.json").write_text(text.replace("alert_command", "alertCommand"))
    after = load(config=project / "mcp-router.json").settings
    assert after == before


def test_relative_paths_are_meant_from_where_they_stand(
    load: Load, user_folder: Path, project: Path, home: Path
) -> None:
    deeper = project / "src" / "deep"
    deeper.mkdir(parents=True)
    write_toml(user_folder, 'db = "mine.db"\nlog_file = "~/router.log"')
    write_toml(project, 'db = "data/router.db"')
    assert load(cwd=deeper).settings.db == str(project / "data" / "router.db")
    assert load(cwd=deeper).settings.log_file == str(home / "router.log")
    assert load({"ROUTING_DB": "x.db"}, cwd=deeper).settings.db == str(deeper / "x.db")
    assert load(overrides={"db": Path("/abs.db")}).settings.db == "/abs.db"


def test_the_machine_s_time_zone_is_used_unless_another_is_set(load: Load) -> None:
    loaded = load({"TZ": "Asia/Tokyo"})
    assert loaded.settings.budget.timezone == "Asia/Tokyo"
    assert loaded.sources["budget.timezone"] == "machine"
    loaded = load({"TZ": "Asia/Tokyo", "ROUTING_TIMEZONE": "Europe/Berlin"})
    assert loaded.settings.budget.timezone == "Europe/Berlin"
    assert loaded.sources["budget.timezone"] == "ROUTING_TIMEZONE"


def test_the_machine_s_time_zone_does_not_hide_a_mistake(load: Load) -> None:
    with pytest.raises(ConfigError, match="budget: 5 is not a table"):
        load(overrides={"budget": 5})


@pytest.mark.parametrize(
    "value", ['alert_command = ["curl", "evil"]', 'alert_webhook = "http://e"']
)
def test_a_project_s_file_cannot_start_programs(
    value: str, load: Load, user_folder: Path, project: Path
) -> None:
    path = write_toml(project, f"[budget]\n{value}")
    with pytest.raises(ConfigError, match="may not start programs") as caught:
        load()
    assert caught.value.place == "mcp-router.toml"
    assert load(config=path).files == (path,)
    path.rename(user_folder / "mcp-router.toml")
    assert load().files == (user_folder / "mcp-router.toml",)


def test_a_project_s_file_that_redirects_requests_is_told_of(load: Load, project: Path) -> None:
    write_toml(
        project,
        """
        [providers.openai]
        base_url = "https://elsewhere.example/v1"
        [providers.local]
        base_url = "http://localhost:8000/v1"
        """,
    )
    (warning,) = load().warnings
    assert warning == (
        "mcp-router.toml sends what goes to provider openai to https://elsewhere.example/v1."
    )


def test_every_fixed_setting_has_a_source(load: Load) -> None:
    sources = load().sources
    assert sources["fallback.idle_ms"] == "default"
    assert {"strategy", "budget.alerts.daily_warning", "constraints.models"} <= set(sources)
    assert not any("<" in key for key in sources)


def test_without_files_loading_takes_under_five_milliseconds(project: Path) -> None:
    load_settings(environ={}, cwd=project)
    times: list[float] = []
    for _ in range(20):
        start = time.perf_counter()
        load_settings(environ={}, cwd=project)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        ({"budget.daily": 5}, "budget.daily"),
        ({"budget": {"daily": 5}}, "budget.daily"),
        ({'models."a.b".quality': 0.5}, 'models."a.b".quality'),
        ({"models": {"a.b": {"quality": 0.5}}}, 'models."a.b".quality'),
        ({"strategy": "cost_first"}, "strategy"),
    ],
)
def test_arguments_are_tables_or_dotted_keys(
    overrides: Mapping[str, object], key: str, load: Load
) -> None:
    assert load(overrides=overrides).sources[key] == "argument"


def test_json_and_toml_say_the_same(load: Load, project: Path) -> None:
    (project / "a.json").write_text(json.dumps({"budget": {"daily": 0.1}, "debug": True}))
    (project / "a.toml").write_text("debug = true\n[budget]\ndaily = 0.1")
    by_json, by_toml = (load(config=Path(name)).settings for name in ("a.json", "a.toml"))
    assert by_json == by_toml


@pytest.mark.parametrize("given", ["file", "variable", "argument"])
def test_a_database_in_memory_is_refused_as_no_other_process_would_see_it(
    given: str, load: Callable[..., Loaded], project: Path
) -> None:
    environ, overrides = {}, {}
    if given == "file":
        (project / "mcp-router.toml").write_text('db = ":memory:"\n', encoding="utf-8")
    elif given == "variable":
        environ = {"ROUTING_DB": ":memory:"}
    else:
        overrides = {"db": Path(":memory:")}
    with pytest.raises(ConfigError, match="in memory cannot be shared") as caught:
        load(environ, overrides=overrides)
    assert caught.value.key == "db"
