"""The commands `config`, which also sets single settings, `config path` and `config check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import say, show, show_json, write
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import PATH, WORDS

if TYPE_CHECKING:
    from mcp_router.config.load import Loaded

_VARIABLES = "ROUTING_"
# Written out, so that --help need not import pydantic; a test compares them with the settings.
WEIGHTS = ("capability", "cost", "quality", "latency", "historical")


@with_examples(
    "mcp-router config --changed",
    "mcp-router config --set-weight cost 0.4 --set strategy balanced",
    "mcp-router config --set chains.mine opus,gpt --unset cache.ttl",
)
@with_global_options()
@click.group(invoke_without_command=True)
@click.option(
    "--changed", "only_changed", is_flag=True, help="Only what differs from the defaults."
)
@click.option(
    "--set-weight",
    "weights",
    type=(click.Choice(WEIGHTS), WORDS),
    multiple=True,
    metavar="NAME VALUE",
    help=f"Set a weight of the balanced strategy: {', '.join(WEIGHTS)}.",
)
@click.option(
    "--set",
    "settings",
    type=(WORDS, WORDS),
    multiple=True,
    metavar="KEY VALUE",
    help="Set a setting in your own file; a list with commas.",
)
@click.option(
    "--unset", "keys", type=WORDS, multiple=True, metavar="KEY", help="Take one out of it."
)
@json_option
@click.pass_context
def config(
    context: click.Context,
    only_changed: bool,
    weights: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...],
    keys: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show every setting and where it came from.

    Arguments win over ROUTING_* variables, these over the project's mcp-router.toml, and that
    over the one in your own config folder. Keys are never kept in settings, only the names of
    the variables that hold them. What --set and --unset change is checked first; comments and
    layout of the file stay.
    """
    session = context.ensure_object(Session)
    given = [*((f"weights.{name}", value) for name, value in weights), *settings]
    if given or keys:
        if context.invoked_subcommand is not None or as_json or only_changed:
            raise click.UsageError("Settings are either changed or shown, not both.")
        from mcp_router.cli.changing import set_settings

        set_settings(session, given, unset=keys)
    if given or keys or context.invoked_subcommand is not None:
        return
    from mcp_router.cli.configuration_pages import settings_json, settings_page

    if as_json:
        show_json(settings_json(session.loaded))
    else:
        show(settings_page(session.loaded, only_changed=only_changed))


@with_global_options()
@click.command()
@as_session
def path(session: Session) -> None:
    """Print the settings files, strongest last.

    Without any, prints the file that would be read, which you can create.
    """
    from mcp_router.config.files import FILE_NAMES
    from mcp_router.config.folders import config_folder

    files = session.loaded.files
    if not files:
        say("hint", "There is no settings file yet; this one would be read:")
        files = (config_folder() / FILE_NAMES[0],)
    write("".join(f"{clean(str(file))}\n" for file in files))


@with_global_options()
@click.command()
@click.argument("file", required=False, type=PATH)
@as_session
def check(session: Session, file: Path | None) -> None:
    """Check a settings file, or those in force.

    Exits with 1 and says what is wrong, where, and what is allowed there.
    """
    from mcp_router.config.merge import DEFAULT, MACHINE

    loaded = session.loaded if file is None else _alone(session, file)
    catalog = session.catalog_of(loaded)
    if file is not None:
        for warning in loaded.warnings:
            say("warning", warning)
    count = sum(place not in (DEFAULT, MACHINE) for place in loaded.sources.values())
    what = "The settings in force are" if file is None else f"{clean(str(file))} is"
    write(f"{what} fine: {count} set, {len(catalog.models)} models.\n")


def _alone(session: Session, file: Path) -> Loaded:
    # Variables of this shell would win over the file and hide what is wrong in it.
    rest = {name: v for name, v in session.environ.items() if not name.startswith(_VARIABLES)}
    return session.load(file, environ=rest)


config.add_command(path)
config.add_command(check)
