"""The body of a chat completion as OpenAI's clients write it, checked.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from mcp_router.door.asked import RouterField
from mcp_router.types import Prose

_LOOSE = ConfigDict(extra="allow", allow_inf_nan=False)

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class Part(BaseModel):
    """Base of the parts of a content; what else a client adds changes nothing."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class TextPart(Part):
    """Text."""

    type: Literal["text"]
    text: Prose


class RefusalPart(Part):
    """What a model refused with."""

    type: Literal["refusal"]
    refusal: Prose


class ImageUrl(Part):
    """Where an image is, or the image itself."""

    url: str


class ImagePart(Part):
    """An image."""

    type: Literal["image_url"]
    image_url: ImageUrl


class Audio(Part):
    """A clip in base64."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Part):
    """A clip."""

    type: Literal["input_audio"]
    input_audio: Audio


class File(Part):
    """A file as data in an address."""

    file_data: str
    filename: str | None = None


class FilePart(Part):
    """A file."""

    type: Literal["file"]
    file: File


AnyPart = Annotated[
    TextPart | RefusalPart | ImagePart | AudioPart | FilePart, Field(discriminator="type")
]
Content = Prose | list[AnyPart]


def _kind_of_content(value: object) -> str:
    return "text" if isinstance(value, str) else "parts"


Written = Annotated[
    Annotated[Prose, Tag("text")] | Annotated[list[AnyPart], Tag("parts")],
    Discriminator(_kind_of_content),
]


class FunctionCall(Part):
    """The function of a tool call; its arguments are JSON in a text."""

    name: Prose
    arguments: Prose = "{}"


class ToolCallBody(Part):
    """A tool call of an earlier answer."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall
    extra_content: dict[str, JsonValue] | None = None


class MessageBody(Part):
    """A message of any role."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Written | None = None
    name: str | None = None
    tool_calls: list[ToolCallBody] | None = None
    tool_call_id: str | None = None
    refusal: Prose | None = None


class Function(Part):
    """A tool's function."""

    name: Prose
    description: Prose | None = None
    parameters: dict[str, JsonValue] | None = None


class ToolBody(Part):
    """A tool."""

    type: Literal["function"]
    function: Function


class NamedFunction(Part):
    """The name of the function to call."""

    name: Prose


class NamedTool(Part):
    """The tool to call."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(Part):
    """The form of an answer."""

    name: str = "answer"
    schema_: dict[str, JsonValue] = Field(alias="schema")


class ResponseFormat(Part):
    """What an answer is to be."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Part):
    """What a stream ends with."""

    include_usage: bool | None = None


class ChatBody(BaseModel):
    """The whole body; unknown fields are kept, to be told."""

    model_config = _LOOSE

    model: str
    messages: list[MessageBody] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_completion_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    tools: list[ToolBody] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Effort | None = None
    router: RouterField | None = None

    @property
    def further(self) -> dict[str, Any]:
        """The fields that have no place above."""
        return dict(self.model_extra or {})
