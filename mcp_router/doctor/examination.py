"""The whole examination, in the order in which one thing rests on another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.doctor.database import check_database
from mcp_router.doctor.finding import Finding, fail
from mcp_router.doctor.hosts import check_hosts
from mcp_router.doctor.machine import check_package, check_python
from mcp_router.doctor.server import check_server
from mcp_router.doctor.settings import check_catalog, check_keys, check_settings
from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from mcp_router.config.load import Loaded
    from mcp_router.hosts.host import Machine
    from mcp_router.hosts.launch import Launch


class Patient(NamedTuple):
    """What is examined.

    Attributes:
        python: the version of the interpreter.
        machine: home folder, variables and system.
        project: the folder whose settings of hosts count.
        launch: what starts the server.
        load: loads the settings.
        today: the day for which models and prices are looked up.
    """

    python: Sequence[int]
    machine: Machine
    project: Path
    launch: Launch
    load: Callable[[], Loaded]
    today: date


def examine(patient: Patient) -> tuple[Finding, ...]:
    """Run every check; one that fails does not keep the others from running."""
    loaded, settings = check_settings(patient.load)
    return (
        check_python(patient.python),
        check_package(),
        *settings,
        *(_check_models(loaded, patient=patient) if loaded else ()),
        *check_hosts(patient.machine, project=patient.project),
        check_server(patient.launch.words(), environ=patient.machine.environ),
    )


def _check_models(loaded: Loaded, *, patient: Patient) -> tuple[Finding, ...]:
    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.apply import configured_catalog
    from mcp_router.storage.opened import database_place

    settings = loaded.settings
    database = check_database(database_place(settings))
    try:
        base = Catalog.load(on=patient.today)
        catalog = configured_catalog(settings, base=base, sources=loaded.sources)
    except RouterError as error:
        return (fail("Catalogue", error.message, error.hint), *database)
    return (
        check_keys(catalog, settings=settings, environ=patient.machine.environ),
        *check_catalog(catalog, settings=settings, today=patient.today),
        *database,
    )
