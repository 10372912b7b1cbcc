"""The field's fixed words, and the base of every value."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Value(BaseModel):
    """Base of every value: frozen, no unknown fields, no NaN or infinity."""

    # Building validators on first use keeps `import mcp_router` short. Pydantic's own engine takes
    # up to 0.7 MB for a pattern, that of Python a few kB.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        str_max_length=None,
        regex_engine="python-re",
    )


def _mended(text: str) -> str:
    """Replace lone surrogates, which no encoder takes, by U+FFFD; whole pairs become characters."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Prose = Annotated[str, AfterValidator(_mended)]
Score = Annotated[float, Field(ge=0.0, le=1.0)]
Tokens = Annotated[int, Field(ge=0)]


class Word(StrEnum):
    """A fixed word; it hashes as the plain string does, in C, and so finds what that finds."""

    __hash__ = str.__hash__


class TaskType(Word):
    """What kind of work a prompt asks for; users add their own names in the config."""

    ARCHITECTURE = "architecture"
    PLANNING = "planning"
    CODE_GENERATION = "code_generation"
    CODE_REVIEW = "code_review"
    DEBUGGING = "debugging"
    REFACTORING = "refactoring"
    TESTING = "testing"
    DOCUMENTATION = "documentation"
    ANALYSIS = "analysis"
    CREATIVE = "creative"
    FACTUAL = "factual"
    COORDINATION = "coordination"
    SIMPLE_TASK = "simple_task"
    MATH_LOGIC = "math_logic"
    DATA_ANALYSIS = "data_analysis"
    SUMMARIZATION = "summarization"
    EXTRACTION = "extraction"
    CLASSIFICATION = "classification"
    TRANSLATION = "translation"
    CHAT = "chat"
    LONG_DOCUMENT = "long_document"
    MULTIMODAL = "multimodal"


class Complexity(Word):
    """How hard the work is; basic, intermediate, advanced and expert are accepted as well."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"
    CRITICAL = "critical"

    @classmethod
    def _missing_(cls, value: object) -> Complexity | None:
        names = {"basic": "simple", "intermediate": "medium"}
        names |= {"advanced": "complex", "expert": "critical"}
        return cls(names[value]) if isinstance(value, str) and value in names else None


class Pattern(Word):
    """How the work is carried out."""

    SINGLE_SHOT = "single_shot"
    MULTI_STEP = "multi_step"
    ITERATIVE = "iterative"


class Capability(Word):
    """What a model is rated for, 1 to 10."""

    REASONING = "reasoning"
    CODING = "coding"
    CREATIVITY = "creativity"
    SPEED = "speed"
    CONTEXT = "context"
    COST = "cost"
    VISION = "vision"
    TOOLS = "tools"


class Need(Word):
    """What a model must be able to do at all for this request."""

    VISION = "vision"
    TOOLS = "tools"
    JSON = "json"
    LONG_CONTEXT = "long_context"
    THINKING = "thinking"
    CODE = "code"


class Strategy(Word):
    """Which weights, or which rule, rank the candidates."""

    BALANCED = "balanced"
    QUALITY_FIRST = "quality_first"
    COST_FIRST = "cost_first"
    LATENCY_FIRST = "latency_first"


class Mode(Word):
    """How a request is carried out.

    single asks one model, and others only where it fails; cascade goes from cheap to dear while
    the answer is not good enough; ensemble asks several and resolves; redundant lets them race.
    """

    SINGLE = "single"
    CASCADE = "cascade"
    ENSEMBLE = "ensemble"
    REDUNDANT = "redundant"


class Resolve(Word):
    """How several answers become one.

    consensus lets closed answers vote, judge lets other models grade them, synthesis lets one
    model merge them, and ranking weighs what can be seen of each. auto votes where the answers
    can be counted, else asks the judges where some are named, else ranks.
    """

    AUTO = "auto"
    CONSENSUS = "consensus"
    JUDGE = "judge"
    SYNTHESIS = "synthesis"
    RANKING = "ranking"


Effort = Literal["none", "low", "medium", "high"]
"""How hard a model is to think before it answers."""


Reuse = Literal["off", "exact", "near"]
"""Whether a kept answer may stand in: never, to the same request, or to one in other clothes."""


class Family(Word):
    """A tokenizer family, for estimates of token counts."""

    O200K = "o200k"
    CL100K = "cl100k"
    DEEPSEEK = "deepseek"
    TEKKEN = "tekken"
    CLAUDE = "claude"
    CLAUDE5 = "claude5"
