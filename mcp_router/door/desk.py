"""The endpoints below /v1: models, chat completions, messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from anyio import to_thread

from mcp_router.door.anthropic_answer import AnthropicSpeech
from mcp_router.door.models import listed, model_list, model_row
from mcp_router.door.openai_answer import OpenAISpeech
from mcp_router.door.reply import send_body
from mcp_router.door.speaking import answer
from mcp_router.door.strict_json import read_object
from mcp_router.errors import UnknownModelError

if TYPE_CHECKING:
    from mcp_router.door.call import Call
    from mcp_router.router import Router
    from mcp_router.server.lazy import LazyRouter

MODELS = "/v1/models"


class Desk:
    """Serves calls over one router, whose settings may change between them."""

    def __init__(self, router: LazyRouter) -> None:
        self._router = router

    async def models(self, call: Call) -> None:
        """List what the field `model` may say."""
        async with self._opened() as router:
            rows = [
                model_row(*one, dialect=call.caller.dialect) for one in listed(router, call.grant)
            ]
        body = model_list(rows, dialect=call.caller.dialect)
        await send_body(call.send, body, status=200, caller=call.caller, headers={})

    async def model(self, call: Call) -> None:
        """Show one of them.

        Raises:
            UnknownModelError: there is none of this name.
        """
        name = unquote(call.caller.path.removeprefix(f"{MODELS}/"))
        async with self._opened() as router:
            found = {one[0]: one for one in listed(router, call.grant)}
        if name not in found:
            raise UnknownModelError(name[:80])
        body = model_row(*found[name], dialect=call.caller.dialect)
        await send_body(call.send, body, status=200, caller=call.caller, headers={})

    async def chat(self, call: Call) -> None:
        """Answer a chat completion."""
        # Its checks take a while to build, which other faces need not wait for.
        from mcp_router.door.openai_request import read_chat

        asked = read_chat(read_object(call.body))
        speech = OpenAISpeech(asked, request_id=call.caller.request_id)
        async with self._opened() as router:
            await answer(call, asked, router=router, speech=speech)

    async def messages(self, call: Call) -> None:
        """Answer a message of Anthropic's kind."""
        from mcp_router.door.anthropic_request import read_message

        asked = read_message(read_object(call.body))
        speech = AnthropicSpeech(request_id=call.caller.request_id)
        async with self._opened() as router:
            await answer(call, asked, router=router, speech=speech)

    async def count(self, call: Call) -> None:
        """Count the tokens of a message; an estimate, as it is for no one model."""
        from mcp_router.door.anthropic_request import read_message

        asked = read_message(read_object(call.body), to_run=False)
        async with self._opened() as router:
            found = await to_thread.run_sync(router.classify, asked.request)
        body = {"input_tokens": found.input_tokens}
        await send_body(call.send, body, status=200, caller=call.caller, headers={})

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Router]:
        async with self._router.call():
            yield await self._router.opened()
