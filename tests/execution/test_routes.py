"""Where a model is served, and under which name its circuit stands."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_router.config.apply import configured_catalog
from mcp_router.config.settings import Settings
from mcp_router.errors import UnknownModelError
from mcp_router.execution.routes import Routes, fingerprint
from mcp_router.storage.breaker import BreakerKey
from mcp_router.storage.circuit import Verdict
from tests.execution.kitchen import built_in

OPEN = Verdict(allowed=False, state="open", until=99)

LOCAL = {"wire": "openai", "base_url": "http://127.0.0.1:1/v1"}


def routes(model: dict[str, Any], environ: dict[str, str] | None = None) -> Routes:
    settings = Settings.model_validate(
        {
            "providers": {"east": LOCAL, "west": {**LOCAL, "api_key_env": "WEST_KEY"}},
            "models": {"mine": {"context": 8_000, **model}},
        }
    )
    catalog = configured_catalog(settings, base=built_in())
    return Routes(catalog, settings=settings, environ=environ or {})


def test_a_model_is_served_at_its_provider() -> None:
    (route,) = routes({"provider": "east", "id": "mine-v1"}).of("mine")
    assert (route.provider, route.model.id, route.weight) == ("east", "mine-v1", 1.0)
    assert route.key == ("east", "mine", "")
    assert route.target.api_key is None


def test_deployments_take_the_place_of_the_provider() -> None:
    places = [{"provider": "east", "weight": 3}, {"provider": "west", "id": "hers"}]
    east, west = routes({"deployments": places}, {"WEST_KEY": " sk-1 "}).of("mine")
    assert (east.provider, east.model.id, east.weight) == ("east", "mine", 3.0)
    assert (west.provider, west.model.id, west.target.api_key) == ("west", "hers", "sk-1")
    assert west.model.name == east.model.name == "mine"
    assert west.key == ("west", "mine", fingerprint("sk-1"))


def test_a_place_may_have_a_price_of_its_own() -> None:
    places = [{"provider": "east", "price": {"input": 2, "output": 3}}, {"provider": "west"}]
    own = {"input": 1, "output": 1}
    east, west = routes({"deployments": places, "price": own}).of("mine")
    rates = [one.model.prices[0].tiers[0].rates for one in (east, west)]
    assert [(one.input, one.output) for one in rates] == [(2 * 10**9, 3 * 10**9), (10**9, 10**9)]


def test_a_model_is_blocked_once_every_place_of_it_is() -> None:
    found = routes({"deployments": [{"provider": "east"}, {"provider": "west"}]})
    east, west = (one.key for one in found.of("mine"))
    assert found.blocked({}) == {}
    assert found.blocked({east: OPEN}) == {}
    assert found.blocked({east: OPEN, west: OPEN._replace(until=50)}) == {"mine": 50}


def test_a_place_told_apart_by_its_id_counts_for_its_model() -> None:
    places = [{"provider": "east", "id": "a"}, {"provider": "east", "id": "b"}]
    found = routes({"deployments": places})
    keys = [one.key for one in found.of("mine")]
    assert found.blocked(dict.fromkeys(keys, OPEN)) == {"mine": 99}
    assert found.blocked({BreakerKey("east", "nobodys@a"): OPEN}) == {}


def test_two_places_at_one_provider_fail_apart() -> None:
    places = [{"provider": "east", "id": "a"}, {"provider": "east", "id": "b"}]
    keys = {route.key for route in routes({"deployments": places}).of("mine")}
    assert len(keys) == 2


def test_any_name_of_a_model_leads_to_its_routes() -> None:
    found = routes({"provider": "east", "aliases": ["ours"]})
    assert found.of("ours")[0].key == found.of("mine")[0].key
    with pytest.raises(UnknownModelError):
        found.of("nobodys")


def test_a_key_is_told_apart_but_not_kept() -> None:
    assert fingerprint("one") != fingerprint("two")
    assert fingerprint("") == ""
    assert "secret" not in fingerprint("secret")
    (route,) = routes({"provider": "west"}, {"WEST_KEY": "sk-secret"}).of("mine")
    assert "sk-secret" not in repr(route)
