"""Training prompts with their task types: from public data, and written for the purpose.

Public data, read from a folder of gzipped JSON lines and never part of the project:

| source | set | licence | what is taken |
|---|---|---|---|
| arena | lmarena/arena-hard-auto v0.1, v2.0 and its precursor | Apache-2.0 | types judged by hand |
| biggen | prometheus-eval BiGGen-Bench | Apache-2.0 | tasks that are one of the types |
| gsm, logic, qa, exam, code | ulab-uiuc/LLMRouter | MIT | tasks that are one of the types |
| mmlu_pro | TIGER-AI-Lab/MMLU-Pro | Apache-2.0 | math, and subjects of plain knowledge |
| math | MATH (hendrycks) | MIT | all are math_logic |
| livecodebench | LiveCodeBench | MIT submissions | all are code_generation |
| locbench | Loc-Bench V1 | MIT | bug reports, feature requests |
| refactorbench | RefactorBench | MIT | all are refactoring |
| mtbench, vicuna | lm-sys/FastChat | Apache-2.0 | writing, coding, math, extraction |
| semantic_router | vllm-project/semantic-router | Apache-2.0 | math, and questions of knowledge |

`prompts/` holds what was written here: `english.toml` and `other.toml` by hand, `templates.toml`
with slots, `judged.json` the types given by hand to prompts of the arena sets, by their ids.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.types import Media, Message, Request, Text

_PROMPTS = Path(__file__).with_name("prompts")
_MOST = 320
_PER_FRAME = 14

_BIGGEN = {
    "compositional_planning": "planning",
    "constrained_planning": "planning",
    "executable_planning": "planning",
    "personal_assistant": "planning",
    "travel_plan": "planning",
    "replanning": "planning",
    "competition_mwp": "math_logic",
    "high_school_mwp": "math_logic",
    "math_proof": "math_logic",
    "first_order_logic": "math_logic",
    "deductive": "math_logic",
    "multilingual_reasoning": "math_logic",
    "table_reason": "data_analysis",
    "abductive": "analysis",
    "hypothesis_proposal": "analysis",
    "legal_reason": "analysis",
    "faux_pas_explanation": "analysis",
    "poem_writing": "creative",
    "lexical_constraint": "creative",
    "writing_a_speech": "creative",
    "robust_translation": "translation",
    "cultural_awareness": "factual",
    "false_context": "factual",
    "code_revision": "refactoring",
}
_LLMROUTER = {
    "gsm8k": ("gsm", "math_logic"),
    "agentverse-logicgrid": ("logic", "math_logic"),
    "trivia_qa": ("qa", "factual"),
    "natural_qa": ("qa", "factual"),
    "openbook_qa": ("exam", "factual"),
    "arc_challenge": ("exam", "factual"),
    "commonsense_qa": ("exam", "factual"),
    "human_eval": ("code", "code_generation"),
    "mbpp": ("code", "code_generation"),
}
_MMLU = {
    "math": "math_logic",
    "psychology": "factual",
    "biology": "factual",
    "philosophy": "factual",
}
_TASK_TYPES = {
    ("livecodebench", "code_generation"): "code_generation",
    ("locbench", "debugging"): "debugging",
    ("locbench", "feature_request"): "code_generation",
    ("mtbench", "code_generation"): "code_generation",
    ("mtbench", "creative_writing"): "creative",
    ("mtbench", "extraction_classification"): "extraction",
    ("mtbench", "math"): "math_logic",
    ("refactorbench", "refactoring"): "refactoring",
}
_VICUNA = {
    "coding": "code_generation",
    "writing": "creative",
    "roleplay": "creative",
    "math": "math_logic",
    "counterfactual": "analysis",
}
_KNOWLEDGE = ("history", "biology", "philosophy", "psychology", "law", "health")
OWN = frozenset({"english", "other", "templates"})


class Example(NamedTuple):
    """A prompt, its task type, where it is from, and what must not be split from it."""

    text: str
    kind: str
    source: str
    group: str
    media: str = ""


def request(example: Example) -> Request:
    """Build the request that an example stands for."""
    content: str | tuple[Media | Text, ...] = example.text
    if example.media:
        content = (Media(url="https://x/y", media_type=example.media), Text(text=example.text))
    return Request(messages=(Message(role="user", content=content),))


def normal(text: str) -> str:
    """Reduce a text to its letters and digits, so that the same prompts meet."""
    return re.sub(r"\W+", " ", text.lower()).strip()[:2000]


def public(folder: Path) -> list[Example]:
    """Read the public sets; at most 320 of each source and type, chosen by hash."""
    chosen: dict[tuple[str, str], dict[str, Example]] = defaultdict(dict)
    seen: set[str] = set()
    for text, kind, source in _public(folder):
        group = normal(text)
        if group and group not in seen:
            seen.add(group)
            chosen[source, kind][group] = Example(text, kind, source, group)
    return [
        texts[group]
        for _, texts in sorted(chosen.items())
        for group in sorted(texts, key=_digest)[:_MOST]
    ]


def written() -> list[Example]:
    """Read what was written for training, and fill in the templates with a fixed seed."""
    found = [
        Example(text, kind, source, normal(text))
        for source in ("english", "other")
        for kind, texts in tomllib.loads(_read(f"{source}.toml")).items()
        for text in texts
    ]
    return [*found, *_from_templates(), *_with_shapes(found)]


def _from_templates() -> Iterator[Example]:
    raw = tomllib.loads(_read("templates.toml"))
    for kind, frames in raw["frames"].items():
        for number, frame in enumerate(frames):
            rng = random.Random(f"{kind} {number}")
            texts = dict.fromkeys(_filled(frame, raw["slots"], rng) for _ in range(_PER_FRAME))
            for text in texts:
                yield Example(text, kind, "templates", f"frame {kind} {number}")


def _filled(frame: str, slots: Mapping[str, list[str]], rng: random.Random) -> str:
    text = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda slot: rng.choice(slots[slot[1]]), frame)
    return text.replace("{{", "{").replace("}}", "}")


def _with_shapes(found: Iterable[Example]) -> Iterator[Example]:
    """Give multimodal asks their attachment, and asks about long documents a document."""
    filler = "The parties agree that the report of the previous period remains in force. "
    for example in found:
        if example.kind == "multimodal":
            sound = re.search(r"voice|audio|recording|sprach", example.text.lower())
            yield example._replace(media="audio/mpeg" if sound else "image/png")
        if example.kind == "long_document":
            yield example._replace(text=f"{example.text}\n\n{filler * 400}")


def _public(folder: Path) -> Iterator[tuple[str, str, str]]:
    judged = {
        name: kind for kind, names in json.loads(_read("judged.json")).items() for name in names
    }
    for path in (
        "labels/arena_hard_v01_clusters",
        "outcomes/arena_bench_v1",
        "labels/arena_hard_v2",
    ):
        for row in _rows(folder, path):
            kind = judged.get(row["id"]) or {
                "creative_writing": "creative",
                "math": "math_logic",
            }.get(row.get("label", ""))
            if kind:
                yield row["prompt"], kind, "arena"
    yield from _mapped(folder, "labels/biggen_capability", "task", _BIGGEN, source="biggen")
    yield from _mapped(folder, "outcomes/mmlu_pro", "category", _MMLU, source="mmlu_pro")
    yield from _mapped(folder, "labels/mtbench_vicuna", "label", _VICUNA, source="vicuna")
    for row in _rows(folder, "outcomes/llmrouter_uiuc"):
        if row["category"] in _LLMROUTER:
            source, kind = _LLMROUTER[row["category"]]
            yield row["prompt"], kind, source
    for row in _rows(folder, "labels/math_levels"):
        yield row["prompt"], "math_logic", "math"
    for row in _rows(folder, "labels/task_types"):
        kind = _TASK_TYPES.get((row["source"], row["label"]))
        if kind:
            yield row["prompt"], kind, row["source"]
    knowledge = {**dict.fromkeys(_KNOWLEDGE, "factual"), "math": "math_logic"}
    yield from _mapped(
        folder, "labels/vllm_sr_domains", "label", knowledge, source="semantic_router"
    )


def _mapped(
    folder: Path, path: str, field: str, kinds: Mapping[str, str], *, source: str
) -> Iterator[tuple[str, str, str]]:
    for row in _rows(folder, path):
        if row[field] in kinds:
            yield row["prompt"], kinds[row[field]], source


def _rows(folder: Path, path: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{path}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _read(name: str) -> str:
    return (_PROMPTS / name).read_text("utf-8")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
