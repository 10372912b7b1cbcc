"""An experiment while half of everything fails: what its report says is what happened."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from mcp_router import Mode, RouterError
from mcp_router.experiments.tally import results
from mcp_router.money import to_nanos
from mcp_router.studies.report import report_on
from mcp_router.testing import Answer
from mcp_router.testing.catalogue import QUICK
from tests.modes.test_storm import WAITING
from tests.modes.theatre import FINE, GOOD, POOR, costs
from tests.stepping import cancelled_everywhere
from tests.studies.laboratory import Laboratory

POOL = [fault for name, fault in QUICK.items() if not name.startswith(WAITING)]
PRICE = {"input": "3", "output": "15"}
ARMS = {"a": {"chain": ["first", "second"]}, "b": {"chain": ["third", "first"]}}


def put_on(lab: Laboratory) -> None:
    for name, text in (("first", GOOD), ("second", POOR), ("third", FINE)):
        lab.serve(name, Answer(text), price=PRICE)
    lab.start(arms=ARMS, min_samples=1_000)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_task_counts_once_in_its_arm_with_what_all_its_attempts_cost(
    lab: Laboratory, seed: int
) -> None:
    put_on(lab)
    lab.server.random_faults(rate=0.4, seed=seed, pool=POOL)
    chance = random.Random(seed)
    seen: dict[str | None, int] = {}
    paid: dict[str | None, int] = {}
    failed = 0
    for _ in range(25):
        mode = chance.choice([Mode.SINGLE, Mode.SINGLE, Mode.CASCADE, Mode.REDUNDANT])
        try:
            done = await lab.ask(mode=mode)
        except RouterError:
            failed += 1
            continue
        arm = lab.arm_of(done)
        seen[arm] = seen.get(arm, 0) + 1
        paid[arm] = paid.get(arm, 0) + costs(done)
    assert set(seen) <= set(ARMS)
    tallies = {tally.arm: tally for tally in lab.log.tallies("trial")}
    counted = sum(map(results, tallies.values()))
    assert sum(seen.values()) <= counted <= sum(seen.values()) + failed
    for arm, number in seen.items():
        assert arm is not None
        assert results(tallies[arm]) >= number
        assert to_nanos(Decimal(str(round(tallies[arm].cost, 9)))) >= paid[arm] - 1
    # Whoever adds up the arms finds no more than was spent.
    assert sum(tally.cost for tally in tallies.values()) * 1e9 <= lab.spent() + 1


async def test_the_report_has_one_row_for_each_arm_and_its_own_figures(lab: Laboratory) -> None:
    put_on(lab)
    for _ in range(6):
        await lab.ask()
    (stored,) = lab.log.live()
    report = report_on(stored, log=lab.log)
    assert report is not None
    assert [arm.arm for arm in report.arms] == list(ARMS)
    assert sum(arm.results for arm in report.arms) == 6
    assert (report.verdict, report.winner, report.state) == ("running", None, "running")
    for arm in report.arms:
        assert arm.changes == ARMS[arm.arm]
        if arm.results and arm.success_interval is not None:
            low, high = arm.success_interval
            assert low <= (arm.success or 0.0) <= high


async def test_a_call_given_up_at_any_await_is_counted_whole_or_not_at_all(
    lab: Laboratory,
) -> None:
    put_on(lab)
    runs = 0

    async def work() -> None:
        await lab.ask()

    async def after() -> None:
        nonlocal runs
        runs += 1

    stopped = await cancelled_everywhere(work, after=after)
    assert stopped >= 2
    # Who leaves after the answer was there has had it: it counts.
    assert runs - stopped <= sum(map(results, lab.log.tallies("trial"))) <= runs
