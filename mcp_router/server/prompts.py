"""The prompt `model`: a line as a person types it, served with its answer."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt, PromptArgument
from mcp.types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    InputRequiredResult,
    PromptReference,
)

from mcp_router.server.command import Command, read_command
from mcp_router.server.consent import Consent
from mcp_router.server.lines import Answer, Lines

if TYPE_CHECKING:
    from mcp.server.mcpserver.prompts.base import Message

NAME = "model"
ARGUMENT = "line"
MAX_LINE_CHARS = 400_000

_REST = (
    "If the person's message shows more words after the command (command-args), the line is all "
    "of them"
)
_SHOW = f"""\
Show the person this answer as it is. Do not work on the task yourself and do not change any file.
{_REST}: then answer that line with the tools of the model router instead."""
_STEP = "This line is the person's alone. Do not run it; show it to them, to type in a terminal:"
_NOW = "Every server that is running, this one too, takes it up with its next call."


class LinePrompt(Prompt):
    """A prompt of one argument that refuses others, and takes none for an empty one."""

    async def render(
        self, arguments: dict[str, Any] | None, context: Context[Any, Any]
    ) -> list[Message] | InputRequiredResult:
        """Render the prompt.

        Raises:
            MCPError: INVALID_PARAMS, an argument does not exist or the line cannot be read.
        """
        given = {ARGUMENT: "", **(arguments or {})}
        if len(given) > 1:
            raise _invalid(f"This prompt takes one argument, {ARGUMENT}.")
        if len(str(given[ARGUMENT])) > MAX_LINE_CHARS:
            raise _invalid(f"A line may have up to {MAX_LINE_CHARS:,} characters.")
        return await super().render(given, context)


class ModelPrompt:
    """The functions behind the prompt; without `lines` the agent answers with the tools."""

    def __init__(self, lines: Lines | None) -> None:
        self._lines = lines
        self._command = read_command()
        self._consent = Consent()

    def prompt(self) -> Prompt:
        """Build the prompt, described as the slash command is."""
        prompt = LinePrompt.from_function(
            self._served,
            name=NAME,
            title="Ask the model router",
            description=self._command.description,
        )
        prompt.arguments = [
            PromptArgument(name=ARGUMENT, description=self._command.hint, required=True)
        ]
        return prompt

    async def complete(
        self, reference: PromptReference, argument: CompletionArgument
    ) -> Completion | None:
        """Complete a line: verbs, options, values, names of models."""
        if self._lines is None or (reference.name, argument.name) != (NAME, ARGUMENT):
            return None
        found = await to_thread.run_sync(self._lines.complete, argument.value)
        return Completion(values=list(found))

    async def _served(self, line: str, context: Context[Any, Any]) -> str | InputRequiredResult:
        line = line.strip()
        if self._lines is None:
            return _with_tools(line, command=self._command)
        answer = await to_thread.run_sync(self._lines.answer, line)
        if answer.outcome == "changes" and self._consent.can_ask(answer.text, context=context):
            agreed = await self._consent.ask(answer.text, context=context)
            if isinstance(agreed, InputRequiredResult):
                return agreed
            if agreed:
                lines = partial(self._lines.answer, agreed=True)
                answer = await to_thread.run_sync(lines, line)
                return f"{_text(answer, line=line, command=self._command)}\n{_NOW}"
        return _text(answer, line=line, command=self._command)


def add_prompts(server: MCPServer[None], *, lines: Lines | None) -> ModelPrompt:
    """Register the prompt on the server, and return what completes it."""
    model = ModelPrompt(lines)
    server.add_prompt(model.prompt())
    return model


def _text(answer: Answer, *, line: str, command: Command) -> str:
    """Write the one message.

    Raises:
        MCPError: INVALID_PARAMS, the line cannot be read.
    """
    match answer.outcome:
        case "bad":
            raise _invalid(answer.text)
        case "unfinished" | "spends":
            return _with_tools(line, command=command)
        case "changes" | "terminal":
            return f"{_STEP}\n\n{_block(answer.text)}\n\n{_REST}: then show `mcp-router` with them."
        case "failed":
            return f"The model router could not do it:\n\n{_block(answer.text)}\n\n{_SHOW}"
        case "done":
            return f"The model router answers:\n\n{_block(answer.text)}\n\n{_SHOW}"


def _with_tools(line: str, *, command: Command) -> str:
    return f"{command.told(line)}\n\n{_REST}."


def _block(text: str) -> str:
    """Fence a text with more backticks than it has anywhere, so that nothing in it ends the block.

    Control characters, which a terminal would obey, are left out.
    """
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    return f"{fence}text\n{shown}\n{fence}"


def _invalid(problem: str) -> MCPError:
    return MCPError(INVALID_PARAMS, problem)
