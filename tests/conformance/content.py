"""Fixtures that return fixed content: tools, resources and prompts without a conversation."""

from __future__ import annotations

import base64
import json
import struct
import zlib

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from mcp.types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# One red pixel, and eight samples of silence.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    + _chunk(b"IEND", b"")
)
WAV = (
    struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 44, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    + struct.pack("<4sI", b"data", 8)
    + b"\x80" * 8
)


def _image() -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png")


def _embedded(uri: str, text: str, *, mime_type: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def add_content(server: MCPServer[None]) -> None:
    """Register the fixtures of fixed content."""
    _add_tools(server)
    _add_resources(server)
    _add_prompts(server)


def _add_tools(server: MCPServer[None]) -> None:
    @server.tool(description="Returns text.", structured_output=False)
    def test_simple_text() -> str:
        return "This is a simple text response for testing."

    @server.tool(description="Returns an image.")
    def test_image_content() -> ImageContent:
        return _image()

    @server.tool(description="Returns sound.")
    def test_audio_content() -> AudioContent:
        return AudioContent(
            type="audio", data=base64.b64encode(WAV).decode(), mime_type="audio/wav"
        )

    @server.tool(description="Returns a resource.")
    def test_embedded_resource() -> EmbeddedResource:
        return _embedded("test://embedded-resource", "This is an embedded resource content.")

    @server.tool(description="Returns text, an image and a resource.")
    def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
        body = json.dumps({"test": "data", "value": 123})
        uri = "test://mixed-content-resource"
        return [
            TextContent(type="text", text="Multiple content types test:"),
            _image(),
            _embedded(uri, body, mime_type="application/json"),
        ]

    @server.tool(description="Fails.", structured_output=False)
    def test_error_handling() -> str:
        raise ToolError("This tool intentionally returns an error for testing")


def _add_resources(server: MCPServer[None]) -> None:
    @server.resource("test://static-text", description="Text.", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="An image.", mime_type="image/png")
    def static_binary() -> bytes:
        return PNG

    @server.resource("test://watched-resource", description="Text.", mime_type="text/plain")
    def watched() -> str:
        return "Watched."

    @server.resource(
        "test://template/{id}/data", description="A template.", mime_type="application/json"
    )
    def template(id: str) -> str:  # noqa: A002 - the suite names the variable
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _add_prompts(server: MCPServer[None]) -> None:
    @server.prompt(description="A prompt.")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="A prompt with arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A prompt with a resource.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803
        resource = _embedded(resourceUri, "Embedded resource content for testing.")
        return [
            UserMessage(content=resource),
            UserMessage(content="Please process the embedded resource above."),
        ]

    @server.prompt(description="A prompt with an image.")
    def test_prompt_with_image() -> list[Message]:
        return [
            UserMessage(content=_image()),
            UserMessage(content="Please analyze the image above."),
        ]
