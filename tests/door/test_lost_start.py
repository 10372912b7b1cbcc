"""A server that is started while its shared database is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mcp_router.storage.database import Database
from mcp_router.storage.tokens import AccessToken, add_token, digest_of, new_secret
from tests.door.house import HELLO, House, until
from tests.storage.servers import SERVER, Gate, fresh_schema, needs_server

pytestmark = needs_server
CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m-a", "messages": HELLO}


@pytest.fixture
def schema() -> Iterator[str]:
    with fresh_schema() as address:
        yield address.rpartition("%3D")[2]


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    made.shut()
    yield made
    made.shut()


def test_it_starts_and_lets_callers_in_once_the_database_is_there(
    own_house: House, schema: str, gate: Gate
) -> None:
    own_house.more = {"budget": {"daily": "5", "on_lost_database": "open"}}
    started = own_house.started(ready=False, ROUTING_DB=gate.address(schema))
    secret = new_secret()
    with started as served, served.client(secret) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        refused = client.post(CHAT, json=BODY)
        assert refused.status_code == 503
        assert "the server does not answer" in refused.text
        gate.open()
        until(lambda: client.get("/readyz").status_code == 200)
        with Database.open(f"{SERVER}?options=-csearch_path%3D{schema}") as database:
            add_token(database, AccessToken("alice", digest_of(secret), "execute", created_ms=1))
        assert client.post(CHAT, json=BODY).status_code == 200
    assert "Calls go on without their database." in served.logged()


def test_it_does_not_start_where_no_budget_could_hold(
    own_house: House, schema: str, gate: Gate
) -> None:
    done = own_house.run("serve", "--http", "--port", "0", ROUTING_DB=gate.address(schema))
    assert done.returncode != 0
    assert "the server does not answer" in done.stderr
