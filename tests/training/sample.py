"""Makes the samples of outcomes that `mcp-router eval` shows without a file.

    python -m tests.training.sample DATA      writes mcp_router/evaluation/sample_*.json.gz

DATA is the folder of public sets that `examples.py` names. Of a random part of each set the hashed
features, lengths, categories, scores and token counts are kept, and no texts. The same data give
the same bytes.

| sample | source | licence | prices |
|---|---|---|---|
| llmrouter | ulab-uiuc/LLMRouter | MIT | those of its `default_llm.json` |
| mmlu-pro | TIGER-AI-Lab/MMLU-Pro, `eval_results` | Apache-2.0 | list prices named below |
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.evaluation.outcomes import Row, features_of

FOLDER = Path(__file__).parents[2] / "mcp_router" / "evaluation"
BUCKETS = 1 << 12
SEED = 7


class Made(NamedTuple):
    """Where a sample comes from, and USD per million input and output tokens by model."""

    file: str
    source: str
    licence: str
    pricing: str
    count: int
    prices: dict[str, tuple[float, float]]


_SMALL, _LARGE = (0.2, 0.2), (0.9, 0.9)
SAMPLES = {
    "llmrouter": Made(
        "llmrouter_uiuc",
        "ulab-uiuc/LLMRouter, 13 tasks",
        "MIT",
        "prices of its list of models; answers counted as 300 tokens",
        600,
        {
            "qwen2.5-7b-instruct": _SMALL,
            "llama3-chatqa-1.5-8b": _SMALL,
            "mistral-7b-instruct-v0.3": _SMALL,
            "llama-3.1-8b-instruct": _SMALL,
            "codegemma-7b": _SMALL,
            "gemma-2-9b-it": (0.1, 0.1),
            "llama-3.1-nemotron-51b-instruct": _LARGE,
            "llama3-chatqa-1.5-70b": _LARGE,
            "llama-3.3-nemotron-super-49b-v1": _LARGE,
        },
    ),
    "mmlu-pro": Made(
        "mmlu_pro",
        "TIGER-AI-Lab/MMLU-Pro, 9 subjects",
        "Apache-2.0",
        "list prices of 2024 and 2025; tokens estimated from the answers",
        420,
        {
            "gemini-1.5-pro-002": (1.25, 5.0),
            "gemini-1.5-flash-002": (0.075, 0.3),
            "Meta-Llama-3_1-70B-Instruct": (0.88, 0.88),
            "Meta-Llama-3_1-8B-Instruct": (0.18, 0.18),
            "Mixtral-8x7B-Instruct-v0.1": (0.9, 0.9),
            "jamba-1.5-large": (2.0, 8.0),
        },
    ),
}


def sample(made: Made, *, data: Path) -> bytes:
    """Draw one sample and write it as compressed JSON."""
    with gzip.open(data / "outcomes" / f"{made.file}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    models = [*made.prices]
    whole = [row for row in rows if all(model in row["scores"] for model in models)]
    drawn = sorted(random.Random(SEED).sample(range(len(whole)), made.count))
    document = {
        "source": made.source,
        "licence": made.licence,
        "pricing": made.pricing,
        "prices": made.prices,
        "rows": [_row(whole[at], models) for at in drawn],
    }
    text = json.dumps(document, separators=(",", ":"))
    return gzip.compress(text.encode(), 9, mtime=0)


def _row(raw: dict[str, Any], models: list[str]) -> list[Any]:
    row = Row.model_validate({**raw, "tokens": raw.get("tokens") or {}})
    folded = sorted({at % BUCKETS for at in features_of(row)})
    # Steps from one bucket to the next compress better than the buckets.
    steps = [one - before for before, one in zip([0, *folded], folded, strict=False)]
    words = sum(1 for _ in row.prompt.split())
    scores = [round(row.scores[model], 3) for model in models]
    return [row.category, words, steps, scores, [row.tokens.get(model) for model in models]]


def main() -> int:
    """Write every sample."""
    data = Path(sys.argv[1])
    for name, made in SAMPLES.items():
        path = FOLDER / f"sample_{name.replace('-', '_')}.json.gz"
        path.write_bytes(sample(made, data=data))
        print(f"{path.name}: {path.stat().st_size:,} bytes, {made.count} requests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
