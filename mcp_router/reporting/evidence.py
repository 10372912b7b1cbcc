"""What was recorded in a span of time, read once for all analyses, and what to compare it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import UnknownModelError
from mcp_router.storage import analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.storage.analysis import Answered, FailureCount, LoggedDecision, OutcomeGroup
    from mcp_router.storage.periods import Bounds
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import ModelInfo


class Evidence(NamedTuple):
    """The outcomes of a span of time by kind of task, and the failures among them."""

    groups: tuple[OutcomeGroup, ...]
    tasks: tuple[Answered, ...]
    failures: tuple[FailureCount, ...]


def read_evidence(store: SqliteStore, *, bounds: Bounds) -> Evidence:
    """Read the outcomes of a span of time; takes some seconds per million of them.

    Raises:
        StorageError: the store could not be read.
    """
    database = store.database
    return Evidence(
        analysis.outcome_groups(database, bounds=bounds),
        analysis.answered(database, bounds=bounds),
        analysis.failures(database, bounds=bounds),
    )


def baseline_model(
    catalog: Catalog, *, name: str | None, log: Sequence[LoggedDecision]
) -> ModelInfo | None:
    """Find the model that savings are measured against: by name, else as the latest decision.

    Raises:
        UnknownModelError: the name given is no model; one in an old record is passed over.
    """
    if name is not None:
        return catalog.resolve(name)
    decided = next((one.baseline for one in log if one.baseline), None)
    if decided is None:
        return None
    try:
        return catalog.resolve(decided)
    except UnknownModelError:
        return None
