"""Answers given again: where that was asked for, a kept one stands in for a call."""

from __future__ import annotations

import json
import time
from functools import cached_property
from typing import TYPE_CHECKING

from mcp_router.errors import LostDatabaseError, StorageError
from mcp_router.money import to_usd
from mcp_router.storage.answer_keys import answer_key
from mcp_router.storage.answers import AnswerCache, is_keepable
from mcp_router.types import (
    Attempt,
    DeltaEvent,
    DoneEvent,
    Media,
    Mode,
    Outcome,
    ToolCallEvent,
    ToolResult,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_router.config.settings import Settings
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.storage.answers import KeptAnswer
    from mcp_router.storage.near import Sketch
    from mcp_router.types import (
        Completion,
        Message,
        ModelInfo,
        ProviderInfo,
        Request,
        Reuse,
        StreamEvent,
    )

_MB = 1024 * 1024
_FREE = to_usd(0)


def shelf_for(stage: Stage, job: Job, *, mode: Mode, reuse: Reuse) -> Shelf | None:
    """Find the place of a task's answer; None where it must be new.

    Settings alone leave out what is meant to vary: a temperature above 0, media behind an address.
    """
    # Models of another caller may only be called like those of the catalogue.
    if stage.delegated or (job.request.reuse is None and _varies(job.request)):
        return None
    return Shelf(stage, job, mode=mode, near=reuse == "near")


class Shelf:
    """The place of one task's answer: `take` gives the kept one, `keep` puts a new one there."""

    def __init__(self, stage: Stage, job: Job, *, mode: Mode, near: bool) -> None:
        self._stage = stage
        self._job = job
        self._mode = mode
        self._near = near
        rules = stage.settings.cache
        self._cache = AnswerCache(
            stage.store.database, ttl=rules.answers_ttl, max_bytes=rules.answers_max_mb * _MB
        )

    def take(self) -> Completion | None:
        """Return the kept answer as that of this task, and record it; None where there is none.

        Raises:
            StorageError: the database failed.
        """
        try:
            return self._taken()
        except LostDatabaseError:
            if self._stage.store.database.on_lost == "closed":
                raise
            return None

    def _taken(self) -> Completion | None:
        began, now = time.perf_counter(), self._stage.clock()
        key, sketch = self._key, self._sketch
        # One commit, so that a hit that is counted is one that was recorded.
        with self._stage.store.database.transaction():
            kept = self._cache.get(key, now=now, fits=self._fits)
            if kept is None and sketch is not None:
                kept = self._cache.get_near(sketch, now=now, fits=self._fits)
            if kept is None:
                return None
            done = self._again(kept, seconds=time.perf_counter() - began)
            self._stage.store.record_outcome(self._outcome(done))
        return done

    def keep(self, done: Completion) -> Completion:
        """Keep an answer if it is whole and good; a cache that fails costs no answer."""
        if not (is_keepable(done) and self._fits(done)):
            return done
        try:
            self._cache.put(self._key, done, now=self._stage.clock(), sketch=self._sketch)
        except StorageError as error:
            warning = f"the answer could not be kept: {error.message}"
            return done.model_copy(update={"warnings": (*done.warnings, warning)})
        return done

    @cached_property
    def _key(self) -> bytes:
        model, provider = self._head
        return answer_key(self._job.request, model=model, provider=provider, scope=self._scope)

    @cached_property
    def _sketch(self) -> Sketch | None:
        if not self._near:
            return None
        from mcp_router.storage.near import sketch

        model, provider = self._head
        return sketch(self._job.request, model=model, provider=provider, scope=self._scope)

    @cached_property
    def _head(self) -> tuple[ModelInfo, ProviderInfo]:
        """The model that was chosen; what stood in for it is found under its name as well."""
        catalog, decision = self._stage.catalog, self._job.decision
        return catalog.resolve(decision.model), catalog.providers[decision.provider]

    @cached_property
    def _scope(self) -> str:
        return scope_of(self._job, mode=self._mode, settings=self._stage.settings)

    def _fits(self, done: Completion) -> bool:
        """Say whether an answer is good enough, and only of models that this task may ask."""
        if done.confidence is not None and done.confidence < self._threshold:
            return False
        decision = self._job.decision
        able = {decision.model, *decision.fallbacks, *decision.others}
        able.update(one.model for one in decision.candidates)
        return able.issuperset({done.model, *(one.model for one in done.answers)})

    @cached_property
    def _threshold(self) -> float:
        """The confidence of a good answer: as its scorers, the call, task or cascade ask."""
        settings, job = self._stage.settings, self._job
        exam = self._stage.examiner.exam_of(self._stage, job)
        if exam is not None:
            return exam.bar
        task = settings.tasks.get(job.decision.task_type)
        asked = (job.options.threshold, None if task is None else task.threshold)
        return next((one for one in asked if one is not None), settings.cascade.threshold)

    def _again(self, kept: KeptAnswer, *, seconds: float) -> Completion:
        first = kept.completion
        to = "a question in other words" if kept.near else "the same request"
        reason = f"an answer to {to} was kept on {kept.kept_at:%Y-%m-%d %H:%M} UTC"
        source = f"{reason} ({first.decision_id})"
        tried = Attempt(
            model=first.model,
            provider=first.provider,
            outcome="cache",
            reason=source,
            cost_usd=_FREE,
        )
        answers = [one.model_copy(update={"cost_usd": _FREE}) for one in first.answers]
        warnings = (reason, *first.warnings) if kept.near else first.warnings
        return first.model_copy(
            update={
                "decision_id": self._job.decision.decision_id,
                "usage": Usage(),
                "cost_usd": _FREE,
                "latency_ms": round(seconds * 1000),
                "first_token_ms": None,
                "attempts": (tried,),
                "answers": tuple(answers),
                "cached": True,
                "warnings": warnings,
            }
        )

    def _outcome(self, done: Completion) -> Outcome:
        request, decision = self._job.request, self._job.decision
        return Outcome(
            decision_id=decision.decision_id,
            created_at=self._stage.clock(),
            model=done.model,
            provider=done.provider,
            task_type=decision.task_type,
            complexity=decision.complexity,
            ok=True,
            source="cache",
            note=done.attempts[0].reason,
            latency_ms=done.latency_ms,
            cost_usd=_FREE,
            category=request.category or "",
            project=request.tags.get("project", ""),
            session=request.tags.get("session", ""),
        )


def scope_of(job: Job, *, mode: Mode, settings: Settings) -> str:
    """Write what keeps answers apart besides the request: whose it is, and how it is done."""
    tags = job.request.tags.items()
    content: dict[str, object] = {
        "tags": {name: value for name, value in tags if name not in settings.cache.answers_across},
        "mode": mode,
        "options": job.options.model_dump(mode="json", exclude_defaults=True),
        "trim_history": settings.fallback.trim_history,
    }
    task = settings.tasks.get(job.decision.task_type)
    if task is not None:
        content["task"] = task.model_dump(mode="json")
    if mode is not Mode.SINGLE:
        content["rules"] = getattr(settings, mode.value).model_dump(mode="json")
        content["models"] = [job.decision.model, *job.decision.fallbacks]
    return json.dumps(content, sort_keys=True)


def events_of(done: Completion) -> Iterator[StreamEvent]:
    """Give an answer that is there already as a stream gives it."""
    if done.content:
        yield DeltaEvent(done.content)
    for call in done.tool_calls:
        yield ToolCallEvent(call)
    yield DoneEvent(done)


def _varies(request: Request) -> bool:
    return bool(request.temperature) or any(map(_points_elsewhere, request.messages))


def _points_elsewhere(message: Message) -> bool:
    """Say whether a message holds media behind an address, where they may change."""
    if isinstance(message.content, str):
        return False
    parts = list(message.content)
    for part in message.content:
        if isinstance(part, ToolResult) and not isinstance(part.content, str):
            parts += part.content
    return any(isinstance(part, Media) and part.url for part in parts)
