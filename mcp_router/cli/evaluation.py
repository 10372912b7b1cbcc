"""The command `eval`: what our choices would have cost and given on recorded outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json, working, write
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import FILE, NAMES, PATH

if TYPE_CHECKING:
    from mcp_router.evaluation.outcomes import Outcomes, Rates, Row
    from mcp_router.evaluation.rules import Rule
    from mcp_router.evaluation.trial import Asked, Trial

_SAMPLES = ("llmrouter", "mmlu-pro")
_PRESENT = "present"


class _Options(TypedDict):
    """What a trial on recorded outcomes may be told."""

    prices: Path | None
    sample: str | None
    models: tuple[tuple[str, ...], ...]
    pair: tuple[str, ...] | None
    splits: int
    html: Path | None


@with_examples(
    "mcp-router eval",
    "mcp-router eval outcomes.jsonl --prices prices.json --html eval.html",
    "mcp-router eval outcomes.jsonl --policy mcp-router.toml",
    "mcp-router eval --history --policy cheapest --json",
)
@with_global_options()
@click.command("eval")
@click.argument("file", type=PATH, metavar="[OUTCOMES.jsonl]", required=False)
@click.option("--history", is_flag=True, help="Judge by your own judged decisions instead.")
@click.option(
    "--policy",
    metavar="NAME|FILE",
    default="learner",
    show_default=True,
    help="What the verdict is on.",
)
@click.option("--sample", type=click.Choice(_SAMPLES), help="The sample to take without a file.")
@click.option("--prices", type=PATH, help="Prices as JSON, before those of the catalogue.")
@click.option("--models", type=NAMES, multiple=True, help="Only these models.")
@click.option("--pair", type=NAMES, metavar="STRONG,WEAK", help="The two models of APGR and CPT.")
@click.option(
    "--splits",
    type=click.IntRange(1, 50),
    default=3,
    show_default=True,
    help="In how many ways the requests are halved.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Which halves and samples are drawn.",
)
@click.option("--html", type=FILE, help="A page to write.")
@json_option
@as_session
def evaluate(
    session: Session,
    file: Path | None,
    history: bool,
    policy: str,
    seed: int,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Say what our choices save on recorded outcomes.

    Without a file it takes a sample of real ones that comes with the package.

    A line of the file is {"prompt": …, "category": …, "scores": {MODEL: 0 to 1}} with
    "costs": {MODEL: USD} or "tokens": {MODEL: [input, output]}, and "task_type" or
    "latency_ms" where they are known; prices are {MODEL: {"input": 1.25, "output": 10}}
    in USD per million tokens.

    All is learnt and tuned on one half of the requests and scored on the other, and the reverse;
    the categories of the scored half are guessed from its prompts.

    A policy is learner, "best single model", cheapest, "random mix", "length only" or oracle; a
    model; a settings file, whose rules then choose; or present, for the settings as they are.
    """
    if history:
        from mcp_router.cli.evaluation_history import show_history

        if file is not None or options["sample"]:
            raise click.UsageError("--history takes no file and no sample.")
        show_history(session, policy=policy, seed=seed, as_json=as_json)
        return
    if file is not None and options["sample"]:
        raise click.UsageError("Give a file or a sample, not both.")
    _show_trial(session, file, policy=policy, seed=seed, as_json=as_json, options=options)


def _show_trial(
    session: Session,
    file: Path | None,
    *,
    policy: str,
    seed: int,
    as_json: bool,
    options: _Options,
) -> None:
    from mcp_router.cli.evaluation_pages import evaluation_json, evaluation_page
    from mcp_router.evaluation.trial import run_trial

    with working("Evaluating"):
        rows, rates, about = _rows(session, file, options=options)
        outcomes = _outcomes(rows, rates=rates, models=_flat(options["models"]))
        asked = _asked(session, rows, outcomes, policy=policy, seed=seed, options=options)
        trial = run_trial(outcomes, asked=asked)
    if options["html"] is not None:
        _write_page(trial, options["html"], about=about, dropped=outcomes.dropped)
    if as_json:
        show_json(evaluation_json(trial, about=about, dropped=outcomes.dropped, seed=seed))
    elif options["html"] is not None:
        write(f"{clean(str(options['html']))}\n")
    else:
        show(evaluation_page(trial, about=about, dropped=outcomes.dropped))


