"""What was learnt: pairs of models, whether anything learnt counts, and the judgements behind it.

Every process sees a change within a second, as the state of a decision is at most that old.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.routing.sketch import unpacked
from mcp_router.storage.periods import to_ms
from mcp_router.types import Switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mcp_router.learning.pairs import Judged, Pair
    from mcp_router.learning.ridge import Ridge
    from mcp_router.storage.database import Connection, Database

MOST = 3_000
"""How many judgements are read, the latest ones."""

_STATE = "SELECT active, revision FROM learning_state"
_CHANGED = "UPDATE learning_state SET revision = revision + 1"
_ACTIVE = "UPDATE learning_state SET active = ?, revision = revision + 1"
_PAIRS = """
SELECT one, other, cases, gain, noise, helps, undone, weights FROM learned_pairs ORDER BY one, other
"""
_SWITCHES = "SELECT task_type, usual, model, chance FROM learned_switches WHERE undone = 0"
_KEEP = """
INSERT INTO learned_pairs (one, other, fitted_ms, cases, gain, noise, helps, weights)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (one, other) DO UPDATE SET
  fitted_ms = excluded.fitted_ms, cases = excluded.cases, gain = excluded.gain,
  noise = excluded.noise, helps = excluded.helps, weights = excluded.weights
"""
_UNDO_PAIRS = "UPDATE learned_pairs SET undone = ?"
# Of several judgements of one answer the latest counts.
# A scorer without a name looks at form and wording only, which no words of a request foretell.
_JUDGED = """
SELECT judged.task_type, decided.features, judged.model, coalesce(judged.score, judged.ok)
FROM routing_outcomes AS judged JOIN routing_decisions AS decided USING (decision_id)
WHERE decided.features IS NOT NULL AND judged.seq IN (
  SELECT max(seq) FROM (
    SELECT seq, decision_id, model FROM routing_outcomes
    WHERE source NOT IN ('execution', 'cache', 'scorer') ORDER BY seq DESC LIMIT ?
  ) AS latest GROUP BY decision_id, model)
