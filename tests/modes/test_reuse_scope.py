"""Answers are shared within one scope only: one user, one set of tags, one way of doing a task."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_router import Mode, ModeOptions, Request
from mcp_router.config.settings import Settings
from mcp_router.execution.limits import AS_SET
from mcp_router.modes.reuse import scope_of
from mcp_router.modes.stage import Job
from tests.storage.conftest import decision

# Few names and signs that JSON gives a meaning to, so that two draws are often nearly the same.
words = st.sampled_from(["a", "b", "ab", '"', '","', "a=b", "batch", "user", "\u2028", ""])
tags = st.dictionaries(words, words, max_size=3)
modes = st.sampled_from(list(Mode))
options = st.builds(
    ModeOptions,
    n=st.sampled_from([None, 1, 2]),
    same_model=st.booleans(),
    judges=st.lists(words, max_size=2).map(tuple),
)
scenes = st.tuples(tags, modes, options, st.lists(words, max_size=2).map(tuple))
Scene = tuple[dict[str, str], Mode, ModeOptions, tuple[str, ...]]


def scope(scene: Scene, settings: Settings) -> str:
    own, mode, chosen, fallbacks = scene
    request = Request.model_validate({"messages": [{"role": "user", "content": "Hi"}], "tags": own})
    decided: Any = decision().model_copy(update={"fallbacks": fallbacks})
    return scope_of(Job(request, decided, chosen, AS_SET), mode=mode, settings=settings)


def told(scene: Scene, across: tuple[str, ...]) -> object:
    own, mode, chosen, fallbacks = scene
    whose = {name: value for name, value in own.items() if name not in across}
    return (whose, mode, chosen) if mode is Mode.SINGLE else (whose, mode, chosen, fallbacks)


@given(scenes, scenes)
def test_two_tasks_share_a_scope_exactly_when_nothing_that_counts_differs(
    one: Scene, other: Scene
) -> None:
    settings = Settings()
    across = settings.cache.answers_across
    same = told(one, across) == told(other, across)
    assert (scope(one, settings) == scope(other, settings)) == same


def test_other_rules_of_a_mode_make_another_scope() -> None:
    scene: Scene = ({}, Mode.CASCADE, ModeOptions(), ())
    stricter = Settings.model_validate({"cascade": {"threshold": 0.9}})
    assert scope(scene, Settings()) != scope(scene, stricter)
    single: Scene = ({}, Mode.SINGLE, ModeOptions(), ())
    assert scope(single, Settings()) == scope(single, stricter)
    own = Settings.model_validate({"tasks": {decision().task_type: {"min_quality": 0.9}}})
    assert scope(single, Settings()) != scope(single, own)
