"""Names: every way people write a model, and which row is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from mcp_router.types import ModelInfo

LONGEST_NAME = 160
"""Characters of a name that are looked at; what people type is far shorter."""

WELL_KNOWN = ("sonnet", "gpt", "gemini-pro")
"""Suggested where nothing resembles what was written."""

_SEPARATORS = re.compile(r"[\s._@-]+")
_SNAPSHOT = re.compile(
    r"-(?:20\d{6}|20\d\d-\d\d-\d\d|\d{3,4}|(?:preview|exp)(?:-\d\d-\d\d(?:\d\d)?)?)$"
)
_RESEMBLANCE = 0.45


def canonical(name: str) -> str:
    """Write a name the one way it is looked up: lower case, words joined by hyphens.

    >>> canonical("  Claude Haiku 4.5 "), canonical("anthropic/claude_haiku-4.5")
    ('claude-haiku-4-5', 'anthropic/claude-haiku-4-5')
    """
    return _SEPARATORS.sub("-", name[:LONGEST_NAME].strip().lower())


def without_snapshot(key: str) -> str | None:
    """Drop a trailing date, revision or preview mark from a canonical name, None without one."""
    match = _SNAPSHOT.search(key)
    return key[: match.start()] if match else None


def is_retired(model: ModelInfo, *, on: date) -> bool:
    """Tell whether a model no longer answers on a day; the day itself counts as over."""
    return model.retires_on is not None and on >= model.retires_on


def newest_of_lines(models: Iterable[ModelInfo], *, on: date) -> dict[str, ModelInfo]:
    """Pick for every line the model released last that still answers, else the last of all."""
    newest: dict[str, ModelInfo] = {}
    for model in models:
        held = newest.get(model.line)
        if model.line and (held is None or _recency(model, on=on) > _recency(held, on=on)):
            newest[model.line] = model
    return newest


def row_names(
    models: Sequence[ModelInfo], *, given: Mapping[str, str] = MappingProxyType({})
) -> dict[str, ModelInfo]:
    """Map what names one row for good; where two rows claim a name, the more exact claim holds.

    `given` are canonical names that a person gave to rows: only the name of a row beats them.
    """
    index = {canonical(model.name): model for model in reversed(models)}
    for name, row in given.items():
        index.setdefault(name, index[canonical(row)])
    # Whole passes, so that the alias of a late row beats the wire id of an early one.
    for claims in (_aliases, _wire_ids, _loose_names, _qualified_names):
        for model in models:
            for name in claims(model):
                index.setdefault(canonical(name), model)
    return index


def nearest(name: str, *, known: Iterable[str], given: Iterable[str] = ()) -> tuple[str, str, str]:
    """Pick the three known names that resemble a name most, padded with well-known ones.

    Part of a name, such as "gemini", suggests the names that have it, those listed first. Names
    a person gave stand first in the list, and the nearest of them is among the three if it
    resembles what was written at all: there are few of them, and they are written most.
    """
    own = dict.fromkeys(map(canonical, given))
    keys = {canonical(word): word for word in (*given, *known)}
    sought = canonical(name)[:40]
    having = [key for key in keys if f"-{sought}-" in f"-{key}-"]
    close = [*having[:3], *_resembling(sought, keys, most=3)]
    if own and not own.keys() & {*list(dict.fromkeys(close))[:3]}:
        close[2:2] = _resembling(sought, own, most=1)
    words = list(dict.fromkeys([*(keys[key] for key in close), *WELL_KNOWN]))
    return words[0], words[1], words[2]


def nearest_chains(name: str, *, known: Iterable[str]) -> tuple[str, ...]:
    """Pick up to three chains that resemble a name, else the first three there are."""
    keys = {canonical(word): word for word in known}
    close = _resembling(canonical(name)[:40], keys, most=3)
    return tuple(keys[key] for key in close) or tuple(keys.values())[:3]


def _resembling(sought: str, keys: Iterable[str], *, most: int) -> list[str]:
    # Only a name that is unknown needs it.
    from difflib import get_close_matches

    return get_close_matches(sought, [*keys], n=most, cutoff=_RESEMBLANCE)


def squeezed(name: str) -> str:
    """Write a name without its separators, as people type it in a hurry.

    >>> squeezed("GPT-4o"), squeezed("claude sonnet 4.5")
    ('gpt4o', 'claudesonnet45')
    """
    return canonical(name).replace("-", "")


def squeezed_names(index: Mapping[str, ModelInfo]) -> dict[str, ModelInfo]:
    """Map names without separators to rows, leaving out what could mean two of them."""
    found: dict[str, ModelInfo | None] = {}
    for name, model in index.items():
        key = squeezed(name)
        same = found.setdefault(key, model)
        if same is not model:
            found[key] = None
    return {key: model for key, model in found.items() if model is not None}


def followed(name: str, *, aliases: Mapping[str, str]) -> str:
    """Follow aliases, keyed by canonical name, to their end; a circle ends where it closes."""
    seen: set[str] = set()
    while (key := canonical(name)) in aliases and key not in seen:
        seen.add(key)
        name = aliases[key]
    return name


def _recency(model: ModelInfo, *, on: date) -> tuple[bool, date]:
    return not is_retired(model, on=on), model.released or date.min


def _aliases(model: ModelInfo) -> Iterator[str]:
    yield from model.aliases


def _wire_ids(model: ModelInfo) -> Iterator[str]:
    yield model.id


def _loose_names(model: ModelInfo) -> Iterator[str]:
    yield model.label
    yield model.name.removeprefix("claude-")
    yield model.id.rsplit("/", 1)[-1]


def _qualified_names(model: ModelInfo) -> Iterator[str]:
    short = model.name.removesuffix(f"-{model.provider}").removesuffix("-local")
    for name in (model.name, short, *model.aliases, model.id, model.id.rsplit("/", 1)[-1]):
        yield f"{model.provider}/{name}"
