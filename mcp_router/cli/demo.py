"""The command `demo`: what the router says of sample prompts, and one prompt falling back."""

from __future__ import annotations

import shlex
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_global_options
from mcp_router.cli.output import show, show_json, working, write
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.cli.rehearsal import Rehearsal
    from mcp_router.types import Decision

OLLAMA = "http://127.0.0.1:11434"
_TASK = '"What is the capital of Mongolia?"'


@with_global_options()
@click.command()
@json_option
@as_session
def demo(session: Session, as_json: bool) -> None:
    """See what it does on sample prompts; no key, no network.

    First it routes ten prompts with the default settings: recommendations with estimated costs,
    no model is called. Then one prompt falls back from model to model: these are simulated, by a
    server on this machine that fails on purpose. Nothing is kept, nothing is spent.
    """
    import anyio

    from mcp_router.cli.rehearsal import rehearse
    from mcp_router.cli.samples import SAMPLES

    decisions = _decided(session, SAMPLES)
    if as_json:
        _show_json(SAMPLES, decisions, anyio.run(rehearse, session))
        return
    from mcp_router.cli.demo_pages import next_page, rehearsal_page, samples_page

    show(samples_page(SAMPLES, decisions))
    with working("One prompt falls back"):
        rehearsal = anyio.run(rehearse, session)
    program = _as_typed(session)
    offers = _offers(session, program=program)
    for page in (rehearsal_page(rehearsal), next_page(offers, program=program)):
        write("\n")
        show(page)


def _decided(session: Session, prompts: tuple[str, ...]) -> list[Decision]:
    from mcp_router.config.settings import Settings
    from mcp_router.router import Router

    with TemporaryDirectory(prefix="mcp-router-") as folder:
        settings = Settings(db=str(Path(folder) / "demo.db"))
        # Without the person's own keys and settings everybody sees the same.
        with Router.open(settings, environ={}, clock=session.clock) as router:
            return [router.route(prompt) for prompt in prompts]


def _show_json(prompts: tuple[str, ...], decisions: list[Decision], rehearsal: Rehearsal) -> None:
    from mcp_router.cli.rehearsal import PROMPT

    pairs = zip(prompts, decisions, strict=True)
    show_json(
        {
            "recommendations": [
                {"prompt": prompt, "decision": one.model_dump(mode="json")} for prompt, one in pairs
            ],
            "fallback": {
                "prompt": PROMPT,
                "simulated": True,
                "waits_ms": list(rehearsal.waits_ms),
                "execution": rehearsal.result.model_dump(mode="json"),
            },
        }
    )


def _as_typed(session: Session) -> str:
    """Return how this shell finds the program: by its name, else by the path from here."""
    from mcp_router.cli.installation import own_launch

    command, *args = own_launch().words()[:-1]
    name = Path(command).name
    if shutil.which(name, path=session.environ.get("PATH")) == command:
        command = name
    with suppress(ValueError, FileNotFoundError):
        command = str(Path(command).relative_to(Path.cwd()))
    return shlex.join((command, *args))


def _offers(session: Session, *, program: str) -> list[str]:
    """Write commands that have the real thing done with what is at hand; none is run here."""
    import anyio

    from mcp_router.cli.checkup import listens

    providers = _providers(session)
    offers = [
        f"{program} run {_TASK} --providers {name} --max-cost 0.01"
        for name in providers
        if name != "ollama"
    ]
    if "ollama" in providers:
        offers.append(f"{program} run {_TASK} --providers ollama")
    elif anyio.run(listens, OLLAMA):
        host = OLLAMA.removeprefix("http://")
        offers.append(f"OLLAMA_HOST={host} {program} run {_TASK} --providers ollama")
    return offers


def _providers(session: Session) -> list[str]:
    """Name the providers that have a key or are set up and have models."""
    from mcp_router.config.credentials import usable_providers
    from mcp_router.errors import ConfigError

    try:
        catalog, settings = session.catalog, session.settings
    except ConfigError:
        # The demo is for everybody, also for those whose settings need mending first.
        return []
    usable = usable_providers(catalog, settings=settings, environ=session.environ)
    with_models = {model.provider for model in catalog.models}
    return [name for name in catalog.providers if name in usable & with_models]
