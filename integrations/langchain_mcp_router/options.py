"""What one call may choose: strategy, constraints, chain, category, budget tags, session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from langchain_mcp_router.usage import cached_tokens
from mcp_router import Constraints, InvalidRequestError

CONFIG_KEY = "router"
"""Where in `config["configurable"]` the options of a call stand."""

OPTIONS = ("strategy", "constraints", "chain", "category", "budget_tags", "session")

_ADDED_UP = ("requires", "prefers", "deny_models", "deny_providers")


class Running(TypedDict):
    """The model that a conversation runs on, and how much of it that model has in its cache."""

    current_model: str | None
    cached_tokens: int


def configured(config: RunnableConfig | None) -> dict[str, Any]:
    """Take a call's options from its config, or from that of the graph it runs in.

    Raises:
        InvalidRequestError: an option that does not exist.
    """
    configurable = ensure_config(config).get("configurable") or {}
    given: object = configurable.get(CONFIG_KEY) or {}
    if not isinstance(given, Mapping):
        raise _wrong("it must be a mapping")
    options = dict(cast("Mapping[str, Any]", given))
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise _wrong(f"there is no option {str(unknown[0])[:40]!r}")
    return options


def thread_of(config: RunnableConfig | None) -> str | None:
    """Name the thread a call belongs to, where LangGraph keeps one."""
    thread = (ensure_config(config).get("configurable") or {}).get("thread_id")
    return None if thread is None else str(thread)


def together(own: Constraints | None, asked: object) -> Constraints | None:
    """Lay a call's constraints over the model's: limits replace, what is denied adds up."""
    if asked is None:
        return own
    given = asked if isinstance(asked, Constraints) else Constraints.model_validate(asked)
    if own is None:
        return given
    values = {name: getattr(one, name) for one in (own, given) for name in one.model_fields_set}
    for name in _ADDED_UP:
        both = (*getattr(own, name), *getattr(given, name))
        if both:
            values[name] = tuple(dict.fromkeys(both))
    return Constraints.model_validate(values)


def running(messages: Sequence[BaseMessage]) -> Running:
    """Say which model gave the last answer, and what of the conversation it has in its cache."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            name = message.response_metadata.get("model_name")
            if isinstance(name, str) and name:
                warm = cached_tokens(message.usage_metadata)
                return Running(current_model=name, cached_tokens=warm)
    return Running(current_model=None, cached_tokens=0)


def _wrong(problem: str) -> InvalidRequestError:
    return InvalidRequestError(
        field=f'config["configurable"]["{CONFIG_KEY}"]',
        problem=problem,
        hint=f"There is: {', '.join(OPTIONS)}.",
    )
