"""The decision cache: fresh for its time, bounded, and safe when the clock jumps."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.cache import DecisionCache
from mcp_router.routing.decide import decide
from tests.builders import NOW, catalog, model, situation

DECISION = decide(situation(catalog(model("m"))), decision_id="d")


@given(ttl=st.integers(0, 1000), age=st.integers(-1000, 2000))
def test_an_entry_is_found_exactly_while_it_is_fresh(ttl: int, age: int) -> None:
    cache = DecisionCache(ttl=ttl)
    cache.put("key", DECISION, now=NOW)
    found = cache.get("key", now=NOW + timedelta(seconds=age))
    assert (found is DECISION) == (0 <= age < ttl)


def test_the_least_recently_used_entry_goes_first() -> None:
    cache = DecisionCache(ttl=60, size=2)
    cache.put("a", DECISION, now=NOW)
    cache.put("b", DECISION, now=NOW)
    cache.get("a", now=NOW)
    cache.put("c", DECISION, now=NOW)
    assert [cache.get(key, now=NOW) is not None for key in "abc"] == [True, False, True]


def test_clearing_forgets_everything() -> None:
    cache = DecisionCache(ttl=60)
    cache.put("a", DECISION, now=NOW)
    cache.clear()
    assert cache.get("a", now=NOW) is None
