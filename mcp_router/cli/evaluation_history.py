"""`eval --history`: what other choices would have made of one's own judged decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.output import show, show_json, working
from mcp_router.cli.records import open_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.session import Session
    from mcp_router.evaluation.history import PastTrial
    from mcp_router.storage.judged import JudgedDecision


def show_history(session: Session, *, policy: str, seed: int, as_json: bool) -> None:
    """Estimate the policies on the judged decisions of the store, and show what is found.

    Raises:
        InvalidRequestError: too few decisions were judged, or nobody knows the policy.
        StorageError: the database could not be read.
    """
    from mcp_router.cli.evaluation_history_pages import history_json, history_page
    from mcp_router.storage.judged import judged_decisions

    with open_records(session) as store, working("Evaluating"):
        found = _trial(session, judged_decisions(store.database), policy=policy, seed=seed)
    if as_json:
        show_json(history_json(found, seed=seed))
    else:
        show(history_page(found))


def _trial(
    session: Session, rows: Sequence[JudgedDecision], *, policy: str, seed: int
) -> PastTrial:
    from mcp_router.cli.evaluation import is_rule, rule_of
    from mcp_router.evaluation.history import BUILT_IN, run_past_trial
    from mcp_router.evaluation.logged import logged
    from mcp_router.evaluation.trial import RULE

    choices, places = logged(rows)
    tried = sum(1 for place in places if rows[place].propensity is not None)
    if policy in BUILT_IN or not is_rule(policy):
        return run_past_trial(choices, policy=policy, tried=tried, seed=seed)
    from mcp_router.types import Decision

    pool = tuple(sorted({name for one in choices for name in one.options}))
    rule = rule_of(session, policy, pool=pool)
    picked = [
        rule.choose_again(Decision.model_validate_json(rows[place].decision)) or ""
        for place in places
    ]
    return run_past_trial(choices, policy=RULE, rule=picked, tried=tried, seed=seed)
