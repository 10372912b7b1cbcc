"""Streams of requests for trials of safe learning: recorded outcomes, and a simulated year."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mcp_router.belief.beta import Belief, after, mean, prior
from mcp_router.learning.switching import (
    MARGIN,
    SHARE,
    Change,
    Option,
    Plan,
    Trial,
    part_of,
    plan,
    room_left,
    value_gap,
)

HALF_LIFE_DAYS = 30.0
WINDOW_DAYS = 30.0
GENERAL_WEIGHT = 40.0
GROUP_WEIGHT = 15.0
PUBLIC_WEIGHT = 40.0


class Ask(NamedTuple):
    """A request: when, of what kind, and by model the chance of success and the cost in USD.

    `judged` tells whether anybody will say how good the answer was; a model that is away is not in
    `chances`.
    """

    day: float
    task: str
    chances: Mapping[str, float]
    costs: Mapping[str, float]
    judged: bool = True


class Spent(NamedTuple):
    """What a policy got and paid over a stream."""

    asks: int
    quality: float
    cost: float


class SafeLearner:
    """The rules of `learning/switching.py` on beliefs of its own, as the router applies them.

    `starts` is what is known of each model in general, `evidence` what is known of a model on a
    task, by both.
    """

    def __init__(
        self,
        starts: Mapping[str, float],
        *,
        usual: str,
        share: float = SHARE,
        evidence: Mapping[tuple[str, str], Belief] | None = None,
    ) -> None:
        self.known = dict(starts)
        self._evidence = dict(evidence or {})
        self._usual = usual
        self._share = share
        self._seen: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self._trials: dict[str, list[Trial]] = defaultdict(list)
        self._asked: Counter[str] = Counter()
        self.switches: dict[str, str] = {}
        self.changes = 0
        self._judged: deque[tuple[float, Change | None]] = deque(maxlen=2_000)
        self._room: float | None = 1.0

    def meet(self, model: str, *, start: float) -> None:
        """Hear of a new model."""
        self.known[model] = start

    def belief(self, task: str, model: str, *, day: float) -> Belief:
        """Believe in a model on a task: first what is known of it in general, then there."""
        known = self._evidence.get((task, model))
        if known is not None:
            return after(known, **self._decayed(task, model, day=day))
        start = prior(self.known[model], weight=GENERAL_WEIGHT)
        general = after(start, **self._decayed("", model, day=day))
        here = prior(mean(general), weight=GROUP_WEIGHT)
        return after(here, **self._decayed(task, model, day=day))

    def choose(self, ask: Ask, *, rng: random.Random) -> Plan:
        """Choose a model, switch the task where it is time, and switch it back."""
        safe = self._room is not None
        self._asked[ask.task] += 1
        usual = self._option(
            ask, self._usual if self._usual in ask.chances else next(iter(ask.chances))
        )
        found = plan(
            usual,
            [self._option(ask, one) for one in ask.chances if one != usual.model],
            switched=self.switches.get(ask.task, "") if safe else "",
            part=part_of(self._asked[ask.task], whole=self._asked.total()),
            share=self._share if safe else 0.0,
            room=self._room or 0.0,
            draw=rng.random(),
        )
        if found.failed and self.switches.get(ask.task) in ask.chances:
            del self.switches[ask.task]
            self.changes += 1
        if found.ready and safe:
            self._promote(ask, found.ready, usual)
        return found

    def hear(self, ask: Ask, chosen: Plan, *, score: float) -> None:
        """Take in how good the answer was."""
        model = chosen.chosen.model
        change = None
        if model != self._usual:
            usual = mean(self.belief(ask.task, self._usual, day=ask.day))
            expected = usual - mean(chosen.chosen.belief)
            change = Change(ask.task, expected, usual - score)
        self._judged.append((ask.day, change))
        self._room = self._look(ask.day)
        self._trials[ask.task].append(Trial(model, chosen.propensity, score))
        for task in ("", ask.task):
            seen = self._seen[task, model]
            kept = 0.5 ** ((ask.day - seen[2]) / HALF_LIFE_DAYS)
            seen[:] = [seen[0] * kept + score, seen[1] * kept + 1 - score, ask.day]

    def _look(self, day: float) -> float | None:
        """Look what is left of what the changes of the last 30 days may lose."""
        while self._judged[0][0] < day - WINDOW_DAYS:
            self._judged.popleft()
        changes = [change for _, change in self._judged if change is not None]
        return room_left(changes, decided=len(self._judged))

    def _promote(self, ask: Ask, model: str, usual: Option) -> None:
        starts = mean(self.belief(ask.task, model, day=ask.day)), mean(usual.belief)
        logged = self._trials[ask.task][-2_000:]
        gap = value_gap(logged, model=model, usual=usual.model, starts=starts)
        if gap >= -MARGIN and self.switches.get(ask.task) != model:
            self.switches[ask.task] = model
            self.changes += 1

    def _option(self, ask: Ask, model: str) -> Option:
        good, bad, _ = self._seen["", model]
        belief = self.belief(ask.task, model, day=ask.day)
        return Option(model, belief, int(good + bad), ask.costs[model])

    def _decayed(self, task: str, model: str, *, day: float) -> dict[str, float]:
        good, bad, at = self._seen[task, model]
        kept = 0.5 ** ((day - at) / HALF_LIFE_DAYS)
        return {"good": good * kept, "bad": bad * kept}


def pooled(start: float, *, good: float, cases: int) -> Belief:
    """Believe what others saw of a model on a task, leaning on what it does in general.

    It weighs at most as much as public evidence does.
    """
    whole = after(prior(start, weight=GROUP_WEIGHT), good=good, bad=cases - good)
    return prior(mean(whole), weight=min(PUBLIC_WEIGHT, sum(whole)))


def run_safe(stream: Sequence[Ask], learner: SafeLearner, *, seed: int) -> list[tuple[str, Ask]]:
    """Let a learner choose for a stream and hear of what is judged; returns what it chose."""
    rng = random.Random(seed)
    taken: list[tuple[str, Ask]] = []
    for ask in stream:
        for model in ask.chances:
            if model not in learner.known:
                learner.meet(model, start=0.8)
        found = learner.choose(ask, rng=rng)
        model = found.chosen.model
        taken.append((model, ask))
        if ask.judged:
            chance = ask.chances[model]
            score = chance if chance in (0.0, 1.0) else float(rng.random() < chance)
            learner.hear(ask, found, score=score)
    return taken


def spent(taken: Sequence[tuple[str, Ask]]) -> Spent:
    """Sum up what the chosen models were worth, by their true chances."""
    n = len(taken)
    quality = sum(ask.chances[model] for model, ask in taken) / n
    return Spent(n, quality, sum(ask.costs[model] for model, ask in taken) / n)


TASKS = ("debugging", "code_generation", "analysis", "summarization", "extraction", "chat")
_LOGITS: Mapping[str, Sequence[float]] = {
    "strong": (2.0, 2.0, 1.6, 2.6, 2.8, 2.6),
    "middle": (1.3, 1.6, 1.2, 2.6, 2.8, 2.7),
    "small": (0.2, 0.6, 0.2, 2.3, 2.7, 2.4),
    "tiny": (-1.0, -0.6, -0.8, 1.2, 2.2, 1.5),
    "new": (1.9, 2.1, 1.5, 2.5, 2.7, 2.6),
}
_PRICES = {"strong": 0.030, "middle": 0.008, "small": 0.002, "tiny": 0.0005, "new": 0.012}
STARTS = {"strong": 0.88, "middle": 0.84, "small": 0.76, "tiny": 0.58}

TESTED = 40
"""How many answers of each model to each task a public benchmark had judged before the year."""

CHEAPER_DAY, WORSE_DAY, AWAY, NEW_DAY = 120, 170, (240, 244), 200


def year(*, seed: int, per_day: float = 30.0, judged: float = 0.5) -> list[Ask]:
    """Simulate a year: a daily and weekly rhythm, drift, a price, an outage, and a new model.

    On day 120 the middle model halves its price, from day 170 the small one is worse at half of
    the tasks, on days 240 to 243 the middle one is away, and on day 200 a new model appears.
    """
    rng = random.Random(seed)
    drift: dict[tuple[str, str], float] = defaultdict(float)
    asks: list[Ask] = []
    for day in range(365):
        for key in ((model, task) for model in _LOGITS for task in TASKS):
            drift[key] = 0.995 * drift[key] + rng.gauss(0.0, 0.02)
        for moment in _arrivals(day, per_day=per_day, rng=rng):
            task = rng.choices(TASKS, weights=(3, 4, 2, 2, 2, 3))[0]
            asks.append(_ask(moment, task, drift, judged=rng.random() < judged, rng=rng))
    return asks


def tested(*, seed: int) -> dict[tuple[str, str], Belief]:
    """Draw what a public benchmark told of the models on each task; of the new one nothing."""
    rng = random.Random(f"tested {seed}")
    found: dict[tuple[str, str], Belief] = {}
    for at, task in enumerate(TASKS):
        for model in STARTS:
            chance = 1 / (1 + math.exp(-_LOGITS[model][at]))
            good = sum(rng.random() < chance for _ in range(TESTED))
            found[task, model] = pooled(STARTS[model], good=good, cases=TESTED)
    return found


def _arrivals(day: int, *, per_day: float, rng: random.Random) -> Iterator[float]:
    """Thin a Poisson process by the hour of the day and the day of the week (Lewis, 1979)."""
    top = 3.0 * per_day
    busy = 0.35 if day % 7 >= 5 else 1.0
    at = rng.expovariate(top)
    while at < 1:
        if rng.random() < busy * max(0.0, math.sin(math.pi * (24 * at - 6) / 15)) ** 1.5:
            yield day + at
        at += rng.expovariate(top)


def _ask(
    moment: float,
    task: str,
    drift: Mapping[tuple[str, str], float],
    *,
    judged: bool,
    rng: random.Random,
) -> Ask:
    length = rng.lognormvariate(0.0, 0.6)
    chances: dict[str, float] = {}
    costs: dict[str, float] = {}
    for model, logits in _LOGITS.items():
        if (model == "new" and moment < NEW_DAY) or (
            model == "middle" and AWAY[0] <= moment < AWAY[1]
        ):
            continue
        at = TASKS.index(task)
        logit = logits[at] + drift[model, task]
        if model == "small" and moment >= WORSE_DAY and at % 2:
            logit -= 1.2
        chances[model] = 1 / (1 + math.exp(-logit))
        half = model == "middle" and moment >= CHEAPER_DAY
        costs[model] = _PRICES[model] * length * (0.5 if half else 1.0)
    return Ask(moment, task, chances, costs, judged)


def best_single(stream: Sequence[Ask]) -> str:
    """Name the model that is there all the time and best over the stream, in hindsight."""
    always = [one for one in stream[0].chances if all(one in ask.chances for ask in stream)]
    return max(always, key=lambda one: sum(ask.chances[one] for ask in stream))


def oracle(stream: Sequence[Ask], *, single: str) -> list[tuple[str, Ask]]:
    """Choose, knowing every chance, the cheapest model that is as good as the single one."""
    taken: list[tuple[str, Ask]] = []
    for ask in stream:
        able = [one for one in ask.chances if ask.chances[one] >= ask.chances[single] - 0.005]
        taken.append((min(able, key=lambda one: ask.costs[one]), ask))
    return taken


def at_random(stream: Sequence[Ask], *, seed: int) -> list[tuple[str, Ask]]:
    """Choose any model."""
    rng = random.Random(seed)
    return [(rng.choice(list(ask.chances)), ask) for ask in stream]


def always(stream: Sequence[Ask], model: str) -> list[tuple[str, Ask]]:
    """Choose one model for everything."""
    return [(model, ask) for ask in stream]


def lowest(taken: Sequence[tuple[str, Ask]], *, single: str, after_asks: int) -> float:
    """Return the lowest mean quality so far beside the best single model, from an ask on."""
    total, least = 0.0, 0.0
    for n, (model, ask) in enumerate(taken, start=1):
        total += ask.chances[model] - ask.chances[single]
        if n >= after_asks:
            least = min(least, total / n)
    return least
