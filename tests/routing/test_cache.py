"""The decision cache: fresh for its time, bounded, and safe when the clock jumps."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from mcp_router.routing.cache import DecisionCache
from mcp_router.routing.decide import decide
from mcp_router.types import Decision
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


TTL, SIZE = 60, 3
KEYS = st.sampled_from("abcdef")


class CacheMachine(RuleBasedStateMachine):
    """A list of entries, the most recently used one last, and a clock that may jump."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = DecisionCache(ttl=TTL, size=SIZE)
        self.entries: list[tuple[str, datetime, Decision]] = []
        self.now = NOW
        self.made = 0

    @rule(seconds=st.sampled_from([-90, -1, 0, 1, 30, 59, 60, 300]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(key=KEYS)
    def put(self, key: str) -> None:
        self.made += 1
        decision = DECISION.model_copy(update={"decision_id": f"d{self.made}"})
        self.cache.put(key, decision, now=self.now)
        self.entries = [one for one in self.entries if one[0] != key]
        self.entries = [*self.entries, (key, self.now, decision)][-SIZE:]

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        found = self.cache.get(key, now=self.now)
        known = next((one for one in self.entries if one[0] == key), None)
        self.entries = [one for one in self.entries if one is not known]
        if known is None or not known[1] <= self.now < known[1] + timedelta(seconds=TTL):
            assert found is None
            return
        assert found is known[2]
        self.entries.append(known)

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.entries = []


CacheMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCacheMachine = CacheMachine.TestCase
