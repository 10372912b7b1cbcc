"""Fixtures that need input of the client before they can answer, the 2026-07-28 way."""

from __future__ import annotations

from typing import Any

import mcp.types as types
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult, TextContent

Answer = CallToolResult | InputRequiredResult


def _form(message: str, field: str, *, kind: str = "string") -> types.ElicitRequest:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field: {"type": kind}},
        "required": [field],
    }
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=message, requested_schema=schema)
    )


def _sample(text: str, *, max_tokens: int) -> types.CreateMessageRequest:
    content = types.TextContent(type="text", text=text)
    message = types.SamplingMessage(role="user", content=content)
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


def _text(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


def _given(ctx: Context, key: str) -> Any:
    return (ctx.input_responses or {}).get(key)


def _accepted(ctx: Context, key: str, field: str) -> Any:
    """Return a field of an accepted form, or None where the answer is missing or malformed."""
    answer = _given(ctx, key)
    if not isinstance(answer, types.ElicitResult) or answer.action != "accept":
        return None
    return (answer.content or {}).get(field)


def add_questions(server: MCPServer[None]) -> None:
    """Register the fixtures that ask first."""
    _add_single(server)
    _add_stateful(server)
    _add_capabilities(server)

    @server.prompt(description="A prompt that asks first.")
    def test_input_required_result_prompt(ctx: Context) -> Any:
        context = _accepted(ctx, "user_context", "context")
        if context is None:
            question = _form("What context should the prompt use?", "context")
            return InputRequiredResult(input_requests={"user_context": question})
        return f"Use this context: {context}"


def _add_single(server: MCPServer[None]) -> None:
    @server.tool(description="Asks for a name.", structured_output=False)
    async def test_input_required_result_elicitation(ctx: Context) -> Answer:
        name = _accepted(ctx, "user_name", "name")
        if not isinstance(name, str):
            return InputRequiredResult(
                input_requests={"user_name": _form("What is your name?", "name")}
            )
        return _text(f"Hello, {name}!")

    @server.tool(description="Asks the client's model.", structured_output=False)
    async def test_input_required_result_sampling(ctx: Context) -> Answer:
        answer = _given(ctx, "capital_question")
        if answer is None:
            question = _sample("What is the capital of France?", max_tokens=100)
            return InputRequiredResult(input_requests={"capital_question": question})
        return _text(f"The model says: {answer.content}")

    @server.tool(description="Asks for the roots.", structured_output=False)
    async def test_input_required_result_list_roots(ctx: Context) -> Answer:
        answer = _given(ctx, "client_roots")
        if answer is None:
            return InputRequiredResult(input_requests={"client_roots": types.ListRootsRequest()})
        return _text(f"Roots: {[str(root.uri) for root in answer.roots]}")


def _add_stateful(server: MCPServer[None]) -> None:
    confirm = _form("Please confirm", "ok", kind="boolean")

    @server.tool(description="Keeps a state.", structured_output=False)
    async def test_input_required_result_request_state(ctx: Context) -> Answer:
        if ctx.request_state != "first" or _given(ctx, "confirm") is None:
            return InputRequiredResult(input_requests={"confirm": confirm}, request_state="first")
        return _text("state-ok")

    # The SDK seals the state, so a changed one never gets here.
    @server.tool(description="Keeps a sealed state.", structured_output=False)
    async def test_input_required_result_tampered_state(ctx: Context) -> Answer:
        if ctx.request_state is None:
            return InputRequiredResult(input_requests={"confirm": confirm}, request_state="sealed")
        return _text("state-ok")

    @server.tool(description="Asks three things.", structured_output=False)
    async def test_input_required_result_multiple_inputs(ctx: Context) -> Answer:
        questions = {
            "user_name": _form("What is your name?", "name"),
            "greeting": _sample("Generate a greeting", max_tokens=50),
            "client_roots": types.ListRootsRequest(),
        }
        if questions.keys() <= (ctx.input_responses or {}).keys():
            return _text("All three are here.")
        return InputRequiredResult(input_requests=questions, request_state="asked")

    @server.tool(description="Asks twice.", structured_output=False)
    async def test_input_required_result_multi_round(ctx: Context) -> Answer:
        if ctx.request_state == "second" and _given(ctx, "step2") is not None:
            return _text("Both steps are done.")
        if ctx.request_state == "first" and _given(ctx, "step1") is not None:
            question = _form("Step 2: What is your favorite color?", "color")
            return InputRequiredResult(input_requests={"step2": question}, request_state="second")
        question = _form("Step 1: What is your name?", "name")
        return InputRequiredResult(input_requests={"step1": question}, request_state="first")


def _add_capabilities(server: MCPServer[None]) -> None:
    @server.tool(description="Asks what the client can answer.", structured_output=False)
    async def test_input_required_result_capabilities(ctx: Context) -> Answer:
        can = ctx.client_capabilities
        questions: dict[str, Any] = {}
        if can and can.elicitation is not None:
            questions["user_name"] = _form("What is your name?", "name")
        if can and can.sampling is not None:
            questions["greeting"] = _sample("Generate a greeting", max_tokens=50)
        if questions and ctx.input_responses is None:
            return InputRequiredResult(input_requests=questions)
        return _text("Nothing to ask.")

    @server.tool(description="Needs sampling.", structured_output=False)
    async def test_missing_capability(ctx: Context) -> str:
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            raise MCPError(
                code=types.MISSING_REQUIRED_CLIENT_CAPABILITY,
                message="This tool needs sampling",
                data={"requiredCapabilities": {"sampling": {}}},
            )
        return "Sampling is declared."

    @server.tool(description="Asks on a stream.", structured_output=False)
    async def test_streaming_elicitation(ctx: Context) -> Answer:
        if _accepted(ctx, "user_name", "name") is None:
            question = _form("What is your name?", "name")
            return InputRequiredResult(input_requests={"user_name": question})
        return _text("Answered.")
