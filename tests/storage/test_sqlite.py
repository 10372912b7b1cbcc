"""What is recorded comes back as it was, and what should not be kept is not."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcp_router.errors import StorageError, UnknownDecisionError
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Fallback, RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_router.storage.store import Store
    from mcp_router.types import Decision, Outcome

    Make = Callable[..., Decision]
    MakeOutcome = Callable[..., Outcome]


def rows(store: SqliteStore, sql: str) -> list[tuple[Any, ...]]:
    with store.database.reading() as connection:
        return connection.execute(sql).fetchall()


def test_it_is_a_store(store: SqliteStore) -> None:
    anything: Store = store
    assert anything.recent() == ()


@pytest.mark.parametrize("damage", [b"\xff\x00", b'{"model": 5}', b"{\xff}"])
def test_a_damaged_decision_is_told_and_the_others_are_read(
    damage: bytes, store: SqliteStore, make_decision: Make
) -> None:
    damaged, whole = make_decision(decision_id="dec_1"), make_decision(decision_id="dec_2")
    store.record_decision(damaged)
    store.record_decision(whole)
    with store.database.transaction() as connection:
        connection.execute(
            "UPDATE routing_decisions SET details = ? WHERE decision_id = 'dec_1'", (damage,)
        )
    assert store.decision("dec_2") == whole
    for read in (lambda: store.decision("dec_1"), store.recent):
        with pytest.raises(StorageError, match=r"a decision in it is damaged.*db check"):
            read()


def test_a_decision_comes_back_whole(store: SqliteStore, make_decision: Make) -> None:
    made = make_decision(warnings=("Präzise",), needs_key="KEY", cached=True)
    store.record_decision(made)
    assert store.decision(made.decision_id) == made


def test_a_decision_survives_closing(tmp_path: Path, make_decision: Make) -> None:
    with SqliteStore.open(tmp_path / "a.db") as store:
        store.record_decision(make_decision())
    with SqliteStore.open(tmp_path / "a.db") as store:
        assert store.decision("decision-1") == make_decision()


def test_an_unknown_decision_is_an_error_that_names_it(store: SqliteStore) -> None:
    with pytest.raises(UnknownDecisionError, match="'nowhere'"):
        store.decision("nowhere")
    with pytest.raises(UnknownDecisionError):
        store.decision()
    with pytest.raises(UnknownDecisionError):
        store.decision("half a pair \ud800")


def test_the_latest_come_first_even_when_the_clock_went_back(
    store: SqliteStore, make_decision: Make
) -> None:
    for number in range(5):
        made = make_decision(number)
        earlier = made.created_at - timedelta(days=number)
        store.record_decision(made.model_copy(update={"created_at": earlier}))
    assert [made.decision_id for made in store.recent(limit=2)] == ["decision-4", "decision-3"]
    assert store.decision().decision_id == "decision-4"
    assert len(store.recent(limit=100)) == 5
    assert store.recent(limit=-1) == ()


def test_recording_the_same_decision_again_changes_nothing(
    store: SqliteStore, make_decision: Make
) -> None:
    for _ in range(3):
        store.record_decision(make_decision())
    assert len(store.recent()) == 1
    assert store.totals(period="all").decisions == 1


def test_prompts_are_kept_only_when_given(store: SqliteStore, make_decision: Make) -> None:
    secret = "the launch code is 0000"
    request = {"messages": [{"role": "user", "content": secret}], "category": "ops"}
    store.record_decision(make_decision(1, request=request))
    kept = "".join(map(str, rows(store, "SELECT * FROM routing_decisions")))
    assert "abc123" in kept
    assert secret not in kept
    store.record_decision(make_decision(2), prompt=secret)
    assert rows(store, "SELECT prompt FROM routing_decisions ORDER BY seq") == [(None,), (secret,)]


def test_text_that_utf8_cannot_carry_is_kept_with_a_mark(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    store.record_decision(
        make_decision(reasons=("half \ud800",)),
        prompt="x\udc00y",
        context=Context("p\ud83d", "日本", "🙂"),
    )
    store.record_outcome(make_outcome(note="\udfff", failure="\ud800"))
    assert store.decision("decision-1").reasons == ("half ?",)
    found = rows(store, "SELECT prompt, project, session, category FROM routing_decisions")
    assert found == [("x?y", "p?", "日本", "🙂")]
    assert rows(store, "SELECT note, failure FROM routing_outcomes") == [("?", "?")]


def test_an_outcome_belongs_to_the_project_of_its_decision(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    store.record_decision(make_decision(), context=Context("site", "s1", "docs"))
    store.record_outcome(make_outcome())
    store.record_outcome(make_outcome(project="other", session="", category="code"))
    store.record_outcome(make_outcome(decision_id="never stored"))
    found = rows(store, "SELECT project, session, category FROM routing_outcomes ORDER BY seq")
    assert found == [("site", "s1", "docs"), ("other", "", "code"), ("", "", "")]


def test_the_category_of_the_request_is_the_default(
    store: SqliteStore, make_decision: Make
) -> None:
    store.record_decision(make_decision(request={"messages": (), "category": "physics"}))
    assert [row.group for row in store.stats(by="category", period="all")] == ["physics"]


def test_absurd_numbers_do_not_break_the_sums(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    absurd = make_outcome(
        usage={"input_tokens": 10**30, "output_tokens": 10**30},
        cost_usd="1000000000",
        latency_ms=10**25,
        estimated_tokens=10**40,
    )
    for _ in range(300):
        store.record_outcome(absurd)
    assert store.totals(period="all").calls == 300
    assert store.integrity() == ()


def test_dates_before_1970_and_far_ahead_are_kept(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    for number, year in enumerate((1, 1969, 9999)):
        moment = make_decision().created_at.replace(year=year)
        store.record_decision(make_decision(number, created_at=moment))
        store.record_outcome(make_outcome(number, created_at=moment))
    assert store.totals(period="all").decisions == 3
    assert sum(row.calls for row in store.stats(by="day", period="all")) == 3
    assert store.performance(now=make_decision().created_at)["sonnet"][""].calls == 3


def test_events_are_kept(store: SqliteStore, make_decision: Make) -> None:
    now = make_decision().created_at
    store.record_decision(make_decision(), context=Context("site"))
    store.record_fallback(
        Fallback("decision-1", now, "debugging", "sonnet", "anthropic", "haiku", "x", "timeout")
    )
    store.record_rate_limit(RateLimit(now, "sonnet", "anthropic", "provider", 1_500))
    fallback = rows(store, "SELECT from_model, to_model, failure, project FROM fallback_events")
    assert fallback == [("sonnet", "haiku", "timeout", "site")]
    waited = rows(store, "SELECT model, source, retry_after_ms FROM rate_limit_events")
    assert waited == [("sonnet", "provider", 1_500)]


def test_several_records_are_kept_together_or_not_at_all(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    def both() -> None:
        with store.database.transaction():
            store.record_decision(make_decision())
            store.record_outcome(make_outcome())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        both()
    assert store.recent() == ()
    assert store.totals(period="all").calls == 0


def test_threads_share_one_store(store: SqliteStore, make_decision: Make) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 50):
            store.record_decision(make_decision(number))
            store.totals(period="all")

    threads = [threading.Thread(target=work, args=(1_000 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.totals(period="all").decisions == 400
    assert store.integrity() == ()


def test_a_closed_store_says_so(store: SqliteStore, make_decision: Make) -> None:
    store.close()
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.record_decision(make_decision())


def test_the_views_agree_with_the_reports(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    for number in range(300):
        store.record_decision(make_decision(number))
        store.record_outcome(make_outcome(number, ok=number % 4 > 0))
    now = make_decision().created_at
    store.record_fallback(
        Fallback("decision-1", now, "debugging", "sonnet", "anthropic", "haiku", "x", "timeout")
    )
    assert rows(store, "SELECT day, decisions, calls, ok FROM v_daily_costs") == [
        ("2026-11-20", 300, 300, 225)
    ]
    assert rows(store, "SELECT model, decisions, cost_usd FROM v_model_summary") == [
        ("sonnet", 300, 0.9)
    ]
    assert rows(store, "SELECT model, failed, fallbacks FROM v_fallback_rates") == [
        ("sonnet", 75, 1)
    ]
    assert rows(store, "SELECT * FROM v_budget_status") == []