ORDER BY judged.seq
"""
_COUNT = """
SELECT count(*) FROM (
  SELECT DISTINCT judged.decision_id, judged.model
  FROM routing_outcomes AS judged JOIN routing_decisions AS decided USING (decision_id)
  WHERE decided.features IS NOT NULL AND judged.source NOT IN ('execution', 'cache', 'scorer')
) AS answers
"""
_SAID = "SELECT count(*) FROM routing_outcomes WHERE source = 'feedback'"
_EVERY = 25


class KeptPair(NamedTuple):
    """A pair as it is kept; `undone` by a person, it has no effect."""

    pair: Pair
    undone: bool = False


class Known(NamedTuple):
    """What was learnt and may have an effect now: nothing where it is switched off."""

    active: bool
    revision: int
    pairs: tuple[Pair, ...] = ()
    switches: Mapping[str, Switch] = {}

    @property
    def effective(self) -> bool:
        """Whether any of it changes a decision."""
        return bool(self.pairs or self.switches)


NOTHING_LEARNT = Known(active=False, revision=0)


class LessonReader:
    """Reads what was learnt, and keeps it until something about it changes."""

    def __init__(self) -> None:
        self._known: Known | None = None

    def read(self, database: Database) -> Known:
        """Return what was learnt.

        Raises:
            StorageError: the file cannot be read.
        """
        with database.reading() as connection:
            active, revision = connection.execute(_STATE).fetchone()
            known = self._known
            if known is not None and known.revision == revision:
                return known
            known = Known(bool(active), revision)
            if active:
                pairs = tuple(
                    one.pair for one in _kept(connection) if one.pair.helps and not one.undone
                )
                known = known._replace(pairs=pairs, switches=_switches(connection))
        self._known = known
        return known


def set_active(database: Database, *, active: bool) -> None:
    """Switch every effect of learning on or off, in all processes.

    Raises:
        StorageError: the file cannot be written.
    """
    database.write(_ACTIVE, (int(active),))


def keep_pairs(database: Database, pairs: Sequence[Pair], *, now: datetime) -> None:
    """Keep what was learnt of pairs; a pair that a person undid stays undone.

    Raises:
        StorageError: the file cannot be written.
    """
    if not pairs:
        return
    rows = [
        (
            one.one,
            one.other,
            to_ms(now),
            one.cases,
            one.gain,
            one.noise,
            one.helps,
            _packed(one.ridge),
        )
        for one in pairs
    ]
    with database.transaction() as connection:
        connection.executemany(_KEEP, rows)
        connection.execute(_CHANGED)


def undo_pairs(database: Database, *, undone: bool) -> None:
    """Take the effect from every pair, or give it back.

    Raises:
        StorageError: the file cannot be written.
    """
    with database.transaction() as connection:
        connection.execute(_UNDO_PAIRS, (int(undone),))
        connection.execute(_CHANGED)


def kept_pairs(database: Database) -> tuple[KeptPair, ...]:
    """Return all that is kept of pairs.

    Raises:
        StorageError: the file cannot be read.
    """
    with database.reading() as connection:
        return tuple(_kept(connection))


def judgements(database: Database) -> list[Judged]:
    """Return the latest 3,000 judged answers whose words are known, oldest first.

    Raises:
        StorageError: the file cannot be read.
    """
    from mcp_router.learning.pairs import Judged

    with database.reading() as connection:
        rows = connection.execute(_JUDGED, (MOST,)).fetchall()
    found: list[Judged] = []
    for task, features, model, score in rows:
        sketch = unpacked(features)
        found.append(Judged(task, sketch.buckets, sketch.words, model, float(score)))
    return found


def refit(database: Database, *, now: datetime) -> int:
    """Learn anew from the words of the judged answers; return how many pairs were fitted.

    Takes about a tenth of a second for each pair of models.

    Raises:
        StorageError: the file cannot be used.
    """
    from mcp_router.learning.pairs import learn_pairs

    pairs = learn_pairs(judgements(database))
    keep_pairs(database, pairs, now=now)
    return len(pairs)


def refit_when_due(database: Database, *, now: datetime) -> None:
    """Learn anew at each 25th judgement of a person, once there are 100 of anybody.

    Raises:
        StorageError: the file cannot be used.
    """
    from mcp_router.learning.pairs import LEAST

    with database.reading() as connection:
        (said,) = connection.execute(_SAID).fetchone()
    if said % _EVERY == 0 and count_judgements(database) >= LEAST:
        refit(database, now=now)


def count_judgements(database: Database) -> int:
    """Count the judged answers.

    Raises:
        StorageError: the file cannot be read.
    """
    with database.reading() as connection:
        (count,) = connection.execute(_COUNT).fetchone()
    return int(count)


def _kept(connection: Connection) -> list[KeptPair]:
    rows = connection.execute(_PAIRS).fetchall()
    if not rows:
        return []
    # What learns takes memory and time to load, and most databases hold no pairs.
    from mcp_router.learning.pairs import Pair

    return [
        KeptPair(Pair(one, other, _ridge(weights), cases, gain, noise, bool(helps)), bool(undone))
        for one, other, cases, gain, noise, helps, undone, weights in rows
    ]


def _switches(connection: Connection) -> dict[str, Switch]:
    return {
        task: Switch(usual=usual, model=model, chance=chance)
        for task, usual, model, chance in connection.execute(_SWITCHES)
    }


def _packed(ridge: Ridge) -> bytes:
    """Write a ridge as its mean length and its weights, each with its bucket, in 6 bytes."""
    weights = (
        (at, weight) for at, weight in sorted(ridge.weights.items()) if math.isfinite(weight)
    )
    return struct.pack("<d", ridge.length) + b"".join(struct.pack("<Hf", *one) for one in weights)


def _ridge(data: bytes) -> Ridge:
    from mcp_router.learning.ridge import Ridge

    (length,) = struct.unpack_from("<d", data)
    return Ridge(dict(struct.iter_unpack("<Hf", data[8:])), length)
