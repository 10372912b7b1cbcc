"""What was learnt from judged answers, what it changed, and what trying models cost and saved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mcp_router.learning.pairs import LEAST
from mcp_router.money import Usd, UsdSum
from mcp_router.storage.lessons import count_judgements, kept_pairs
from mcp_router.types import Value

if TYPE_CHECKING:
    from mcp_router.config.settings import Settings
    from mcp_router.storage.lessons import KeptPair
    from mcp_router.storage.sqlite import SqliteStore

_SIDES = 1.96


class LearntPair(Value):
    """A pair of models: the squared error on unseen judgements that words take away.

    `low` and `high` are the 95 % interval of the gain; only where it `helps` and nobody undid it
    is the pair `on`.
    """

    models: tuple[str, str]
    judged: int
    gain: float
    low: float
    high: float
    helps: bool
    on: bool


class LearntSwitch(Value):
    """A task type that went from its usual model to another; `undone` by a person it went back."""

    task_type: str
    usual: str
    model: str
    since: datetime
    chance: float
    undone: bool


class LearntEvent(Value):
    """One change that learning, or a person about it, made."""

    at: datetime
    task_type: str
    kind: str
    told: str


class LearningReport(Value):
    """Everything about learning at one moment.

    Attributes:
        enabled: whether the settings allow it.
        active: whether it is switched on, by the settings and by `mcp-router learn`.
        resting: whether switches and trying rest, as they lost more quality than they may.
        judged: how many judged answers there are, and `needed` how many the words of prompts need.
        allowance_usd: what may be spent a day on trying models, 0 for no trying.
        saved_usd: what the tried and switched requests cost less than the usual models, estimated.
    """

    enabled: bool
    active: bool
    resting: bool
    judged: int
    needed: int
    pairs: tuple[LearntPair, ...]
    switches: tuple[LearntSwitch, ...]
    events: tuple[LearntEvent, ...]
    allowance_usd: Usd
    spent_today_usd: Usd
    tried: int
    tried_usd: Usd
    switched: int
    saved_usd: UsdSum


def learning_report(store: SqliteStore, *, settings: Settings, now: datetime) -> LearningReport:
    """Sum up what was learnt.

    Raises:
        StorageError: the store could not be read.
    """
    enabled = settings.learning.enabled
    active = enabled and store.learnt.active
    account = store.trials.account(now=now)
    return LearningReport(
        enabled=enabled,
        active=active,
        resting=active and store.trials.room(now=now) is None,
        judged=count_judgements(store.database),
        needed=LEAST,
        pairs=tuple(_pair(one, active=active) for one in kept_pairs(store.database)),
        switches=tuple(LearntSwitch(**one._asdict()) for one in account.switches),
        events=tuple(LearntEvent(**one._asdict()) for one in account.events),
        allowance_usd=settings.learning.explore_usd_per_day,
        spent_today_usd=account.spent_today_usd,
        tried=account.tried,
        tried_usd=account.tried_usd,
        switched=account.switched,
        saved_usd=account.saved_usd,
    )


def _pair(one: KeptPair, *, active: bool) -> LearntPair:
    pair = one.pair
    return LearntPair(
        models=(pair.one, pair.other),
        judged=pair.cases,
        gain=pair.gain,
        low=pair.gain - _SIDES * pair.noise,
        high=pair.gain + _SIDES * pair.noise,
        helps=pair.helps,
        on=pair.helps and not one.undone and active,
    )