def _rows(
    session: Session, file: Path | None, *, options: _Options
) -> tuple[list[Row], Rates, str]:
    """Read the rows, the prices that are known, and what they are."""
    from mcp_router.evaluation.outcomes import read_rows
    from mcp_router.evaluation.prices import catalogue_rates, read_prices

    given: Rates = read_prices(options["prices"]) if options["prices"] is not None else {}
    if file is None:
        from mcp_router.evaluation.sample import SAMPLES, read_sample

        sample = read_sample(options["sample"] or SAMPLES[0])
        return list(sample.rows), {**sample.rates, **given}, f"A sample of {sample.about}"
    rows = read_rows(file)
    unpriced = {name for row in rows for name in row.scores} - {*given}
    known = catalogue_rates(unpriced, catalog=session.catalog, now=session.clock())
    return rows, {**known, **given}, file.name


def _outcomes(rows: list[Row], *, rates: Rates, models: tuple[str, ...]) -> Outcomes:
    from mcp_router.evaluation.outcomes import only, outcomes

    return outcomes(only(rows, models) if models else rows, rates=rates)


def _asked(
    session: Session,
    rows: list[Row],
    outcomes: Outcomes,
    *,
    policy: str,
    seed: int,
    options: _Options,
) -> Asked:
    from mcp_router.errors import InvalidRequestError
    from mcp_router.evaluation.trial import BUILT_IN, RULE, Asked

    asked = Asked(seed=seed, splits=options["splits"], pair=_pair(options["pair"], outcomes))
    if policy in BUILT_IN or policy in outcomes.models:
        return asked._replace(policy=policy)
    if not is_rule(policy):
        raise InvalidRequestError(
            field="policy",
            problem=f"{policy!r} is no policy, no judged model and no file",
            hint=f"Policies are: {', '.join((*BUILT_IN, _PRESENT))}.",
        )
    from mcp_router.evaluation.policies import best_single
    from mcp_router.evaluation.rules import choices

    rule = rule_of(session, policy, pool=outcomes.models)
    whole = [row for row in rows if all(one in row.scores for one in outcomes.models)]
    picked = choices(whole, rule=rule, otherwise=best_single(outcomes.requests))
    return asked._replace(policy=RULE, rule=picked)


def is_rule(policy: str) -> bool:
    """Tell whether a policy is a settings file, or the settings as they are."""
    return policy == _PRESENT or Path(policy).is_file()


def rule_of(session: Session, policy: str, *, pool: tuple[str, ...]) -> Rule:
    """Make a policy of a settings file, or of the settings as they are.

    Raises:
        ConfigError: a setting is wrong.
        InvalidRequestError: the settings know too few models of the pool.
    """
    from mcp_router.evaluation.rules import Rule

    loaded = session.loaded
    if policy != _PRESENT:
        loaded = session.load(Path(policy), environ=session.environ)
    catalog = session.catalog_of(loaded)
    return Rule(loaded.settings, catalog=catalog, pool=pool, now=session.clock())


def _pair(named: tuple[str, ...] | None, outcomes: Outcomes) -> tuple[str, str] | None:
    if named is None:
        return None
    known = [one for one in named if one in outcomes.models]
    if len(named) != 2 or len(known) != 2 or known[0] == known[1]:
        raise click.UsageError(f"--pair takes two of: {', '.join(outcomes.models)}.")
    return known[0], known[1]


def _flat(named: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(name for names in named for name in names)


def _write_page(trial: Trial, path: Path, *, about: str, dropped: tuple[str, ...]) -> None:
    from mcp_router.cli.evaluation_pages import verdict
    from mcp_router.cli.writing import replacing
    from mcp_router.dashboard.evaluation import evaluation_document

    with working("Drawing"), replacing(path, force=True) as partial:
        page = evaluation_document(trial, verdict=verdict(trial), about=about, dropped=dropped)
        partial.write_text(page, encoding="utf-8")
