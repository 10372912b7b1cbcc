"""One call laid out: what the router is asked, and what is left for a delegate alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from langchain_core.messages import BaseMessage

from langchain_mcp_router.binding import answer_format, tool_specs
from langchain_mcp_router.messages import OriginalMessage, converted
from langchain_mcp_router.options import running, together
from mcp_router import Constraints, Router, UnknownModelError

AUTO = "auto"
"""The model name that leaves the choice to the router."""

# What callers of a chat model pass on and no provider is sent.
_OWN = frozenset({"stream", "strict", "parallel_tool_calls", "ls_structured_output_format"})


class Standing(NamedTuple):
    """What a chat model asks of every call, unless the call says otherwise."""

    model: str = AUTO
    strategy: str | None = None
    constraints: Constraints | None = None
    chain: str | Sequence[str] = ()
    category: str | None = None
    budget_tags: Mapping[str, str] = {}
    session: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stop: Sequence[str] | None = None


class ChatCall(NamedTuple):
    """A call as the router takes it; `left` are arguments it has no word for."""

    messages: tuple[OriginalMessage, ...]
    asked: Mapping[str, Any]
    left: Mapping[str, Any]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what the router's own wires cannot carry."""
        names = [name for name in self.left if name not in _OWN]
        return tuple(f"{name} was left out: no wire of the router has it" for name in names)

    def known_to(self, router: Router) -> ChatCall:
        """Name the conversation's model as the catalogue does; forget one that it does not know."""
        name = self.asked["current_model"]
        if name is None:
            return self
        try:
            known = router.catalog.resolve(name).name
        except UnknownModelError:
            return self._replace(asked={**self.asked, "current_model": None, "cached_tokens": 0})
        return self._replace(asked={**self.asked, "current_model": known})


def laid_out(
    messages: Sequence[BaseMessage],
    *,
    standing: Standing,
    stop: Sequence[str] | None,
    given: Mapping[str, Any],
    tools: Sequence[object],
) -> ChatCall:
    """Lay a call out; `given` are its keyword arguments, `tools` those the router may see.

    Raises:
        InvalidRequestError: a message or an option that cannot be used.
    """
    left = dict(given)
    left.pop("tools", None)
    form = answer_format(left.pop("response_format", None))

    def said(name: str) -> Any:
        value = left.pop(name, None)
        return getattr(standing, name) if value is None else value

    asked = {
        "strategy": said("strategy"),
        "constraints": together(standing.constraints, left.pop("constraints", None)),
        "chain": _chain(said("model"), said("chain")) or None,
        "category": said("category"),
        "tags": _tags(standing, left.pop("budget_tags", None), session=said("session")),
        "tools": tool_specs(tools) or None,
        "tool_choice": left.pop("tool_choice", None),
        "response_schema": form.schema,
        "json_mode": form.json_mode or None,
        "temperature": said("temperature"),
        "max_tokens": said("max_tokens"),
        "stop": tuple(stop or standing.stop or ()) or None,
        **running(messages),
    }
    return ChatCall(converted(messages), asked, left)


def _chain(model: object, chain: object) -> Sequence[str] | str:
    """Put a model that was named first; the rest of a chain given as a list follows it."""
    if not isinstance(model, str) or model == AUTO:
        return cast("Sequence[str] | str", chain)
    rest = () if isinstance(chain, str) else cast("Sequence[str]", chain)
    return tuple(dict.fromkeys((model, *rest)))


def _tags(
    standing: Standing, given: Mapping[str, str] | None, *, session: object
) -> Mapping[str, str]:
    tags = {**standing.budget_tags, **(given or {})}
    return tags | ({"session": str(session)} if session else {})
