"""Somebody else's chat models made fit for a router: no retries, and a connection for each loop."""

from __future__ import annotations

import asyncio
import sys
from abc import ABC
from collections.abc import AsyncGenerator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

Json = dict[str, Any]

# Where the packages for OpenAI and Anthropic keep the SDK's asynchronous client.
_CLIENTS = ("root_async_client", "_async_client")
_PROXIES = ("http_async_client", "openai_proxy", "anthropic_proxy")


class Hooks(BaseChatModel, ABC):
    """Calls a chat model flat, by the hooks that LangChain keeps for subclasses.

    Called by its public methods it would begin a run of its own, so that a tracer, a usage
    callback and a graph that streams would hear every answer twice.
    """

    @staticmethod
    async def complete(
        model: BaseChatModel, messages: list[BaseMessage], arguments: Json
    ) -> ChatResult:
        """Get a whole answer."""
        return await model._agenerate(messages, **arguments)

    @staticmethod
    async def pieces(
        model: BaseChatModel, messages: list[BaseMessage], arguments: Json
    ) -> AsyncGenerator[ChatGenerationChunk]:
        """Get an answer in pieces; a model that cannot stream gives it as one."""
        kind = type(model)
        if kind._astream is BaseChatModel._astream and kind._stream is BaseChatModel._stream:
            yield _as_chunk(await model._agenerate(messages, **arguments))
            return
        async for chunk in model._astream(messages, **arguments):
            yield chunk

    @staticmethod
    def identity(model: BaseChatModel) -> Json:
        """Say what tells a chat model from others."""
        return {"_type": model._llm_type, **model._identifying_params}


def _as_chunk(result: ChatResult) -> ChatGenerationChunk:
    generation = result.generations[0]
    message = AIMessageChunk(**generation.message.model_dump(exclude={"type"}))
    info = {**(result.llm_output or {}), **(generation.generation_info or {})}
    return ChatGenerationChunk(message=message, generation_info=info)


class LoopCopies:
    """Copies of chat models, one for each event loop, with connections of their own.

    Both packages share one HTTP client among all loops of a process, and its connections fail
    in every loop but their first. Retries are the router's business, and streams report usage.
    """

    def __init__(self) -> None:
        self._copies: dict[asyncio.AbstractEventLoop, dict[int, BaseChatModel]] = {}
        self._clients: dict[asyncio.AbstractEventLoop, list[Any]] = {}
        self._holders: dict[asyncio.AbstractEventLoop, AsyncGenerator[None]] = {}

    async def of(self, model: BaseChatModel) -> BaseChatModel:
        """Give the running loop's copy of a model."""
        loop = asyncio.get_running_loop()
        if loop not in self._copies:
            self._copies[loop], self._clients[loop] = {}, []
            holder = self._holders[loop] = self._hold(loop)
            await anext(holder)
        copies = self._copies[loop]
        known = copies.get(id(model))
        if known is None:
            known = copies[id(model)] = self._copy(model, loop)
        return known

    async def _hold(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
        # A loop finishes the generators begun in it before it closes: the last moment at which
        # its connections can be closed well.
        try:
            yield
        finally:
            self._copies.pop(loop, None)
            self._holders.pop(loop, None)
            for client in self._clients.pop(loop, []):
                await client.aclose()

    def _copy(self, model: BaseChatModel, loop: asyncio.AbstractEventLoop) -> BaseChatModel:
        changes: dict[str, Any] = {}
        if getattr(model, "stream_usage", True) is None:
            changes["stream_usage"] = True
        name = next((one for one in _CLIENTS if _has(model, one)), None)
        if name is None:
            return model.model_copy(update=changes) if changes else model
        client = self._client(model, getattr(model, name), loop)
        if name == "root_async_client":
            changes |= {name: client, "async_client": client.chat.completions}
        # The other package caches its client there when it is first used.
        return model.model_copy(update={name: client, **changes})

    def _client(self, model: BaseChatModel, client: Any, loop: asyncio.AbstractEventLoop) -> Any:
        if any(getattr(model, name, None) for name in _PROXIES):
            return client.with_options(max_retries=0)
        sdk = sys.modules[type(client).__module__.partition(".")[0]]
        own = sdk.DefaultAsyncHttpxClient()
        self._clients[loop].append(own)
        return client.with_options(max_retries=0, http_client=own)


def _has(model: BaseChatModel, name: str) -> bool:
    """Tell whether a model keeps such a client, and the client can be copied."""
    known = name in type(model).model_fields or hasattr(type(model), name)
    return known and hasattr(getattr(model, name), "with_options")
