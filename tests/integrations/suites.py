"""LangChain's standard suites with every toggle on, over providers on loopback."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import langchain_tests.integration_tests.chat_models as standard
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_mcp_router import ChatModelRouter
from mcp_router import Settings, Usage
from mcp_router.testing import Answer, FaultServer

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
COUNTED = Usage(
    input_tokens=900,
    cache_read_tokens=64,
    cache_write_tokens=32,
    reasoning_tokens=16,
    output_tokens=40,
)
DETAILS = ["reasoning_output", "cache_read_input", "cache_creation_input"]


class AllToggles(ChatModelIntegrationTests):
    """Every test that a router can be put to; a subclass says who answers.

    Models: `first` and `second` answer, `thinker` reasons and counts in every bucket.
    """

    wire: ClassVar[str] = "openai"
    server: ClassVar[FaultServer]
    folder: ClassVar[Path]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _served(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with FaultServer.run_in_thread() as server:
            for name in ("first", "second"):
                server.script(name, [Answer()], wire=cls.wire)
            thinker = Answer(reasoning="Let me think about that.", usage=COUNTED)
            server.script("thinker", [thinker], wire=cls.wire)
            cls.server = server
            cls.folder = tmp_path_factory.mktemp("router")
            yield

    @pytest.fixture(autouse=True)
    def _no_downloads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The suites fetch pictures and papers from the web; any bytes will do here."""
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "mcp-model-router tests")
        monkeypatch.setattr(standard.httpx, "get", lambda *_, **__: SimpleNamespace(content=PIXEL))

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def vcr(self) -> SimpleNamespace:
        """Nothing need be recorded: the provider is at hand."""
        return SimpleNamespace(responses=[True])

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatModelRouter

    @property
    def chat_model_params(self) -> dict[str, Any]:
        settings = {**self.server.settings(), "db": str(self.folder / "router.db")}
        return {"settings": Settings.model_validate(settings), "chain": ("first", "second")}

    @property
    def model_override_value(self) -> str | None:
        return "second"

    @property
    def supported_usage_metadata_details(self) -> Any:
        return {"invoke": DETAILS, "stream": DETAILS}

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    supports_anthropic_inputs = True
    enable_vcr_tests = True

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._counted(stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._counted(stream=stream)

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        return self._counted(stream=stream)

    def _counted(self, *, stream: bool) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        if not stream:
            return model.invoke("Think.", model="thinker")
        pieces = list(model.stream("Think.", model="thinker"))
        return sum(pieces[1:], pieces[0])
