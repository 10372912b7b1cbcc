"""The page and JSON of a trial on one's own judged decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.cli.evaluation_pages import percent, points
from mcp_router.cli.page import Column, Line, Notes, Page, Table
from mcp_router.evaluation.history import AS_IT_WAS
from mcp_router.evaluation.off_policy import LEAST_SIZE

if TYPE_CHECKING:
    from mcp_router.evaluation.history import PastTrial
    from mcp_router.evaluation.intervals import Line as Scored

_COLUMNS = (
    Column("Policy", flexible=True),
    Column("$ per 1,000", right=True),
    Column("Quality", right=True),
    Column("Saved %", right=True),
    Column("Gained points", right=True),
    Column("Worth", right=True),
)
_CHANCE = (
    "{random} of the choices were left to chance, as learning tries models; of the others the "
    "chance is taken from how often a model was chosen for the same task type and complexity, "
    "which is right only if nothing else decided."
)


def history_page(trial: PastTrial) -> Page:
    """Build the verdict, the table of policies and what the estimates rest on."""
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(trial.models.items()))
    rows = tuple(_row(one, trial) for one in trial.lines)
    weak = tuple(name for name, size in trial.sizes.items() if size < LEAST_SIZE)
    few = f"Not enough evidence, worth less than {LEAST_SIZE:.0f} choices: {', '.join(weak)}."
    return Page(
        (
            Line(history_verdict(trial), tone="title"),
            Line(
                f"{trial.choices:,} judged decisions ({counts}). Saved and gained against what was "
                "done, doubly robust estimates with 95 % intervals; worth is the effective sample "
                "size. What an oracle would choose cannot be known."
            ),
            Table(_COLUMNS, rows, marked=frozenset({0})),
            Line(_CHANCE.format(random=f"{trial.random:,}")),
            Notes("warning", (few,) if weak else ()),
        )
    )


def history_json(trial: PastTrial, *, seed: int) -> dict[str, Any]:
    """Build the JSON: costs in USD per request, shares from 0 to 1."""
    return {
        "seed": seed,
        "judged_decisions": trial.choices,
        "left_to_chance": trial.random,
        "models": dict(trial.models),
        "verdict": trial.verdict or "not enough evidence",
        "policies": [
            {
                **one._asdict(),
                "saved": one.saved._asdict(),
                "gained": one.gained._asdict(),
                "effective_sample_size": round(trial.sizes[one.policy], 1),
                "enough_evidence": trial.sizes[one.policy] >= LEAST_SIZE,
            }
            for one in trial.lines
        ],
    }


def history_verdict(trial: PastTrial) -> str:
    """Say in one sentence what the first policy would have saved, or that nobody can know."""
    first = trial.lines[0]
    if trial.verdict is None:
        size = trial.sizes[first.policy]
        return (
            f"Not enough evidence on {first.policy}: it would have chosen what was chosen too "
            f"seldom, worth {size:.0f} choices of the {LEAST_SIZE:.0f} that are needed."
        )
    saved = percent(first.saved).replace(" ", " % ", 1)
    gained = points(first.gained).replace(" ", " points ", 1)
    # Names of models keep the capitals they have.
    name = first.policy[:1].upper() + first.policy[1:]
    return {
        "saves": f"{name} would have saved {saved} at equal quality: {gained}.",
        "worse": f"{name} would have been {saved} cheaper, but worse: {gained}.",
        "unsure": f"{name} would have saved {saved}, perhaps at a loss of quality: {gained}.",
        "nothing": f"{name} would have saved nothing for certain: {saved}, {gained}.",
    }[trial.verdict]


def _row(one: Scored, trial: PastTrial) -> tuple[str, ...]:
    figures = (one.policy, f"{one.cost * 1000:.4g}", f"{one.quality:.3f}")
    size = f"{trial.sizes[one.policy]:,.0f}"
    if one.policy == AS_IT_WAS:
        return (*figures, "", "", size)
    return (*figures, percent(one.saved), points(one.gained), size)
