"""LangChain's standard suites where the user's own chat models make the calls."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from tests.integrations.suites import AllToggles

pytestmark = [
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    pytest.mark.filterwarnings("ignore:OpenAI may require a filename:UserWarning"),
]


class Delegated(AllToggles):
    """The same models, each called by a chat model of the user's."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        names = ("first", "second", "thinker")
        targets = {name: self.target(name) for name in names}
        return {**super().chat_model_params, "targets": targets}

    def target(self, name: str) -> BaseChatModel:
        raise NotImplementedError


class TestToChatOpenAI(Delegated):
    wire = "openai"

    def target(self, name: str) -> BaseChatModel:
        return ChatOpenAI(model=name, base_url=self.server.base_url("openai"), api_key="key")


class TestToChatAnthropic(Delegated):
    wire = "anthropic"
    supports_audio_inputs = False

    def target(self, name: str) -> BaseChatModel:
        url = self.server.base_url("anthropic")
        return ChatAnthropic(model_name=name, base_url=url, api_key="key")
