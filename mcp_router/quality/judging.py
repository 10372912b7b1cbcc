"""Judging by other models: which calls to make, and what their grades come to.

A judge favours places (the first answer, often) and itself. Every answer therefore stands in every
place equally often, so that whatever a place adds to a grade cancels, and nobody grades its own
answer while another can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, cast

from mcp_router.quality.json_text import read_json
from mcp_router.quality.prompts import judge_request
from mcp_router.types import Request

Orders = Literal["both_ways", "every_place"]
"""Both ways: an order and its reverse, two calls per judge, cancels what grows evenly from place to
place, and everything for two answers. Every place: as many calls as answers, cancels everything."""

_ROUNDS = 60


class Rng(Protocol):
    """Chance from outside, as `random.Random` gives it."""

    def random(self) -> float:
        """Return a number from 0 to below 1."""
        ...


class Answer(NamedTuple):
    """An answer to be judged, and the model that gave it."""

    model: str
    text: str


class JudgeCall(NamedTuple):
    """One call to make: `order` holds the places of the answers as the judge is shown them."""

    judge: str
    order: tuple[int, ...]
    request: Request


class Plan(NamedTuple):
    """The calls to make; `self_judged` are the answers that only their own model can grade."""

    calls: tuple[JudgeCall, ...]
    self_judged: tuple[int, ...] = ()


class Judgement(NamedTuple):
    """What the grades come to.

    `grades` are from 0 to 1, None for an answer nobody graded; `winner` is None without grades or
    in a tie; `calls` counts the replies that could be read. `place_bias` is by how much the first
    place was graded above the last, from -1 to 1.
    """

    winner: int | None
    grades: tuple[float | None, ...]
    calls: int
    place_bias: float


def plan_judging(
    request: Request,
    answers: Sequence[Answer],
    *,
    judges: Sequence[str],
    rng: Rng,
    orders: Orders = "both_ways",
) -> Plan:
    """Plan the calls by which `judges` grade `answers`; none for fewer than two answers.

    Judges that gave no answer see them all. Only where there is none does a model grade the
    others' answers, and its own only if nobody else can.
    """
    if len(answers) < 2 or not judges:
        return Plan(())
    authors = {answer.model for answer in answers}
    outside = [judge for judge in dict.fromkeys(judges) if judge not in authors]
    panel = outside or list(dict.fromkeys(judges))
    calls: list[JudgeCall] = []
    own: list[int] = []
    for judge in panel:
        mine = [at for at, answer in enumerate(answers) if answer.model == judge]
        others = len(panel) > 1
        own += [] if others else mine
        shown = [at for at in range(len(answers)) if not (others and at in mine)]
        for order in _orders(shown, orders, rng):
            mark = f"{int(rng.random() * 16**10):010x}"
            texts = [answers[at].text for at in order]
            calls.append(JudgeCall(judge, order, judge_request(request, texts, mark=mark)))
    return Plan(tuple(calls), tuple(own))


def read_grades(reply: str, *, count: int) -> tuple[float, ...] | None:
    """Read a judge's reply as grades from 0 to 1, in the order shown; None for no verdict."""
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    value, parsed = read_json(found[0]) if found else (None, False)
    if not parsed or not isinstance(value, Mapping):
        return None
    table = cast("Mapping[str, Any]", value)
    grades = table.get("grades", table)
    if not isinstance(grades, Mapping):
        return None
    row = cast("Mapping[str, Any]", grades)
    numbers = [row.get(str(at)) for at in range(1, count + 1)]
    given = [
        float(one)
        for one in numbers
        if isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 10
    ]
    return tuple(grade / 10 for grade in given) if len(given) == count else None


def combine_grades(
    calls: Sequence[JudgeCall], replies: Sequence[str | None], *, count: int
) -> Judgement:
    """Combine the replies to the calls of a plan; None stands for a call that failed.

    Where one order of a judge could not be read, that judge's others are left out too: half of a
    pair would bring the bias back. A severe judge counts like a lenient one.
    """
    read = [
        (call, read_grades(reply, count=len(call.order)) if reply is not None else None)
        for call, reply in zip(calls, replies, strict=True)
    ]
    broken = {call.judge for call, grades in read if grades is None}
    whole = [(call, grades) for call, grades in read if grades and call.judge not in broken]
    # All in ruins: what there is must do.
    used = whole or [(call, grades) for call, grades in read if grades]
    table: dict[tuple[str, int], list[float]] = {}
    for call, grades in used:
        for at, grade in zip(call.order, grades, strict=True):
            table.setdefault((call.judge, at), []).append(grade)
    means = {key: sum(grades) / len(grades) for key, grades in table.items()}
    scores = _levelled(means, count=count)
    cut = tuple(None if one is None else min(1.0, max(0.0, one)) for one in scores)
    return Judgement(_winner(scores), cut, len(used), _bias(used))


def _orders(shown: Sequence[int], orders: Orders, rng: Rng) -> Iterator[tuple[int, ...]]:
    if not shown:
        return
    shuffled = [at for _, at in sorted((rng.random(), at) for at in shown)]
    if len(shuffled) == 1:
        yield tuple(shuffled)
    elif orders == "both_ways":
        yield tuple(shuffled)
        yield tuple(reversed(shuffled))
    else:
        for turn in range(len(shuffled)):
            yield tuple(shuffled[turn:] + shuffled[:turn])


def _levelled(means: Mapping[tuple[str, int], float], *, count: int) -> tuple[float | None, ...]:
    """Average over judges, each judge's severity taken out where judges graded different answers.

    Alternating means of grade = answer + judge (two-way analysis without interaction).
    """
    judges = {judge for judge, _ in means}
    level = dict.fromkeys(judges, 0.0)
    scores: dict[int, float] = {}
    for _ in range(_ROUNDS if len(judges) > 2 else 1):
        for at in {at for _, at in means}:
            given = [grade - level[judge] for (judge, one), grade in means.items() if one == at]
            scores[at] = sum(given) / len(given)
        for judge in judges:
            off = [grade - scores[at] for (one, at), grade in means.items() if one == judge]
            level[judge] = sum(off) / len(off)
    return tuple(scores.get(at) for at in range(count))


def _winner(scores: Sequence[float | None]) -> int | None:
    known = sorted(
        ((score, at) for at, score in enumerate(scores) if score is not None), reverse=True
    )
    if not known or (len(known) > 1 and known[0][0] - known[1][0] < 1e-9):
        return None
    return known[0][1]


def _bias(used: Sequence[tuple[JudgeCall, tuple[float, ...]]]) -> float:
    gaps = [grades[0] - grades[-1] for _, grades in used if len(grades) > 1]
    return sum(gaps) / len(gaps) if gaps else 0.0
