"""compose.yaml starts what there is: its commands, names, ports and files are the product's."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_router.door.guard import OPEN_PATHS
from mcp_router.door.metrics import PATH as METRICS_PATH
from tests.door.house import COMMAND, SECONDS
from tests.packaging.deployed import (
    PACKAGING,
    ROOT,
    lines_of,
    parse_line,
    read_yaml,
    settings_in,
    unknown_variables,
)
from tests.server.process import CHECKOUT, environment

COMPOSE = ROOT / "compose.yaml"
WHOLE: dict[str, Any] = read_yaml(COMPOSE)
SERVICES: dict[str, Any] = WHOLE["services"]
SETTINGS = PACKAGING / "compose" / "mcp-router.toml"
EXAMPLE = PACKAGING / "compose" / "env.example"
SCRAPE: dict[str, Any] = read_yaml(PACKAGING / "compose" / "prometheus.yml")["scrape_configs"][0]
ONCE = "metrics-token"


def example() -> dict[str, str]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text.removesuffix("s"))


def mounts(service: str) -> dict[str, str]:
    """Map the place in the container to what is mounted there."""
    return {one.split(":")[1]: one.split(":")[0] for one in SERVICES[service]["volumes"]}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_writes_its_image_or_gains_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    # The router's own image says who it is.
    user = service.get("user", "10001" if "build" in service else "0")
    assert user.split(":")[0] not in ("0", "root")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {ONCE}))
def test_every_service_that_stays_is_asked_whether_it_is_well(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert seconds(check["timeout"]) <= seconds(check["interval"])


def test_only_this_machine_is_let_in_and_nobody_to_the_database() -> None:
    for service in SERVICES.values():
        assert all(one.startswith("127.0.0.1:") for one in service.get("ports", []))
    assert "ports" not in SERVICES["postgres"]
    assert SERVICES["postgres"]["networks"] == ["inside"]
    assert WHOLE["networks"]["inside"] == {"internal": True}


def test_every_volume_network_and_file_that_is_named_is_there() -> None:
    for name, service in SERVICES.items():
        assert set(service["networks"]) <= set(WHOLE["networks"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for source in mounts(name).values():
            assert source in WHOLE["volumes"] or (ROOT / source).is_file(), source


def test_what_is_started_are_lines_of_the_command_line() -> None:
    assert parse_line(SERVICES["router"]["command"]) == "serve"
    (script,) = SERVICES[ONCE]["command"]
    assert [parse_line(words) for words in lines_of(script)] == ["revoke", "create"]


def test_every_variable_is_one_that_the_router_reads() -> None:
    for name in ("router", ONCE):
        assert unknown_variables(SERVICES[name]["environment"]) == set()
        assert mounts(name)[SERVICES[name]["environment"]["ROUTING_CONFIG"]].endswith(SETTINGS.name)


def test_the_example_of_secrets_names_each_variable_and_no_value() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)", text))
    assert set(example()) == used
    assert set(example().values()) == {""}
    required = set(re.findall(r"\$\{(\w+):\?", text))
    assert required == {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "!.env" not in (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


def test_the_settings_fit_what_surrounds_them() -> None:
    settings = settings_in(SETTINGS)
    router = SERVICES["router"]
    (port,) = router["ports"]
    assert port.endswith(f":{settings.http.port}")
    assert settings.http.host == "0.0.0.0"
    assert seconds(router["stop_grace_period"]) * 1000 > settings.http.drain_ms
    check = " ".join(router["healthcheck"]["test"])
    assert f"http://127.0.0.1:{settings.http.port}/readyz" in check
    assert "/readyz" in OPEN_PATHS
    database = re.fullmatch(
        r"postgresql://(\w+)@(\w+):5432/(\w+)", router["environment"]["ROUTING_DB"]
    )
    made = SERVICES["postgres"]["environment"]
    assert database is not None
    assert database.groups() == (made["POSTGRES_USER"], "postgres", made["POSTGRES_DB"])


def test_prometheus_asks_the_router_with_the_token_that_was_made_for_it() -> None:
    (target,) = SCRAPE["static_configs"][0]["targets"]
    host, port = target.split(":")
    settings = settings_in(SETTINGS)
    assert host in SERVICES
    assert host in settings.http.allowed_hosts
    assert int(port) == settings.http.port
    assert SCRAPE["metrics_path"] == METRICS_PATH
    folder, _, file = SCRAPE["authorization"]["credentials_file"].rpartition("/")
    assert mounts("prometheus")[folder] == mounts(ONCE)["/data"]
    assert f"/data/{file}" in SERVICES[ONCE]["command"][0]
    assert SERVICES["router"]["environment"]["ROUTING_TELEMETRY"] == "true"


def test_grafana_is_given_the_dashboard_and_where_its_figures_are() -> None:
    provisioning = "/etc/grafana/provisioning"
    files = mounts("grafana")
    (source,) = read_yaml(ROOT / files[f"{provisioning}/datasources/mcp-router.yaml"])[
        "datasources"
    ]
    host, port = source["url"].removeprefix("http://").split(":")
    assert source["isDefault"] is True
    assert SERVICES[host]["ports"][0].endswith(f":{port}")
    assert set(SERVICES[host]["networks"]) & set(SERVICES["grafana"]["networks"])
    (provider,) = read_yaml(ROOT / files[f"{provisioning}/dashboards/mcp-router.yaml"])["providers"]
    dashboard = f"{provider['options']['path']}/dashboard.json"
    assert (ROOT / files[dashboard]).samefile(PACKAGING / "grafana" / "dashboard.json")
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == dashboard


def test_the_image_has_what_the_deployment_needs() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r'"\.\[([\w,]+)\]"', image)
    assert found is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"otel", "postgres"} <= set(found[1].split(","))
    assert set(found[1].split(",")) <= set(project["optional-dependencies"])
    assert f"EXPOSE {settings_in(SETTINGS).http.port}\n" in image
    assert "/data" in mounts("router")


def test_the_token_is_made_once_and_prometheus_gets_its_metrics(tmp_path: Path) -> None:
    variables = {
        **environment(tmp_path, ROUTING_CONFIG=str(SETTINGS), ROUTING_TELEMETRY="true"),
        "XDG_DATA_HOME": str(tmp_path),
    }
    program = tmp_path / "mcp-router"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcp_router "$@"\n')
    program.chmod(0o755)
    shell = {**variables, "PATH": f"{tmp_path}:{variables['PATH']}"}
    script = SERVICES[ONCE]["command"][0].replace("/data", str(tmp_path))
    made: list[str] = []
    for _ in range(2):
        subprocess.run([*SERVICES[ONCE]["entrypoint"], script], check=True, env=shell)
        made.append((tmp_path / "token").read_text().strip())
    assert made[0] == made[1]
    with subprocess.Popen(
        [*COMMAND, *SERVICES["router"]["command"], "--port", "0"],
        env=variables,
        cwd=CHECKOUT,
        stderr=subprocess.PIPE,
        text=True,
    ) as popen:
        assert popen.stderr is not None
        port = popen.stderr.readline().split()[1].rpartition(":")[2]
        address = f"http://127.0.0.1:{port}"
        headers = {"host": SCRAPE["static_configs"][0]["targets"][0]}
        given = {**headers, "authorization": f"Bearer {made[0]}"}
        told = httpx2.get(f"{address}{SCRAPE['metrics_path']}", headers=given, timeout=SECONDS)
        refused = httpx2.get(f"{address}{SCRAPE['metrics_path']}", headers=headers, timeout=SECONDS)
        check = [
            word.replace("127.0.0.1:8787", f"127.0.0.1:{port}")
            for word in SERVICES["router"]["healthcheck"]["test"][2:]
        ]
        healthy = subprocess.run([sys.executable, *check], check=False)
        popen.terminate()
    assert told.status_code == 200
    assert "mcp_router_budget_spent" in told.text
    assert refused.status_code == 401
    assert healthy.returncode == 0
    assert popen.returncode == 0
