"""LangChain's standard suites where the router itself makes the calls, on each of its wires."""

from __future__ import annotations

import pytest

from tests.integrations.suites import AllToggles

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


class TestOnTheOpenAIWire(AllToggles):
    wire = "openai"


class TestOnTheAnthropicWire(AllToggles):
    wire = "anthropic"
    supports_audio_inputs = False


class TestOnTheGeminiWire(AllToggles):
    wire = "gemini"
