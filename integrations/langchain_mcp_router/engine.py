"""What a chat model runs on: its router, its delegates and its bridge for synchronous callers."""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel, ModelProfile
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_mcp_router import profile
from langchain_mcp_router.answers import Answers
from langchain_mcp_router.binding import is_function
from langchain_mcp_router.bridge import Bridge
from langchain_mcp_router.calls import ChatCall, Standing, laid_out
from langchain_mcp_router.failures import standard_error
from langchain_mcp_router.targets import Targets
from langchain_mcp_router.turns import Turn
from mcp_router import Constraints, Router, RouterError, Settings


class _Parts:
    """What an engine opened; it outlives the engine by as long as it takes to close."""

    def __init__(self, targets: Mapping[str, BaseChatModel]) -> None:
        self.bridge = Bridge()
        self.targets = Targets(targets) if targets else None
        self.opened: Router | None = None
        self.delegated: Router | None = None

    def close(self) -> None:
        # The thread's loop closes its connections, and the routers have to live until then.
        self.bridge.close()
        opened, self.opened, self.delegated = self.opened, None, None
        if opened is not None:
            opened.close()


class Engine:
    """Opens what it needs when it is first needed; one serves any number of threads and loops."""

    def __init__(
        self,
        *,
        router: Router | None,
        settings: Settings | None,
        config_file: str | None,
        max_retries: int | None,
        targets: Mapping[str, BaseChatModel],
    ) -> None:
        self._parts = _Parts(targets)
        self._given = router
        self._settings = settings
        self._config_file = config_file
        self._max_retries = max_retries
        self._lock = threading.RLock()
        self._identity: dict[str, Any] | None = None
        weakref.finalize(self, self._parts.close)

    @property
    def bridge(self) -> Bridge:
        """What runs coroutines for synchronous callers."""
        return self._parts.bridge

    @property
    def base(self) -> Router:
        """The router that was given, or else one opened from the settings.

        Raises:
            ConfigError: a setting is wrong.
        """
        if self._given is not None:
            return self._given
        with self._lock:
            if self._parts.opened is None:
                self._parts.opened = self._open()
            return self._parts.opened

    @property
    def router(self) -> Router:
        """The router that carries calls out, through the delegates where there are any."""
        parts = self._parts
        if parts.targets is None:
            return self.base
        with self._lock:
            if parts.delegated is None:
                parts.delegated = parts.targets.known_to(self.base)
            return parts.delegated

    async def complete(
        self,
        messages: Sequence[BaseMessage],
        *,
        standing: Standing,
        stop: Sequence[str] | None,
        given: Mapping[str, Any],
        seconds: float | None,
    ) -> ChatResult:
        """Get a whole answer.

        Raises:
            RouterError: no model gave one; it is one of LangChain's errors as well.
        """
        with _standard_errors():
            call, answers = self._laid_out(messages, standing=standing, stop=stop, given=given)
            done = await self.router.execute(call.messages, timeout_s=seconds, **call.asked)
        return answers.result(done)

    async def stream(
        self,
        messages: Sequence[BaseMessage],
        *,
        standing: Standing,
        stop: Sequence[str] | None,
        given: Mapping[str, Any],
        seconds: float | None,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        """Give an answer piece by piece.

        Raises:
            RouterError: no model gave one, or one broke off in the middle; it is one of
                LangChain's errors as well.
        """
        with _standard_errors():
            call, answers = self._laid_out(messages, standing=standing, stop=stop, given=given)
            events = self.router.stream(call.messages, timeout_s=seconds, **call.asked)
            async with aclosing(events):
                async for event in events:
                    for chunk in answers.chunks(event):
                        yield chunk

    def profile(
        self, *, chain: str | Sequence[str], constraints: Constraints | None
    ) -> ModelProfile | None:
        """Say what every model can do that a call may go to."""
        if self._parts.targets is not None:
            return profile.intersection(self._parts.targets.profiles)
        rows = profile.candidates(self.base, chain=chain, constraints=constraints)
        return profile.intersection([profile.profile_of(one) for one in rows])

    def identity(self) -> Mapping[str, Any]:
        """Tell this engine from others that answer otherwise: catalogue, settings, targets."""
        if self._identity is None:
            router = self.base
            written = f"{router.catalog.version} {router.settings.model_dump_json()}"
            policy = hashlib.blake2b(written.encode(), digest_size=8).hexdigest()
            told = {} if self._parts.targets is None else {"targets": self._parts.targets.identity}
            self._identity = {"policy": policy, **told}
        return self._identity

    def close(self) -> None:
        """End the thread and close the router, unless it was given."""
        with self._lock:
            self._parts.close()

    def _laid_out(
        self,
        messages: Sequence[BaseMessage],
        *,
        standing: Standing,
        stop: Sequence[str] | None,
        given: Mapping[str, Any],
    ) -> tuple[ChatCall, Answers | Turn]:
        router = self.router
        left = dict(given)
        tools: Sequence[object] = left.pop("tools", None) or ()
        if self._parts.targets is not None:
            standing = self._parts.targets.narrowed(standing, tools=tools)
        shown = tools if self._parts.targets is None else [one for one in tools if is_function(one)]
        call = laid_out(messages, standing=standing, stop=stop, given=left, tools=shown)
        call = call.known_to(router)
        if self._parts.targets is None:
            return call, Answers(call.warnings)
        return call, self._parts.targets.turn(call, tools=tools, given=left)

    def _open(self) -> Router:
        config = Path(self._config_file) if self._config_file and not self._settings else None
        router = Router.open(self._settings, config=config)
        if self._max_retries is None:
            return router
        settings = router.settings
        fallback = settings.fallback.model_copy(update={"max_retries": self._max_retries})
        return Router.open(settings.model_copy(update={"fallback": fallback}))


@contextmanager
def _standard_errors() -> Generator[None]:
    try:
        yield
    except RouterError as error:
        known = standard_error(error)
        if known is error:
            raise
        raise known from error.__cause__
