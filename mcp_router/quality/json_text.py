"""JSON as models write it: read strictly, and written so that equal values are equal texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import accumulate
from typing import cast

_DEEPEST = 200


def read_json(text: str) -> tuple[object, bool]:
    """Parse strict JSON; return the value and whether there was one. Nests 200 deep at most."""
    if _depth(text) > _DEEPEST:
        return None, False
    try:
        return json.loads(text, parse_constant=_refuse), True
    except ValueError:
        return None, False


def canonical_json(value: object) -> str:
    """Write a JSON value so that equal values are equal texts: 1 and 1.0 are one number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return f"[{','.join(map(canonical_json, cast('list[object]', value)))}]"
    if isinstance(value, Mapping):
        rows = sorted(cast("Mapping[str, object]", value).items())
        return (
            f"{{{','.join(f'{json.dumps(name)}:{canonical_json(part)}' for name, part in rows)}}}"
        )
    return json.dumps(value)


def _depth(text: str) -> int:
    """Count the brackets open at once, at most; those in strings are taken for real ones."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return 0
    signs = (1 if sign in "[{" else -1 for sign in text if sign in "[]{}")
    return max(accumulate(signs))


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
