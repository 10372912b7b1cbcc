"""What was learnt of judged answers, as decisions take it, and the models they try meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from mcp_router.money import to_usd
from mcp_router.routing.sketch import sketch
from mcp_router.storage.lessons import NOTHING_LEARNT, refit_when_due
from mcp_router.types import Learnt, Lesson, Trying

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcp_router.config.settings import LearningSettings
    from mcp_router.storage.lessons import Known
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.store import Store
    from mcp_router.types import Decision, Request, RoutingState


class Decide(Protocol):
    """Decides one request under a state."""

    def __call__(self, *, state: RoutingState) -> Decision:
        """Decide it."""
        ...


class _Read(NamedTuple):
    """What was learnt, the leave to try models, the parts of all work, and the room for losses.

    They change together.
    """

    known: Known = NOTHING_LEARNT
    trying: Trying | None = None
    parts: Mapping[str, float] = {}
    room: float = 1.0


class Lessons:
    """Reads what was learnt for the decisions of one router, and tries models within its allowance.

    Nothing it does has an effect where the settings, or a person for all processes, switched
    learning off.
    """

    def __init__(self, settings: LearningSettings) -> None:
        self._settings = settings
        self._read = _Read()

    def read(self, store: Store, *, now: datetime) -> bool:
        """Read what was learnt; say whether learning has an effect at all.

        Raises:
            StorageError: the store could not be read.
        """
        if not self._settings.enabled:
            return False
        known = store.learnt
        # Set at once, as other threads decide meanwhile.
        self._read = self._allowed(known, store, now) if known.active else _Read()
        return known.active

    @property
    def learnt(self) -> Learnt | None:
        """What counts for every request, None where nothing was learnt."""
        read = self._read
        if not read.known.effective:
            return None
        return Learnt(switches=read.known.switches, parts=read.parts, room=read.room)

    def on_words(self, request: Request, *, state: RoutingState) -> RoutingState:
        """Add to a state what the words of a request tell, unless it has lessons of its own."""
        pairs = self._read.known.pairs
        if state.learnt is None or state.learnt.lessons or not pairs:
            return state
        from mcp_router.learning.pairs import shifts

        drawn = sketch(request)
        moved = shifts(pairs, drawn.buckets, words=drawn.words)
        lessons = {model: Lesson(shift=one.by, cases=one.cases) for model, one in moved.items()}
        learnt = state.learnt.model_copy(update={"lessons": lessons})
        return state.model_copy(update={"learnt": learnt})

    def with_trials(
        self, decide: Decide, *, state: RoutingState, store: Store, now: datetime
    ) -> Decision:
        """Decide with leave to try a model, unless the allowance turns out to be spent.

        Raises:
            RouterError: as `decide` raises, or the store failed.
        """
        (_, trying, parts, room), able = self._read, state
        if trying is not None:
            update = {"trying": trying, "parts": parts, "room": room}
            learnt = (state.learnt or Learnt()).model_copy(update=update)
            able = state.model_copy(update={"learnt": learnt})
        allowance = self._settings.explore_usd_per_day
        decision = decide(state=able)
        if not store.trials.admit(decision, allowance=allowance, now=now):
            decision = decide(state=state)
            store.trials.admit(decision, allowance=allowance, now=now)
        return decision

    def learn(self, store: SqliteStore, *, now: datetime) -> None:
        """Learn from what a person said of an answer, where enough was said by now.

        Raises:
            StorageError: the store could not be used.
        """
        if self._settings.enabled:
            refit_when_due(store.database, now=now)

    def _allowed(self, known: Known, store: Store, now: datetime) -> _Read:
        allowance = self._settings.explore_usd_per_day
        if not (allowance or known.switches):
            return _Read(known)
        room = store.trials.room(now=now)
        if room is not None:
            leave = store.trials.leave(now=now, allowance=allowance, revision=known.revision)
            return _Read(known, leave, store.trials.parts(now=now), room)
        # Switches rest, and nothing is tried, until both have lost little enough again; for that
        # the decisions go on being counted.
        resting = Trying(share=0.0, left_usd=to_usd(0))
        return _Read(known._replace(switches={}), resting, room=0.0)
