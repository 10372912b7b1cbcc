"""What holds for the tests of every room."""

from __future__ import annotations

from hypothesis import settings

# A deadline would measure the machine and what else it does, not the code.
settings.register_profile("mcp-router", deadline=None)
settings.load_profile("mcp-router")
