"""Samples of real outcomes that come with the package: features and figures without any text.

`tests/training/sample.py` makes them and names their sources.
"""

from __future__ import annotations

import gzip
import json
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.evaluation.outcomes import Rates, Row

SAMPLES = ("llmrouter", "mmlu-pro")
"""The names of the samples; the first is shown where none is named."""


class Sample(NamedTuple):
    """Rows with the prices of their models; `about` names source, licence and prices."""

    about: str
    rows: tuple[Row, ...]
    rates: Rates


def read_sample(name: str) -> Sample:
    """Read one of `SAMPLES`."""
    path = Path(__file__).with_name(f"sample_{name.replace('-', '_')}.json.gz")
    raw: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    rates = {
        model: (float(inputs), float(outputs)) for model, (inputs, outputs) in raw["prices"].items()
    }
    return Sample(
        about=f"{raw['source']} ({raw['licence']}); {raw['pricing']}",
        rows=tuple(_row(one, models=tuple(rates)) for one in raw["rows"]),
        rates=rates,
    )


def _row(one: list[Any], *, models: tuple[str, ...]) -> Row:
    category, words, _, scores, tokens = one
    steps: list[int] = one[2]
    counted = {model: own for model, own in zip(models, tokens, strict=True) if own is not None}
    return Row.model_validate(
        {
            "category": category,
            "words": words,
            "features": tuple(accumulate(steps)),
            "scores": dict(zip(models, scores, strict=True)),
            "tokens": counted,
        }
    )
