"""Learning changes decisions only where it was allowed to, says so, and stops when told."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from mcp_router import Router
from mcp_router.config.settings import Settings
from mcp_router.learning.switching import SCARCE, SHARE
from mcp_router.reporting.learning import learning_report
from mcp_router.storage.lessons import judgements, keep_pairs, refit, set_active, undo_pairs
from mcp_router.types import Decision, Learnt
from tests.builders import ask

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WORDS = ("login", "socket", "cache", "render", "query", "index", "parser", "thread", "layout")


class World:
    """A strong model that ability alone puts first, a cheap one that may do, and a clock."""

    def __init__(self, folder: Path, **learning: Any) -> None:
        self.now = NOW
        self.path = folder / "router.db"
        self.settings = self.set(**learning)
        self.router = Router.open(self.settings, environ={}, clock=lambda: self.now)
        self._asked = 0

    def set(self, **learning: Any) -> Settings:
        fields = {"provider": "mine", "context": 128_000}
        able, less = (dict.fromkeys(("reasoning", "coding", "creativity"), n) for n in (7, 5))
        only = {"capability": 1, "cost": 0, "quality": 0, "latency": 0, "historical": 0}
        values: dict[str, Any] = {
            "db": str(self.path),
            "cache": {"enabled": False},
            "constraints": {"models": ["strong", "cheap"]},
            "providers": {
                "mine": {"wire": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key_env": ""}
            },
            "weights": only,
            "models": {
                "strong": {
                    **fields,
                    "quality": 0.9,
                    "capabilities": able,
                    "price": {"input": 10, "output": 40},
                },
                "cheap": {
                    **fields,
                    "quality": 0.88,
                    "capabilities": less,
                    "price": {"input": 1, "output": 4},
                },
            },
            "learning": learning,
        }
        return Settings.model_validate(values)

    def ask(self, words: str = "") -> Decision:
        self._asked += 1
        self.now += timedelta(seconds=90)
        said = words or " ".join(random.Random(self._asked).sample(WORDS, 4))
        return self.router.route(f"Fix the bug in the {said} module, number {self._asked}.")

    def live(self, asks: int, *, strong: float = 0.95, cheap: float = 1.0) -> Counter[str]:
        """Ask, and judge each answer by the chances of the two models; counts what was done."""
        rng = random.Random(7)
        kinds: Counter[str] = Counter()
        for _ in range(asks):
            found = self.ask()
            kinds["none" if found.learnt is None else found.learnt.kind] += 1
            chance = strong if found.model == "strong" else cheap
            self.router.feedback(found.decision_id, ok=rng.random() < chance)
        return kinds


@pytest.fixture
def passive(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.router.close()


@pytest.fixture
def trying(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, explore_usd_per_day="1")
    yield world
    world.router.close()


def rows(world: World, sql: str) -> list[Any]:
    with world.router.store.database.reading() as connection:
        return connection.execute(sql).fetchall()


def test_without_an_allowance_nothing_is_tried_and_nothing_is_kept_of_trials(
    passive: World,
) -> None:
    assert passive.live(60)["explored"] == 0
    assert rows(passive, "SELECT count(*) FROM learning_trials") == [(0,)]


def test_a_decision_keeps_a_small_sketch_of_its_words(passive: World) -> None:
    passive.ask()
    ((features,),) = rows(passive, "SELECT features FROM routing_decisions")
    assert 2 < len(features) <= 130


def test_what_is_switched_off_keeps_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, enabled=False, explore_usd_per_day="1")
    with world.router:
        assert world.live(5)["none"] == 5
        assert rows(world, "SELECT count(*) FROM routing_decisions WHERE features IS NULL") == [
            (5,)
        ]


def test_a_model_is_tried_explained_and_switched_to_once_it_is_sure(trying: World) -> None:
    kinds = trying.live(500)
    assert kinds["explored"] > 0
    assert kinds["switched"] > 0
    ((task, usual, model),) = rows(trying, "SELECT task_type, usual, model FROM learned_switches")
    assert (task, usual, model) == ("debugging", "strong", "cheap")
    changed = [one for one in trying.router.recent(limit=200) if one.learnt is not None]
    switched = next(one for one in changed if one.learnt and one.learnt.kind == "switched")
    assert switched.model == "cheap"
    assert switched.reason.startswith("As was learnt for a ")
    assert any(line.startswith("Learnt: cheap is ") for line in switched.reasons)
    assert switched.fallbacks[0] == "strong"
    assert "strong would win without what was learnt." in switched.counterfactuals


def test_a_trial_says_why_and_with_which_chance(trying: World) -> None:
    found = next(
        one
        for one in (trying.ask() for _ in range(100))
        if one.learnt and one.learnt.kind == "explored"
    )
    assert found.model == "cheap"
    assert found.learnt is not None
    assert 0 < found.learnt.propensity < 1
    assert any(line.startswith("Tried within your allowance: cheap is ") for line in found.reasons)


def test_a_trial_has_the_chance_that_the_room_for_losses_leaves(trying: World) -> None:
    chances: list[float] = []
    for _ in range(250):
        found = trying.ask()
        score = 0.9
        if found.learnt is not None and found.learnt.kind == "explored":
            room = trying.router.store.trials.room(now=trying.now)
            assert room is not None
            assert found.learnt.propensity == pytest.approx(SHARE * min(1.0, room / SCARCE))
            # The first two are bad luck.
            score = 0.75 if len(chances) < 2 else 1.0
            chances.append(found.learnt.propensity)
        trying.router.feedback(found.decision_id, score=score)
    assert chances[0] == chances[-1] == SHARE
    assert min(chances) < 0.9 * SHARE


def test_a_model_that_is_worse_is_never_switched_to(trying: World) -> None:
    trying.live(400, strong=0.95, cheap=0.5)
    assert rows(trying, "SELECT count(*) FROM learned_switches") == [(0,)]


def test_a_model_that_only_fails_is_never_switched_to(trying: World) -> None:
    trying.live(150, cheap=0.0)
    assert rows(trying, "SELECT count(*) FROM learned_switches") == [(0,)]


def test_trials_that_nobody_judges_end(trying: World) -> None:
    kinds = Counter(
        "none" if found.learnt is None else found.learnt.kind
        for found in (trying.ask() for _ in range(400))
    )
    assert 40 <= kinds["explored"] <= 52


def test_trying_costs_no_more_than_its_allowance(tmp_path: Path) -> None:
    world = World(tmp_path, explore_usd_per_day="0.01")
    with world.router:
        world.live(200)
        ((spent,),) = rows(
            world, "SELECT sum(cost_nanos) FROM learning_trials WHERE kind = 'explored'"
        )
        account = world.router.store.trials.account(now=world.now)
    assert 0 < spent <= 10_000_000
    assert account.spent_today_usd <= Decimal("0.01")


def test_the_allowance_is_new_each_day(tmp_path: Path) -> None:
    world = World(tmp_path, explore_usd_per_day="0.004")
    with world.router:
        first = world.live(100)["explored"]
        world.now += timedelta(days=1)
        assert world.live(100)["explored"] > 0
    assert first > 0


def switched(world: World) -> None:
    """Let a task type be switched, as if it had been learnt long ago."""
    world.live(500)
    assert rows(world, "SELECT undone FROM learned_switches") == [(0,)]


def test_the_kill_switch_stops_every_effect_in_every_process(trying: World) -> None:
    switched(trying)
    with Router.open(trying.settings, environ={}, clock=lambda: trying.now) as other:
        set_active(other.store.database, active=False)
    trying.now += timedelta(seconds=1)
    for _ in range(40):
        found = trying.ask()
        assert (found.learnt, found.model) == (None, "strong")
        assert not any("your own" in line for line in found.reasons)
    set_active(trying.router.store.database, active=True)
    assert any(trying.ask().model == "cheap" for _ in range(20))


def test_a_switch_whose_model_gets_worse_ends_or_rests(trying: World) -> None:
    switched(trying)
    trying.live(200, strong=0.97, cheap=0.2)
    report = learning_report(trying.router.store, settings=trying.settings, now=trying.now)
    assert report.resting or not report.switches
    kinds = Counter(found.learnt.kind for _ in range(20) if (found := trying.ask()).learnt)
    assert kinds["switched"] == 0


def test_a_switch_that_is_not_sure_any_more_ends(trying: World) -> None:
    switched(trying)
    database = trying.router.store.database
    # What the cheap model was judged by before is gone; what is expected of it is less.
    database.write("DELETE FROM routing_outcomes", ())
    database.write("DELETE FROM model_evidence", ())
    database.write("UPDATE summary_state SET folds = folds + 1", ())
    trying.live(40, strong=1.0, cheap=0.0)
    assert rows(trying, "SELECT count(*) FROM learned_switches") == [(0,)]
    told = [kind for (kind,) in rows(trying, "SELECT kind FROM learning_events ORDER BY seq")]
    assert "back" in told


def test_what_is_undone_stays_undone(trying: World) -> None:
    switched(trying)
    assert trying.router.store.trials.undo(task="debugging", now=trying.now) == ("debugging",)
    assert trying.live(150)["switched"] == 0
    assert rows(trying, "SELECT undone FROM learned_switches") == [(1,)]
    assert trying.router.store.trials.restore(task="", now=trying.now) == ("debugging",)
    assert trying.live(100)["switched"] > 0


def test_the_same_request_under_the_same_state_is_decided_alike(trying: World) -> None:
    trying.live(30)
    state = trying.router.observe()
    leave = trying.router.store.trials.leave(now=trying.now, allowance=Decimal(1), revision=1)
    state = state.model_copy(update={"learnt": Learnt(trying=leave)})
    asked = ask("Fix the bug")
    one, other = (trying.router.decide(asked, state=state, now=trying.now) for _ in range(2))
    assert one.learnt is not None
    assert one.model_copy(update={"decision_id": ""}) == other.model_copy(
        update={"decision_id": ""}
    )


def teach(world: World, *, asks: int = 160) -> None:
    """Judge the cheap model good at parsers and bad at shaders, and the strong one the reverse."""
    rng = random.Random(5)
    for at in range(asks):
        word = ("parser", "shader")[at % 2]
        model = ("strong", "cheap")[at // 2 % 2]
        decision = world.ask(f"{word} {word}s of the {word}")
        good = (model == "cheap") == (word == "parser")
        world.router.store.record_outcome(
            world.router.feedback(decision.decision_id, ok=good).model_copy(
                update={"model": model, "ok": good if rng.random() < 0.95 else not good}
            )
        )


def test_the_words_of_prompts_move_quality_and_are_explained(passive: World) -> None:
    teach(passive)
    refit(passive.router.store.database, now=passive.now)
    parser, shader = (passive.ask(f"{w} {w}s of the {w}") for w in ("parser", "shader"))

    def quality(decision: Decision) -> float:
        return next(one.quality for one in decision.candidates if one.model == "cheap")

    assert quality(parser) > quality(shader) + 0.05
    told = [line for one in (parser, shader) for line in one.reasons if "Learnt from " in line]
    assert told
    assert "of your outcomes" in told[0]
    undo_pairs(passive.router.store.database, undone=True)
    parser, shader = (passive.ask(f"{w} {w}s of the {w}") for w in ("parser", "shader"))
    assert quality(parser) == pytest.approx(quality(shader), abs=0.01)


def test_learning_again_keeps_what_a_person_undid(passive: World) -> None:
    teach(passive)
    database = passive.router.store.database
    refit(database, now=passive.now)
    undo_pairs(database, undone=True)
    refit(database, now=passive.now)
    assert passive.router.store.learnt.pairs == ()
    keep_pairs(database, [], now=passive.now)


def test_feedback_learns_by_itself_from_the_hundredth_on(passive: World) -> None:
    teach(passive, asks=130)
    assert len(rows(passive, "SELECT one FROM learned_pairs")) == 1


def _live(folder: str) -> int:
    world = World(Path(folder), explore_usd_per_day="0.01")
    with world.router:
        world.live(80)
        refit(world.router.store.database, now=world.now)
        return len(world.router.recent(limit=500))


def test_two_processes_that_learn_at_once_share_one_allowance(tmp_path: Path) -> None:
    World(tmp_path).router.store.close()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert sum(pool.map(_live, [str(tmp_path)] * 2)) >= 160
    world = World(tmp_path)
    with world.router:
        ((spent,),) = rows(
            world, "SELECT sum(cost_nanos) FROM learning_trials WHERE kind = 'explored'"
        )
        assert 0 < spent <= 10_000_000
        assert world.router.store.integrity() == ()


def test_resetting_the_statistics_forgets_what_was_learnt(trying: World) -> None:
    from mcp_router.storage.reset import clear_records

    switched(trying)
    clear_records(trying.router.store.database)
    assert trying.ask().model == "strong"
    for table in ("learned_pairs", "learned_switches", "learning_events"):
        assert rows(trying, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_stored_decision_tells_what_learning_did(trying: World) -> None:
    found = next(one for one in (trying.ask() for _ in range(100)) if one.learnt is not None)
    stored = trying.router.explain(found.decision_id)
    assert stored.learnt == found.learnt
    assert json.loads(stored.model_dump_json())["learnt"]["usual"] == "strong"


def test_decisions_from_before_there_were_sketches_are_left_out(passive: World) -> None:
    teach(passive)
    passive.router.store.database.write("UPDATE routing_decisions SET features = NULL", ())
    assert judgements(passive.router.store.database) == []
    assert refit(passive.router.store.database, now=passive.now) == 0
