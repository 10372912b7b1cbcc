"""What every candidate can do: the profile that LangChain's agents look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import ModelProfile

from mcp_router import Constraints, ModelInfo, Need, Router

_SCHEMA_NAMES = frozenset(("response_schema", "response_format", "json_schema", "output_config"))


def intersection(profiles: Sequence[Mapping[str, Any] | None]) -> ModelProfile | None:
    """Give what holds for all: flags that all have, the smallest limits; None if one is unknown."""
    if not profiles or any(not one for one in profiles):
        return None
    known = [cast("Mapping[str, Any]", one) for one in profiles]
    shared = [name for name in known[0] if all(name in one for one in known)]
    found: dict[str, Any] = {}
    for name in shared:
        values = [one[name] for one in known]
        if all(isinstance(value, bool) for value in values):
            found[name] = all(values)
        elif all(isinstance(value, int) for value in values):
            found[name] = min(values)
    return cast("ModelProfile", found) if found else None


def profile_of(model: ModelInfo) -> dict[str, Any]:
    """Describe a row of the catalogue in LangChain's words."""
    sees, rejects = Need.VISION in model.features, frozenset(model.rejects)
    tools = Need.TOOLS in model.features
    return {
        "max_input_tokens": model.context,
        "max_output_tokens": model.max_output,
        "text_inputs": True,
        "text_outputs": True,
        "image_inputs": sees,
        "image_url_inputs": sees,
        "image_tool_message": sees,
        "tool_calling": tools,
        "tool_choice": tools and "tool_choice" not in rejects,
        "structured_output": Need.JSON in model.features and not rejects & _SCHEMA_NAMES,
        "reasoning_output": Need.THINKING in model.features,
        "temperature": "temperature" not in rejects,
    }


def candidates(
    router: Router, *, chain: str | Sequence[str], constraints: Constraints | None
) -> list[ModelInfo]:
    """List the models a call may go to: those of the chain, else all with credentials."""
    catalog = router.catalog
    wanted = constraints or Constraints()
    if chain:
        return list(catalog.chain(chain))
    usable = router.usable_providers
    named = {catalog.resolve(name).name for name in wanted.models}
    denied = {catalog.resolve(name).name for name in wanted.deny_models}
    return [
        one
        for one in _live(catalog.models, router=router)
        if one.provider in usable
        and one.name not in denied
        and one.provider not in wanted.deny_providers
        and (not named or one.name in named)
        and (not wanted.providers or one.provider in wanted.providers)
    ]


def _live(models: Iterable[ModelInfo], *, router: Router) -> Iterable[ModelInfo]:
    today = router.now().date()
    return (one for one in models if one.retires_on is None or one.retires_on > today)
