"""How hard a model is to think, in the words that each provider has for it.

Sources: https://platform.openai.com/docs/guides/reasoning,
https://platform.claude.com/docs/en/build-with-claude/effort and .../extended-thinking,
https://ai.google.dev/gemini-api/docs/thinking and .../openai (the budgets of its levels),
https://api-docs.deepseek.com/guides/thinking_mode, and the reference pages of the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.types import Need

if TYPE_CHECKING:
    from mcp_router.providers.wire import Json, Target
    from mcp_router.types import Effort

_ORDER = ("none", "minimal", "low", "medium", "default", "high")
_USUAL = ("low", "medium", "high")
_ALL = ("none", *_USUAL)


class _Rule(NamedTuple):
    provider: re.Pattern[str]
    model: re.Pattern[str]
    levels: tuple[str, ...]


def _rule(provider: str, model: str, *levels: str) -> _Rule:
    return _Rule(re.compile(provider), re.compile(model), levels)


# The first rule that fits holds. A level that is not taken is answered with a 400, so models that
# are not documented to take any get none.
_OPENAI_RULES = (
    _rule("openrouter", "", *_ALL),
    _rule("", "gpt-oss", *_USUAL),
    _rule("openai|azure", r"o\d", *_USUAL),
    _rule("openai|azure", r"gpt-5(-mini|-nano)?(-\d{4}|$)", "minimal", *_USUAL),
    _rule("openai|azure", r"gpt-5-pro", "high"),
    _rule("openai|azure", r"gpt-5\.", *_ALL),
    _rule("openai|azure", "", *_USUAL),
    _rule("deepseek", r"deepseek-(v4|flash)", *_ALL),
    _rule("groq", "qwen", "none", "default"),
    _rule("mistral", r"mistral-(small|medium)", "none", "high"),
    _rule("xai", r"grok-(4\.[5-9]|[5-9])", "low", "high"),
    _rule("fireworks", "", *_USUAL),
    _rule("ollama", "", *_ALL),
    _rule("deepseek|groq|mistral|xai|cerebras|together", ""),
    _rule("", "", *_USUAL),
)
_GEMINI_RULES = (
    _rule("", r"gemini-3-pro", "low", "high"),
    _rule("", r"gemini-3(\.[15])?-flash", "minimal", *_USUAL),
    _rule("", "", *_USUAL),
)
_GEMINI_BUDGETS = {"none": 0, "low": 1_024, "medium": 8_192, "high": 24_576}
_LEAST_OF_PRO = 128
_CLAUDE_BUDGETS = {"low": 2_048, "medium": 8_192, "high": 16_384}
_LEAST_BUDGET = 1_024
# Claude 4.6 and later think as they see fit; those before take a budget of tokens.
_BUDGETED = re.compile(r"claude-(3-7|(opus|sonnet|haiku)-4(-[0-5])?(-\d{8}|-\d\d?-\d{8}|$))")
_ALWAYS_THINKS = re.compile(r"claude-(fable|mythos)")


class Thinking(NamedTuple):
    """What goes into the body of a request, and what was changed of what was asked.

    `on` tells that the model will think, which rules other parameters out on some wires.
    """

    body: Json
    warnings: tuple[str, ...] = ()
    on: bool = False


NOTHING = Thinking({})


def openai_thinking(target: Target, effort: Effort | None) -> Thinking:
    """Write an effort for chat completions."""
    level, warnings = _level(target, effort, rules=_OPENAI_RULES)
    if level is None:
        return Thinking({}, warnings)
    if target.provider.name == "deepseek":
        if level == "none":
            return Thinking({"thinking": {"type": "disabled"}}, warnings)
        return Thinking({"thinking": {"type": "enabled"}, "reasoning_effort": level}, warnings)
    return Thinking({"reasoning_effort": level}, warnings)


def gemini_thinking(target: Target, effort: Effort | None) -> Thinking:
    """Write an effort for the generation config of Gemini."""
    model = target.model.id.removeprefix("models/")
    if effort is not None and model.startswith("gemini-2.5") and _takes(target):
        if effort == "none" and "pro" in model:
            changed = _changed(target, effort, f"{_LEAST_OF_PRO} tokens")
            return Thinking({"thinkingConfig": {"thinkingBudget": _LEAST_OF_PRO}}, (changed,))
        return Thinking({"thinkingConfig": {"thinkingBudget": _GEMINI_BUDGETS[effort]}})
    level, warnings = _level(target, effort, rules=_GEMINI_RULES)
    if level is None:
        return Thinking({}, warnings)
    return Thinking({"thinkingConfig": {"thinkingLevel": level}}, warnings)


def anthropic_thinking(
    target: Target, effort: Effort | None, *, max_tokens: int, settled: bool, unthought: bool
) -> Thinking:
    """Write an effort for messages.

    Args:
        target: the model.
        effort: what is asked.
        max_tokens: the longest answer, thoughts included.
        settled: whether the request fixes how the answer begins or which tool is called, which
            a model that thinks refuses.
        unthought: whether results follow calls that were made without thoughts, which a model
            with a budget for them refuses.
    """
    if effort is None or not _takes(target):
        silent = effort is None or (effort == "none" and not _thinks(target))
        return NOTHING if silent else Thinking({}, (_dropped(target),))
    model, warnings = target.model.id, tuple[str, ...]()
    if effort == "none" and _ALWAYS_THINKS.search(model):
        effort, warnings = "low", (_changed(target, effort, "low"),)
    if effort == "none":
        return Thinking({"thinking": {"type": "disabled"}})
    if settled:
        reason = "it cannot think first where its answer is begun or its tool chosen"
        return Thinking({}, (f"reasoning_effort dropped: {reason}",))
    if not _BUDGETED.search(model):
        body: Json = {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
        return Thinking(body, warnings, on=True)
    if unthought:
        reason = "the calls before were made without its thoughts"
        return Thinking({}, (f"reasoning_effort dropped: {reason}",))
    budget = min(_CLAUDE_BUDGETS[effort], max_tokens // 2)
    if budget < _LEAST_BUDGET:
        reason = f"max_tokens leaves less than {_LEAST_BUDGET} for thoughts"
        return Thinking({}, (f"reasoning_effort dropped: {reason}",))
    return Thinking({"thinking": {"type": "enabled", "budget_tokens": budget}}, on=True)


def _level(
    target: Target, effort: Effort | None, *, rules: tuple[_Rule, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """Find the level a model takes: the one asked, else the next below, else its lowest."""
    if effort is None:
        return None, ()
    levels = _levels(target, rules) if _takes(target) else ()
    if not levels:
        return None, () if effort == "none" and not _thinks(target) else (_dropped(target),)
    if effort in levels:
        return effort, ()
    asked = _ORDER.index(effort)
    below = [one for one in levels if _ORDER.index(one) < asked]
    chosen = max(below, key=_ORDER.index) if below else min(levels, key=_ORDER.index)
    return chosen, (_changed(target, effort, chosen),)


def _levels(target: Target, rules: tuple[_Rule, ...]) -> tuple[str, ...]:
    name, model = target.provider.name, target.model.id.rsplit("/", 1)[-1]
    return next(
        rule.levels for rule in rules if rule.provider.match(name) and rule.model.match(model)
    )


def _takes(target: Target) -> bool:
    return _thinks(target) and "reasoning_effort" not in target.model.rejects


def _thinks(target: Target) -> bool:
    return Need.THINKING in target.model.features


def _dropped(target: Target) -> str:
    why = "rejects it" if _thinks(target) else "does not think"
    return f"reasoning_effort dropped: {target.model.name} {why}"


def _changed(target: Target, asked: str, chosen: str) -> str:
    return f"reasoning_effort is {chosen}: {target.model.name} has no {asked}"
