"""LangChain's standard unit suite, for the router's own calls and for delegated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_mcp_router import ChatModelRouter
from mcp_router import Settings

MODELS: dict[str, Any] = {
    "providers": {"here": {"wire": "openai", "base_url": "http://127.0.0.1:9/v1"}},
    "models": {"small": {"provider": "here", "context": 8_000}},
}


class Unit(ChatModelUnitTests):
    """The suite for a router that chooses."""

    folder: ClassVar[Path]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _placed(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.folder = tmp_path_factory.mktemp("router")
        (cls.folder / "router.toml").write_text('strategy = "cost_first"\n', encoding="utf-8")

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatModelRouter

    @property
    def chat_model_params(self) -> dict[str, Any]:
        settings = {**MODELS, "db": str(self.folder / "router.db")}
        return {"settings": Settings.model_validate(settings)}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        file = str(self.folder / "router.toml")
        return {"ROUTING_CONFIG": file}, {}, {"config_file": file}


class TestRouted(Unit):
    pass


class TestDelegated(Unit):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        targets = {"small": FakeListChatModel(responses=["yes"])}
        return {**super().chat_model_params, "targets": targets}
