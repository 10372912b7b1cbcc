"""The body of a message as Anthropic's clients write it, checked.

Source: https://docs.claude.com/en/api/messages
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from mcp_router.door.asked import RouterField
from mcp_router.types import Prose


class Block(BaseModel):
    """Base of the blocks of a content."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    cache_control: dict[str, JsonValue] | None = None


class TextBlock(Block):
    """Text."""

    type: Literal["text"]
    text: Prose


class Base64Source(Block):
    """Data."""

    type: Literal["base64"]
    media_type: str
    data: str


class UrlSource(Block):
    """Where data is."""

    type: Literal["url"]
    url: str


class TextSource(Block):
    """A document of plain text."""

    type: Literal["text"]
    data: Prose


Source = Annotated[Base64Source | UrlSource | TextSource, Field(discriminator="type")]


class ImageBlock(Block):
    """An image."""

    type: Literal["image"]
    source: Source


class DocumentBlock(Block):
    """A document."""

    type: Literal["document"]
    source: Source
    title: str | None = None


class ThinkingBlock(Block):
    """The thinking of an earlier answer."""

    type: Literal["thinking"]
    thinking: Prose
    signature: str = ""


class RedactedThinkingBlock(Block):
    """The thinking of an earlier answer, which only its provider can read."""

    type: Literal["redacted_thinking"]
    data: str


class ToolUseBlock(Block):
    """A tool call of an earlier answer."""

    type: Literal["tool_use"]
    id: str
    name: Prose
    input: dict[str, JsonValue] = {}


def _form(value: object) -> str:
    return "text" if isinstance(value, str) else "blocks"


ResultBlock = Annotated[TextBlock | ImageBlock | DocumentBlock, Field(discriminator="type")]
Result = Annotated[
    Annotated[Prose, Tag("text")] | Annotated[list[ResultBlock], Tag("blocks")],
    Discriminator(_form),
]


class ToolResultBlock(Block):
    """What a tool returned."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: Result | None = None
    is_error: bool | None = None


AnyBlock = Annotated[
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock,
    Field(discriminator="type"),
]
Content = Annotated[
    Annotated[Prose, Tag("text")] | Annotated[list[AnyBlock], Tag("blocks")],
    Discriminator(_form),
]
System = Annotated[
    Annotated[Prose, Tag("text")] | Annotated[list[TextBlock], Tag("blocks")],
    Discriminator(_form),
]


class Turn(Block):
    """A message."""

    role: Literal["user", "assistant"]
    content: Content


class ToolBody(Block):
    """A tool of the client's own; those that Anthropic runs have another type."""

    type: Literal["custom"] | None = None
    name: Prose
    description: Prose | None = None
    input_schema: dict[str, JsonValue]


class ToolChoice(Block):
    """Which tool is to be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: Prose | None = None


class Thinking(Block):
    """How much thinking is wanted."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: int | None = None


class Format(Block):
    """The form of an answer."""

    type: Literal["json_schema"]
    schema_: dict[str, JsonValue] = Field(alias="schema")


class OutputConfig(Block):
    """What an answer is to be."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None


class MessagesBody(BaseModel):
    """The whole body; unknown fields are kept, to be told."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: str
    messages: list[Turn] = Field(min_length=1)
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    system: System | None = None
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    stop_sequences: list[str] | None = None
    tools: list[ToolBody] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    router: RouterField | None = None

    @property
    def further(self) -> dict[str, Any]:
        """The fields that have no place above."""
        return dict(self.model_extra or {})
