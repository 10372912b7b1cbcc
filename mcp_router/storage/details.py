"""Decisions as the JSON they are stored in, and back."""

from __future__ import annotations

import json
import zlib
from operator import is_
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError

from mcp_router.errors import StorageError
from mcp_router.types import Decision

if TYPE_CHECKING:
    from mcp_router.types import Rejection

_APART = {"rejected"}
_DAMAGED = "Look for more with `mcp-router db check`; `mcp-router db prune` deletes old rows."


class DetailsWriter:
    """Writes decisions as JSON, and what they have in common with the one before only once.

    Retired models and those without a key are ruled out from every decision, by the very same
    values: they take a third of the time it takes to write a decision.
    """

    def __init__(self) -> None:
        self._latest: tuple[tuple[Rejection, ...], bytes] = ((), b'"rejected":[]}')

    def write(self, decision: Decision) -> bytes:
        """Write a decision in UTF-8 without the texts of its messages; may be called by threads."""
        if decision.request.messages:
            request = decision.request.model_copy(update={"messages": ()})
            decision = decision.model_copy(update={"request": request})
        try:
            # Bytes throughout: to make a str of them and back takes as long as the rest.
            body = decision.__pydantic_serializer__.to_json(decision, exclude=_APART)
            return b"".join((memoryview(body)[:-1], b",", self._rejected(decision)))
        except PydanticSerializationError:
            text = json.dumps(decision.model_dump(mode="json"), ensure_ascii=False)
            return text.encode("utf-8", "replace")

    def _rejected(self, decision: Decision) -> bytes:
        known, written = self._latest
        rejected = decision.rejected
        # Identity alone: to compare values takes longer than to write them.
        if len(rejected) != len(known) or not all(map(is_, rejected, known)):
            written = decision.__pydantic_serializer__.to_json(decision, include=_APART)[1:]
            self._latest = rejected, written
        return written


def compressed(text: str) -> bytes:
    """Compress the JSON of a decision, to a quarter of its size."""
    return zlib.compress(text.encode(), 6)


def decision_json(stored: str | bytes, *, place: str) -> str:
    """Return the JSON of a decision of the database at `place`, compressed or not.

    PostgreSQL keeps both as bytes.

    Raises:
        StorageError: it is damaged.
    """
    if isinstance(stored, str):
        return stored
    try:
        return (stored if stored.startswith(b"{") else zlib.decompress(stored)).decode()
    except (UnicodeDecodeError, zlib.error) as error:
        raise _damaged(place) from error


def decision_fields(stored: str | bytes, *, place: str) -> dict[str, Any]:
    """Read a decision back unchecked, which takes a tenth of the time.

    Raises:
        StorageError: it is damaged.
    """
    try:
        fields: dict[str, Any] = json.loads(decision_json(stored, place=place))
    except ValueError as error:
        raise _damaged(place) from error
    return fields


def read_decision(stored: str | bytes, *, place: str) -> Decision:
    """Read a decision back from the database at `place`.

    Raises:
        StorageError: it is damaged.
    """
    try:
        return Decision.model_validate_json(decision_json(stored, place=place))
    except ValueError as error:
        raise _damaged(place) from error


def _damaged(place: str) -> StorageError:
    return StorageError(path=place, problem="a decision in it is damaged", hint=_DAMAGED)
