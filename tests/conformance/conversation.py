"""Fixtures that talk to the client while a tool runs: progress, logs, questions of the 2025 era."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Literal

import anyio
import mcp.types as types
from mcp import MCPDeprecationWarning
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

STEP_SECONDS = 0.05


class Contact(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(*names: str, key: str) -> dict[str, Any]:
    choices = [{"const": f"value{n}", "title": name} for n, name in enumerate(names, start=1)]
    return {key: choices}


_OPTIONS = ["option1", "option2", "option3"]
ENUMS: dict[str, Any] = {
    "untitledSingle": {"type": "string", "enum": _OPTIONS},
    "titledSingle": {
        "type": "string",
        **_titled("First Option", "Second Option", "Third Option", key="oneOf"),
    },
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
    "titledMulti": {
        "type": "array",
        "items": _titled("First Choice", "Second Choice", "Third Choice", key="anyOf"),
    },
}


def add_conversation(server: MCPServer[None]) -> None:
    """Register the fixtures that talk while they run."""
    # The suites ask for logging, sampling and subscriptions, which the SDK calls deprecated.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    _add_notifications(server)
    _add_questions(server)
    _add_changes(server)
    _add_legacy_methods(server)


def _add_notifications(server: MCPServer[None]) -> None:
    @server.tool(description="Logs three lines.", structured_output=False)
    async def test_tool_with_logging(ctx: Context) -> str:
        for line in ("execution started", "processing data", "execution completed"):
            await ctx.info(f"Tool {line}")
            await anyio.sleep(STEP_SECONDS)
        return "Logged."

    @server.tool(description="Logs a line where the client asked for it.", structured_output=False)
    async def test_logging_tool(ctx: Context) -> str:
        await ctx.info("A line")
        return "Logged."

    @server.tool(description="Reports progress.", structured_output=False)
    async def test_tool_with_progress(ctx: Context) -> str:
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await anyio.sleep(STEP_SECONDS)
        return "Done."


def _add_questions(server: MCPServer[None]) -> None:
    @server.tool(description="Asks the client's model.", structured_output=False)
    async def test_sampling(prompt: str, ctx: Context) -> str:
        message = types.SamplingMessage(
            role="user", content=types.TextContent(type="text", text=prompt)
        )
        # On the stream of this call: the other one may not be open yet.
        answer = await ctx.session.create_message(
            messages=[message], max_tokens=100, related_request_id=ctx.request_id
        )
        return f"LLM response: {answer.content}"

    @server.tool(description="Asks the user.", structured_output=False)
    async def test_elicitation(message: str, ctx: Context) -> str:
        return f"User response: {await ctx.elicit(message, Contact)}"

    @server.tool(description="Asks with defaults.", structured_output=False)
    async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
        answer = await ctx.elicit("Please check", Defaults)
        return f"Elicitation completed: action={answer.action}, content={answer}"

    @server.tool(description="Asks with choices.", structured_output=False)
    async def test_elicitation_sep1330_enums(ctx: Context) -> str:
        schema = {"type": "object", "properties": ENUMS, "required": []}
        answer = await ctx.session.elicit_form(
            message="Please choose", requested_schema=schema, related_request_id=ctx.request_id
        )
        return f"Elicitation completed: action={answer.action}, content={answer.content}"


def _add_changes(server: MCPServer[None]) -> None:
    @server.tool(description="Says that the tools changed.", structured_output=False)
    async def test_trigger_tool_change(ctx: Context) -> str:
        await ctx.notify_tools_changed()
        return "Said."

    @server.tool(description="Says that the prompts changed.", structured_output=False)
    async def test_trigger_prompt_change(ctx: Context) -> str:
        await ctx.notify_prompts_changed()
        return "Said."


async def _nothing(
    _ctx: ServerRequestContext[Any], _params: Annotated[Any, "ignored"]
) -> types.EmptyResult:
    return types.EmptyResult()


def _add_legacy_methods(server: MCPServer[None]) -> None:
    # The product does not serve it, and the SDK has no public hook for it.
    server._lowlevel_server.add_request_handler(
        "logging/setLevel", types.SetLevelRequestParams, _nothing
    )
