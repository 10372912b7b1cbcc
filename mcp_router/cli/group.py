"""The top-level command: which commands there are, each imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from mcp_router.cli.command import CONTEXT, with_examples, with_global_options
from mcp_router.version import __version__

PROGRAM = "mcp-router"


class Entry(NamedTuple):
    """A command: the module that defines it, its line in the help, and its name there.

    The name is that of the command unless it is given.
    """

    module: str
    summary: str
    function: str = ""


SECTIONS = {
    "Decide": {
        "route": Entry("decisions", "Choose the model for a task: why, and at what cost."),
        "classify": Entry("decisions", "Judge a task: its kind, difficulty, needs and size."),
        "explain": Entry("explanation", "Show every reason behind a recorded decision."),
        "model": Entry("model", "Run a line as typed behind /model in an agent."),
    },
    "Do": {
        "run": Entry("running", "Have a task done, with fallback when a model fails."),
        "workflow": Entry("workflows", "Run a form of several steps, resumable after a crash."),
        "batch": Entry("batches", "Have every task of a JSON Lines file done; resumable."),
        "experiment": Entry("experiments", "Split tasks between models; see which is better."),
        "feedback": Entry("feedback", "Say how good an answer was; later choices learn from it."),
    },
    "Models": {
        "models": Entry("catalogue", "List the models, or show one whole."),
        "compare": Entry("comparison", "Price one request on every model."),
        "fallback": Entry("fallback", "Show the chains as ladders: price, key and breaker."),
    },
    "Money": {
        "stats": Entry("reports", "Summarise decisions, calls, cost and savings."),
        "cost": Entry("spending", "Show what was spent, what the month will cost, and savings."),
        "budget": Entry("budgets", "Show each budget and what is left of it; set limits."),
        "cache": Entry("cache", "Show what kept answers hold and what they saved."),
        "suggest": Entry("suggestions", "Say how tokens and money could be saved."),
    },
    "Look back": {
        "report": Entry("publishing", "Write a report as one HTML page that needs no network."),
        "dashboard": Entry("publishing", "Serve the report to your browser, up to date."),
        "benchmark": Entry("benchmark", "Compare models on prompts of yours: quality, cost, time."),
        "eval": Entry("evaluation", "Say what our choices save on recorded outcomes.", "evaluate"),
        "learn": Entry("learning", "Learn from your judgements, and show what was learnt."),
        "export": Entry("exporting", "Write recorded rows as JSON, CSV or an SQLite database."),
    },
    "Set up": {
        "install": Entry("installation", "Add the server to the settings of an agent host."),
        "doctor": Entry("diagnosis", "Check everything from Python to the hosts."),
        "config": Entry("configuration", "Show every setting and where it came from."),
        "db": Entry("database", "Look after the database."),
        "reset": Entry("reset", "Forget what is cached, or the statistics."),
        "serve": Entry("service", "Serve agents over MCP on stdin and stdout, or over HTTP."),
        "token": Entry("tokens", "Make, list and revoke the tokens of the HTTP server."),
        "demo": Entry("demo", "See what it does on sample prompts; no key, no network."),
    },
}
ENTRIES = {name: entry for commands in SECTIONS.values() for name, entry in commands.items()}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of the help."""
        del ctx
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in ENTRIES:
            return None
        entry = ENTRIES[cmd_name]
        module = import_module(f"mcp_router.cli.{entry.module}")
        command: click.Command = getattr(module, entry.function or cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that a line begins with."""
        name = args[0]
        if name not in ENTRIES and not name.startswith("-"):
            if " " in name.strip():
                raise click.UsageError(f"To route a task: {PROGRAM} route {name[:40]!r}", ctx)
            raise click.exceptions.NoSuchCommand(name, possibilities=ENTRIES, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of the help by section, without importing any."""
        del ctx
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, entry.summary) for name, entry in commands.items()])


@with_examples(
    'mcp-router route "Fix the login bug"',
    "git diff | mcp-router route --strategy cost_first --json",
    'mcp-router run "Explain this error: EADDRINUSE" --max-cost 0.01',
)
@with_global_options(hidden=False)
@click.group(
    cls=LazyGroup, context_settings=CONTEXT, no_args_is_help=False, invoke_without_command=True
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Say which model should do a task, why, and at what cost; and have it done.

    Recommendations come from a local catalogue: no key is needed and nothing is sent anywhere.
    Only `run`, `workflow`, `batch`, `benchmark` and `models --check` call a model.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
