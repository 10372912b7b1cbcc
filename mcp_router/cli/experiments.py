"""The commands under `experiment`: what runs, what it shows, and when it begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.confirmation import agreed
from mcp_router.cli.output import say, show, show_json, write
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import WORDS

if TYPE_CHECKING:
    from mcp_router.errors import InvalidRequestError
    from mcp_router.storage.exposures import Exposures
    from mcp_router.studies.report import ExperimentReport

_name = click.argument("name", type=WORDS)


@with_examples(
    "mcp-router experiment start cheaper_code",
    "mcp-router experiment show cheaper_code",
)
@with_global_options()
@click.group(invoke_without_command=True)
@click.pass_context
def experiment(context: click.Context) -> None:
    """Split tasks between models; see which is better.

    An experiment stands in the settings, under [experiments.NAME], and does nothing until it is
    started. From then on it holds as it stood there, for every process that uses the database.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@with_global_options()
@click.command("list")
@json_option
@as_session
def list_(session: Session, as_json: bool) -> None:
    """List the experiments that were started, and those of the settings."""
    from mcp_router.cli.experiment_pages import list_page, report_json

    reports = _reports(session)
    if as_json:
        show_json({"experiments": [report_json(one) for one in reports]})
    else:
        show(list_page(reports))


@with_global_options()
@click.command("show")
@_name
@json_option
@as_session
def show_(session: Session, name: str, as_json: bool) -> None:
    """Show what an experiment says so far.

    You may look as often as you like: the intervals hold at every moment at once.
    """
    from mcp_router.cli.experiment_pages import report_json, report_page

    found = next((one for one in _reports(session) if one.name == name), None)
    if found is None:
        raise _unknown(session, name)
    if as_json:
        show_json(report_json(found))
    else:
        show(report_page(found))


@with_global_options()
@click.command()
@_name
@as_session
def start(session: Session, name: str) -> None:
    """Begin an experiment of the settings.

    Later changes in the settings do not touch it: to run it anew, stop and forget it first.
    """
    from mcp_router.experiments.treatment import models_of
    from mcp_router.storage.exposures import Exposures

    plan = session.settings.experiments.get(name)
    if plan is None:
        raise _unknown(session, name)
    for model in models_of(plan):
        session.catalog.chain(model)
    with session.router() as router:
        log = Exposures(router.store.database)
        details = plan.model_dump(mode="json")
        if not log.define(name, details=details, now=session.clock()):
            hint = "To run it anew, stop and forget it first."
            raise _refused("it was started before", hint=hint)
    arms = ", ".join(plan.arms)
    write(f"Started {clean(name)} with the arms {arms}; the control is {plan.base}.\n")


@with_global_options()
@click.command()
@_name
@click.option("--arm", type=WORDS, help="Stop this arm alone; the control takes over its tasks.")
@as_session
def stop(session: Session, name: str, arm: str | None) -> None:
    """End an experiment, or one arm of it.

    Once it has ended, tasks run as the settings say; what it showed stays.
    """
    from mcp_router.storage.exposures import Exposures

    with session.router() as router:
        log = Exposures(router.store.database)
        if arm is not None:
            _stop_arm(session, log, name, arm)
            return
        if not log.end(name, decided=False, now=session.clock()):
            raise _not_running(session, log, name)
    write(f"Ended {clean(name)}.\n")


@with_global_options()
@click.command()
@_name
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
@as_session
def forget(session: Session, context: click.Context, name: str, yes: bool) -> None:
    """Delete an experiment that has ended, with all it showed.

    What its calls cost stays in the reports.
    """
    from mcp_router.reporting.text import counted
    from mcp_router.storage.exposures import Exposures

    with session.router() as router:
        log = Exposures(router.store.database)
        stored = log.experiment(name)
        if stored is None:
            raise _unknown(session, name)
        if stored.state == "running":
            hint = f"End it first: mcp-router experiment stop {clean(name)}."
            raise _refused("it is running", hint=hint)
        if not yes and not agreed(f"Delete what {clean(name)} showed?"):
            say("hint", "Nothing was deleted.")
            context.exit(1)
        gone = log.forget(name)
    write(f"Forgot {clean(name)} with {counted(gone, 'task')}.\n")


def _reports(session: Session) -> list[ExperimentReport]:
    """Report on what was started, oldest first, then on what the settings declare besides."""
    from mcp_router.storage.exposures import Exposures
    from mcp_router.studies.report import declared, report_on

    with session.router() as router:
        log = Exposures(router.store.database)
        found = [report_on(stored, log=log) for stored in log.all()]
    reports = [one for one in found if one is not None]
    known = {one.name for one in reports}
    rest = session.settings.experiments.items()
    return [*reports, *(declared(name, plan=plan) for name, plan in rest if name not in known)]


def _stop_arm(session: Session, log: Exposures, name: str, arm: str) -> None:
    from mcp_router.studies.live import running_of

    stored = log.experiment(name)
    running = running_of(stored) if stored and stored.state == "running" else None
    if running is None:
        raise _not_running(session, log, name)
    plan = running.plan
    others = ", ".join(one for one in plan.arms if one != plan.base)
    if arm == plan.base:
        hint = f"End the experiment, or stop one of {others}."
        raise _refused(f"{clean(arm)} is its control", hint=hint)
    if arm not in plan.arms:
        raise _refused(f"it has no arm {clean(arm)!r}", hint=f"Its arms are {others}.")
    if not log.stop_arm(name, arm=arm, reason="somebody stopped it", now=session.clock()):
        raise _refused(
            f"{clean(arm)} was stopped before",
            hint=f"See why: mcp-router experiment show {clean(name)}",
        )
    write(f"Stopped {clean(arm)}; its tasks go to {plan.base}.\n")


def _unknown(session: Session, name: str) -> InvalidRequestError:
    from mcp_router.config.nearest import nearest

    known = session.settings.experiments
    near = nearest(name, known)
    hint = f"Did you mean {', '.join(near)}?" if near else "Describe it in the settings first."
    return _refused(f"there is no {clean(name[:40])!r}", hint=hint)


def _not_running(session: Session, log: Exposures, name: str) -> InvalidRequestError:
    if log.experiment(name) is not None:
        return _refused(
            f"{clean(name[:40])} has ended before",
            hint=f"See what it showed: mcp-router experiment show {clean(name[:40])}",
        )
    if name in session.settings.experiments:
        return _refused(
            f"{clean(name[:40])} was never started",
            hint=f"Begin it: mcp-router experiment start {clean(name[:40])}",
        )
    return _unknown(session, name)


def _refused(problem: str, *, hint: str = "") -> InvalidRequestError:
    from mcp_router.errors import InvalidRequestError

    return InvalidRequestError(field="experiment", problem=problem, hint=hint)


for command in (list_, show_, start, stop, forget):
    experiment.add_command(command)
