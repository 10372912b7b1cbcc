"""The options that say how several models share one task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

from mcp_router.cli.values import NAMES, SECONDS, SHARE

if TYPE_CHECKING:
    from mcp_router.types import ModeOptions

# Written out, so that --help need not import pydantic; a test compares them with the enums.
MODES = ("single", "cascade", "ensemble", "redundant")
RESOLVES = ("auto", "consensus", "judge", "synthesis", "ranking")
MOST_MODELS = 10

_F = TypeVar("_F", bound=Callable[..., object])

_OPTIONS = (
    click.option(
        "--mode",
        type=click.Choice(MODES),
        default="single",
        help="One model with fallback; from cheap to dear until it is good; several that vote or "
        "are judged; or a race for the first good answer.",
    ),
    click.option(
        "--n", type=click.IntRange(1, MOST_MODELS), help="How many models answer at the most."
    ),
    click.option(
        "--same-model", is_flag=True, help="Ask one model --n times, to see whether it agrees."
    ),
    click.option(
        "--threshold", type=SHARE, help="The confidence that makes an answer good enough."
    ),
    click.option("--resolve", type=click.Choice(RESOLVES), help="How an ensemble becomes one."),
    click.option("--min-agreement", type=SHARE, help="The share of the answers a vote needs."),
    click.option("--judge", "judges", type=NAMES, help="Models that grade or merge the answers."),
    click.option(
        "--hedge/--no-hedge",
        default=None,
        help="Whether a race starts the next model only when one is slow.",
    ),
    click.option(
        "--scorer",
        "scorers",
        type=NAMES,
        help="What marks the answers: scorers of the settings, or heuristic, code, schema.",
    ),
    click.option("--deadline", type=SECONDS, help="Seconds after which slow models are dropped."),
)


class GivenMode(TypedDict):
    """The values of the mode options as click passes them."""

    mode: str
    n: int | None
    same_model: bool
    threshold: float | None
    resolve: str | None
    min_agreement: float | None
    judges: tuple[str, ...] | None
    scorers: tuple[str, ...] | None
    hedge: bool | None
    deadline: float | None


def mode_options(function: _F) -> _F:
    """Add the mode options to a command function."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def options_of(given: GivenMode) -> ModeOptions:
    """Build the options of a mode; what was not given leaves the settings in force.

    Raises:
        UsageError: an option that the mode has no use for.
    """
    from mcp_router.types import ModeOptions

    deadline = given["deadline"]
    values: dict[str, object] = {
        "n": given["n"],
        "same_model": given["same_model"],
        "threshold": given["threshold"],
        "resolve": given["resolve"],
        "min_agreement": given["min_agreement"],
        "judges": given["judges"],
        "scorers": given["scorers"],
        "hedge": given["hedge"],
        "deadline_ms": None if deadline is None else max(1, round(deadline * 1000)),
    }
    if not given["same_model"]:
        del values["same_model"]
    present = {name: value for name, value in values.items() if value is not None}
    fitting = _FITTING[given["mode"]] | _MARKED if given["scorers"] else _FITTING[given["mode"]]
    unfit = [name for name in present if name not in fitting]
    if unfit:
        modes = [mode for mode in MODES if unfit[0] in _FITTING[mode]]
        name = _NAMES.get(unfit[0], f"--{unfit[0].replace('_', '-')}")
        raise click.UsageError(f"{name} needs --mode {' or '.join(modes)}.")
    return ModeOptions.model_validate(present)


_NAMES = {"judges": "--judge", "deadline_ms": "--deadline"}
# Scorers go with every mode, and the bar that their marks must clear with them.
_MARKED = frozenset({"scorers", "threshold"})
_FITTING = {
    "single": frozenset[str](),
    "cascade": frozenset({"n", "threshold", "judges"}),
    "ensemble": frozenset({"n", "same_model", "resolve", "min_agreement", "judges", "deadline_ms"}),
    "redundant": frozenset({"n", "threshold", "hedge"}),
}
