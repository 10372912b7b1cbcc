"""A report on plausible work, and one in which every text is hostile."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.reporting.report import Scope, read_report
from mcp_router.reporting.values import Report
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context
from tests.reporting.history import NOW, RULES, make
from tests.storage.conftest import decision, outcome

HOSTILE = (
    "</script><script>window.injected=1</script>",
    "<img src=x onerror=window.injected=1>",
    "\"' onload='window.injected=1",
    "]]><svg/onload=window.injected=1>",
    "line\u2028separator\u2029and\u202ereversed\x00null",
    "</style><style>*{display:none}",
    "{{7*7}} ${window.injected=1} javascript:window.injected=1",
)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Sixty days of work, the last thirty of them reported."""
    path = tmp_path_factory.mktemp("history") / "router.db"
    with make(path, days=60, per_day=25) as store:
        catalog = Catalog.load(on=NOW.date())
        return read_report(store, catalog=catalog, now=NOW, scope=Scope(decisions=60))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Names, reasons, notes and failures that try to become markup or script."""
    path = tmp_path_factory.mktemp("hostile") / "router.db"
    with SqliteStore.open(path, rules=RULES) as store:
        for number, text in enumerate(HOSTILE):
            _record(store, number=number, text=text)
        return read_report(store, catalog=Catalog.load(on=NOW.date()), now=NOW)


def _record(store: SqliteStore, *, number: int, text: str) -> None:
    texts = {"model": text, "provider": text, "task_type": text, "reason": text}
    more = {"reasons": (text,), "fallbacks": (text,), "created_at": NOW}
    store.record_decision(
        decision(number, **texts, **more, decision_id=f"{text}{number}"),
        context=Context(project=text, category=text),
    )
    known = {"decision_id": f"{text}{number}", "created_at": NOW, "model": text, "task_type": text}
    for ok in (False, *[True] * 12):
        failure = "" if ok else text
        paid = outcome(number, **known, ok=ok, failure=failure, cost_usd=Decimal(number + 1))
        store.record_outcome(paid)
        store.record_outcome(paid.model_copy(update={"source": "judge", "score": 1.0}))


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path: Path = tmp_path_factory.mktemp("empty") / "router.db"
    with SqliteStore.open(path) as store:
        return read_report(store, catalog=Catalog.load(on=NOW.date()), now=NOW)
