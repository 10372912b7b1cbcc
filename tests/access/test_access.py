"""Grants, the book of tokens and the meter, over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from mcp_router.access.book import MAX_AGE_MS, TokenBook
from mcp_router.access.charging import charged
from mcp_router.access.grant import (
    ForbiddenError,
    Grant,
    acting,
    current,
    demand,
    granted,
    visible,
)
from mcp_router.access.meter import Meter, TooManyRequestsError, expected_tokens
from mcp_router.catalog.catalog import Catalog
from mcp_router.cli.tokens import SCOPES as OFFERED
from mcp_router.config.settings import Settings
from mcp_router.errors import InvalidRequestError
from mcp_router.money import to_usd
from mcp_router.storage.database import Database
from mcp_router.storage.tokens import (
    SCOPES,
    AccessToken,
    add_token,
    digest_of,
    new_secret,
    read_tokens,
    revoke_token,
)
from mcp_router.types import BudgetStatus, Constraints, Message, Request, Usage

NOW = 1_790_000_000_000
CATALOG = Catalog.load(on=date(2026, 11, 1))
REQUEST = Request(messages=(Message(role="user", content="Hi"),))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "r.db") as opened:
        yield opened


@pytest.fixture
def meter(database: Database) -> Meter:
    return Meter(database, now=lambda: NOW)


def make(name: str, secret: str, **fields: object) -> AccessToken:
    return AccessToken(name, digest_of(secret), "execute", created_ms=NOW)._replace(**fields)


def test_a_token_is_kept_as_a_hash_and_read_as_it_was(database: Database) -> None:
    secret = new_secret()
    made = make("a", secret, models=("opus",), daily_nanos=5, tokens_per_minute=7, expires_ms=NOW)
    assert add_token(database, made)
    assert read_tokens(database) == (made,)
    with database.reading() as connection:
        stored = connection.execute("SELECT * FROM access_tokens").fetchall()
    assert secret not in str(stored)
    assert len({new_secret() for _ in range(50)}) == 50


def test_a_name_is_free_again_once_its_token_is_void(database: Database) -> None:
    assert add_token(database, make("a", "1"))
    assert not add_token(database, make("a", "2"))
    assert revoke_token(database, "a", now=NOW)
    assert not revoke_token(database, "a", now=NOW)
    assert add_token(database, make("a", "3", expires_ms=NOW + 5))
    assert not add_token(database, make("a", "4", created_ms=NOW + 4))
    assert add_token(database, make("a", "5", created_ms=NOW + 5))


async def test_the_book_knows_new_tokens_at_once_and_revoked_ones_soon(
    database: Database,
) -> None:
    book = TokenBook(database, now=lambda: NOW)
    first, second = new_secret(), new_secret()
    add_token(database, make("a", first))
    found = await book.grant(first)
    assert found == Grant("a", "execute")
    add_token(database, make("b", second, models=("opus",)))
    assert await book.grant(second) == Grant("b", "execute", ("opus",))
    assert await book.grant(new_secret()) is None
    for odd in ("", "mrt_", "x" * 5_000, "mrt_" + "é\ud800" * 9):
        assert await book.grant(odd) is None
    revoke_token(database, "a", now=NOW)
    await book.refresh(max_age_ms=0)
    assert await book.grant(first) is None
    assert MAX_AGE_MS < 1_000


async def test_budgets_of_tokens_become_settings(database: Database) -> None:
    given = {"budget": {"tags": {"token=a": {"total": 9, "daily": 3}, "project=x": {"daily": 1}}}}
    settings = Settings.model_validate(given)
    book = TokenBook(database, now=lambda: NOW)
    add_token(database, make("a", "1", daily_nanos=2_000_000_000))
    add_token(database, make("b", "2"))
    add_token(database, make("c", "3", monthly_nanos=10**9))
    await book.refresh(max_age_ms=0)
    before = book.stamp()
    tags = book.with_budgets(settings).budget.tags
    assert set(tags) == {"token=a", "project=x", "token=c"}
    assert (tags["token=a"].daily, tags["token=a"].total) == (2, 9)
    assert (tags["token=c"].monthly, tags["token=c"].daily) == (1, None)
    revoke_token(database, "c", now=NOW)
    await book.refresh(max_age_ms=0)
    assert book.stamp() != before
    assert not book.is_empty


def test_scopes_include_those_before_them() -> None:
    allowed = {scope: [one for one in SCOPES if Grant("a", scope).allows(one)] for scope in SCOPES}
    assert allowed == {
        "read": ["read"],
        "execute": ["read", "execute"],
        "admin": ["read", "execute", "admin"],
    }


async def test_without_a_grant_everything_is_allowed_and_nothing_changes() -> None:
    demand("admin")
    assert granted(REQUEST, catalog=CATALOG) is REQUEST
    async with charged(REQUEST) as used:
        used(Usage())


def test_a_grant_marks_its_requests_and_ends_with_its_context(meter: Meter) -> None:
    with acting(Grant("a", "read"), meter=meter):
        assert granted(REQUEST, catalog=CATALOG).tags == {"token": "a"}
        with pytest.raises(ForbiddenError, match="needs execute"):
            demand("execute")
        forged = REQUEST.model_copy(update={"tags": {"token": "b"}})
        with pytest.raises(InvalidRequestError):
            granted(forged, catalog=CATALOG)
    assert current() is None


def test_models_are_narrowed_and_never_widened(meter: Meter) -> None:
    opus, haiku = (CATALOG.resolve(name).name for name in ("opus", "haiku"))
    with acting(Grant("a", "execute", ("opus", "haiku")), meter=meter):
        free = granted(REQUEST, catalog=CATALOG)
        assert free.constraints.models == (opus, haiku)
        wish = Constraints(models=("haiku", "sonnet"), min_quality=0.2)
        asked = REQUEST.model_copy(update={"constraints": wish})
        both = granted(asked, catalog=CATALOG).constraints
        assert (both.models, both.min_quality) == ((haiku,), 0.2)
        for change in ({"chain": "sonnet"}, {"constraints": Constraints(models=("sonnet",))}):
            with pytest.raises(ForbiddenError):
                granted(REQUEST.model_copy(update=change), catalog=CATALOG)


def test_others_budgets_are_seen_by_an_admin_only(meter: Meter) -> None:
    names = ("day", "token=a day", "token=ab month", "token=b", "project=x day")
    rows = [
        BudgetStatus(
            name=one,
            period="day",
            limit_usd=None,
            spent_usd=to_usd(0),
            reserved_usd=to_usd(0),
            left_usd=None,
        )
        for one in names
    ]
    with acting(Grant("a", "execute"), meter=meter):
        assert [one.name for one in visible(rows)] == ["day", "token=a day", "project=x day"]
    with acting(Grant("a", "admin"), meter=meter):
        assert len(visible(rows)) == 5
    assert len(visible(rows)) == 5


async def test_the_meter_counts_requests_by_name(meter: Meter) -> None:
    one, other = (Grant(name, "read", requests_per_minute=2) for name in "ab")
    for _ in range(2):
        await meter.request(one)
    with pytest.raises(TooManyRequestsError) as refused:
        await meter.request(one)
    assert 0 < refused.value.retry_after <= 60
    await meter.request(other)
    await meter.request(Grant("c", "read"))


async def test_the_meter_gives_back_what_was_not_used(meter: Meter) -> None:
    grant = Grant("a", "execute", tokens_per_minute=2_000)
    request = REQUEST.model_copy(update={"max_tokens": 900})
    assert expected_tokens(request) > 900
    with acting(grant, meter=meter):
        for _ in range(5):
            async with charged(request) as used:
                used(Usage(input_tokens=10, output_tokens=10))
        async with charged(request) as used:
            used(Usage(input_tokens=10, output_tokens=1_500))
        with pytest.raises(TooManyRequestsError):
            await meter.tokens(grant, request)


async def test_of_a_call_that_failed_the_prompt_alone_counts(meter: Meter) -> None:
    grant = Grant("a", "execute", tokens_per_minute=20_000)
    request = REQUEST.model_copy(update={"max_tokens": 15_000})
    with acting(grant, meter=meter):
        for _ in range(5):
            async with charged(request):
                pass
    long = Request(messages=(Message(role="user", content="word " * 15_000),), max_tokens=10)
    with acting(grant, meter=meter):
        async with charged(long):
            pass
        with pytest.raises(TooManyRequestsError):
            await meter.tokens(grant, long)


def test_the_command_line_offers_every_scope() -> None:
    assert OFFERED == SCOPES
