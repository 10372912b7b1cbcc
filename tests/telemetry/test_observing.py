"""What a real collector and a real scrape see of requests that a router carries out."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from subprocess import run
from typing import Any

import anyio
import pytest
from opentelemetry import trace
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from mcp_router import BudgetStatus, FallbackExhaustedError, NoCandidateError, Router
from mcp_router.config.load import load_settings
from mcp_router.telemetry.open import open_telemetry
from mcp_router.testing import Answer, Fault, FaultServer
from tests.telemetry.collector import Collector, attributes, collecting

SECRET = "my grandmother's recipe"
DASHBOARD = Path(__file__).parents[2] / "packaging" / "grafana" / "dashboard.json"


@pytest.fixture
def anyio_backend() -> str:
    """The fault server runs on asyncio."""
    return "asyncio"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as one:
        # The exporters read the process environment themselves.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
        yield one


class Lab:
    """A fault server and a way to open routers over it."""

    def __init__(self, server: FaultServer, folder: Path) -> None:
        self.server = server
        self._folder = folder

    def open(self, *, environ: dict[str, str], **overrides: object) -> Router:
        settings: dict[str, Any] = dict(self.server.settings(price={"input": 3, "output": 15}))
        told = {"telemetry.enabled": True, "db": str(self._folder / "router.db")}
        loaded = load_settings(
            environ={}, cwd=self._folder, overrides={**settings, **told, **overrides}
        )
        return Router.open(loaded.settings, environ=environ)


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with FaultServer() as server:
        for name in ("first", "second"):
            server.script(name, [Answer()], then="repeat last")
        yield Lab(server, tmp_path)


def environ(collector: Collector) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}


def named(collector: Collector, name: str) -> Span:
    (found,) = [one for one in collector.spans if one.name == name]
    return found


async def test_a_request_is_one_span_with_its_attempts_as_children(
    lab: Lab, collector: Collector
) -> None:
    lab.server.script("first", [Fault.http(503)], then="repeat last")
    async with lab.open(environ=environ(collector)) as router:
        done = await router.execute(SECRET, chain=["first", "second"], max_tokens=50)
    whole, failed, answered = (
        named(collector, name) for name in ("execute single", "chat first", "chat second")
    )
    assert {failed.parent_span_id, answered.parent_span_id} == {whole.span_id}
    assert {one.trace_id for one in collector.spans} == {whole.trace_id}
    assert attributes(whole)["mcp_router.decision_id"] == done.decision_id
    assert attributes(whole)["mcp_router.attempts"] == 2
    assert attributes(failed)["error.type"] == "overloaded"
    told = attributes(answered)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.max_tokens"] == 50
    assert told["gen_ai.usage.input_tokens"] == done.usage.input_tokens
    assert told["mcp_router.cost_usd"] == pytest.approx(float(done.cost_usd or 0))
    assert answered.start_time_unix_nano <= answered.end_time_unix_nano


async def test_no_text_of_a_request_or_an_answer_leaves_unless_asked(
    lab: Lab, collector: Collector
) -> None:
    async with lab.open(environ=environ(collector)) as router:
        done = await router.execute(SECRET, chain="first")
    assert SECRET in done.content
    assert collector.spans
    assert b"grandmother" not in collector.raw


async def test_texts_are_in_the_span_of_the_request_where_asked(
    lab: Lab, collector: Collector
) -> None:
    asked = {"telemetry.prompts": True}
    async with lab.open(environ=environ(collector), **asked) as router:
        done = await router.execute(SECRET, chain="first")
    told = attributes(named(collector, "execute single"))
    (message,) = json.loads(str(told["gen_ai.input.messages"]))
    assert message == {"role": "user", "parts": [{"type": "text", "content": SECRET}]}
    (answer,) = json.loads(str(told["gen_ai.output.messages"]))
    assert answer["parts"] == [{"type": "text", "content": done.content}]


async def test_a_stream_is_the_parent_of_its_calls_and_not_of_its_callers_work(
    lab: Lab, collector: Collector
) -> None:
    async with (
        lab.open(environ=environ(collector)) as router,
        aclosing(router.stream(SECRET, chain="first")) as events,
    ):
        async for _ in events:
            assert not trace.get_current_span().get_span_context().is_valid
    whole = named(collector, "stream single")
    assert named(collector, "chat first").parent_span_id == whole.span_id
    assert attributes(whole)["mcp_router.outcome"] == "ok"


async def test_a_stream_that_is_closed_early_is_cancelled_and_no_error(
    lab: Lab, collector: Collector
) -> None:
    async with (
        lab.open(environ=environ(collector)) as router,
        aclosing(router.stream(SECRET, chain="first")) as events,
    ):
        await anext(events)
    told = attributes(named(collector, "stream single"))
    assert told["mcp_router.outcome"] == "cancelled"
    assert "error.type" not in told


async def test_failures_name_their_error(lab: Lab, collector: Collector) -> None:
    lab.server.script("first", [Fault.invalid_key()], then="repeat last")
    async with lab.open(environ=environ(collector)) as router:
        with pytest.raises(FallbackExhaustedError):
            await router.execute(SECRET, chain=["first"])
        with pytest.raises(NoCandidateError):
            await router.execute(SECRET, constraints={"providers": ("cerebras",)})
    errors = {attributes(one).get("error.type") for one in collector.spans}
    assert errors == {"FallbackExhaustedError", "NoCandidateError", "auth"}


async def test_parallel_attempts_share_one_parent(lab: Lab, collector: Collector) -> None:
    async with lab.open(environ=environ(collector)) as router:
        await router.execute(SECRET, mode="ensemble", chain=["first", "second"])
    whole = named(collector, "execute ensemble")
    calls = [one for one in collector.spans if one.name.startswith("chat ")]
    assert len(calls) >= 2
    assert {one.parent_span_id for one in calls} == {whole.span_id}


async def test_the_dashboard_asks_for_metrics_that_there_are(
    lab: Lab, collector: Collector
) -> None:
    limits = {"budget.daily": "5"}
    async with lab.open(environ=environ(collector), **limits) as router:
        async for _ in router.stream(SECRET, chain="first"):
            pass
        text = router.runner.observer.exposition().decode()
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    shown = {one.name for one in samples} | {label for one in samples for label in one.labels}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    wanted = set(re.findall(r"\b(?:mcp_router|gen_ai)_[a-z_]+", asked))
    assert len(wanted) > 8
    assert wanted <= shown


async def test_metrics_go_by_otlp_as_well(lab: Lab, collector: Collector) -> None:
    async with lab.open(environ=environ(collector)) as router:
        await router.execute(SECRET, chain="first")
    assert {"gen_ai.client.token.usage", "mcp_router.cost"} <= collector.metrics


async def test_a_collector_that_is_away_neither_fails_nor_holds_up_a_request(
    lab: Lab, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    monkeypatch.setenv(*next(iter(away.items())))
    # Left alone, the SDK tries for longer than this to reach it.
    with caplog.at_level(logging.CRITICAL), anyio.fail_after(8):
        async with lab.open(environ=away) as router:
            done = await router.execute(SECRET, chain="first")
    assert done.content


def test_nothing_of_it_is_loaded_where_it_is_off() -> None:
    code = (
        "import sys; from mcp_router.telemetry.open import open_telemetry; "
        "from mcp_router.config.telemetry import TelemetrySettings; "
        "open_telemetry(TelemetrySettings(), environ={}, budgets=lambda: ()); "
        "sys.exit('opentelemetry' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_exporters_only_the_exposition_is_written(tmp_path: Path) -> None:
    loaded = load_settings(environ={}, cwd=tmp_path, overrides={"telemetry.enabled": True})
    day = BudgetStatus(
        name="daily",
        period="day",
        limit_usd=Decimal(5),
        spent_usd=Decimal("1.25"),
        reserved_usd=Decimal(0),
        left_usd=Decimal("3.75"),
    )
    observer = open_telemetry(loaded.settings.telemetry, environ={}, budgets=lambda: (day,))
    labels = '{mcp_router_budget="daily",mcp_router_period="day"}'
    assert f"mcp_router_budget_spent{labels} 1.25" in observer.exposition().decode()
    observer.close()
    observer.close()
