"""The command `eval`: what our choices would have cost and given on recorded outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json, working
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.evaluation.outcomes import Outcomes, Rates

_FILE = click.Path(path_type=Path)


@with_examples(
    "mcp-router eval outcomes.jsonl",
    "mcp-router eval outcomes.jsonl --prices prices.json --json",
)
@with_global_options()
@click.command("eval")
@click.argument("file", type=_FILE, metavar="OUTCOMES.jsonl")
@click.option("--prices", type=_FILE, help="Prices as JSON, before those of the catalogue.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Which halves and samples are drawn.",
)
@json_option
@as_session
def evaluate(session: Session, file: Path, prices: Path | None, seed: int, as_json: bool) -> None:
    """Say what our choices save on recorded outcomes.

    A line of the file is {"prompt": …, "category": …, "scores": {MODEL: 0 to 1}} with
    "costs": {MODEL: USD} or "tokens": {MODEL: [input, output]}; prices are
    {MODEL: {"input": 1.25, "output": 10}} in USD per million tokens.

    All is learnt and tuned on one half of the requests and scored on the other, and the reverse;
    the categories of the scored half are guessed from its prompts.
    """
    from mcp_router.cli.evaluation_pages import evaluation_json, evaluation_page
    from mcp_router.evaluation.trial import run_trial

    with working("Evaluating"):
        outcomes = _outcomes(session, file, prices=prices)
        trial = run_trial(outcomes, seed=seed)
    if as_json:
        show_json(evaluation_json(trial, dropped=outcomes.dropped, seed=seed))
    else:
        show(evaluation_page(trial, dropped=outcomes.dropped))


def _outcomes(session: Session, file: Path, *, prices: Path | None) -> Outcomes:
    from mcp_router.evaluation.outcomes import outcomes, read_rows
    from mcp_router.evaluation.prices import catalogue_rates, read_prices

    rows = read_rows(file)
    given: Rates = read_prices(prices) if prices is not None else {}
    unpriced = {name for row in rows for name in row.scores} - {*given}
    known = catalogue_rates(unpriced, catalog=session.catalog, now=session.clock())
    return outcomes(rows, rates={**known, **given})
