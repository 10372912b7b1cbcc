"""The product's own server object with the fixtures that the conformance suites look for.

    python tests/conformance/conformance_app.py PORT

serves both over Streamable HTTP on the loopback. The fixtures' names and texts are the suites'.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

# Run as a script, so its own folder is on the path but the checkout may not be.
sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.router import Router
from mcp_router.server.app import build_server
from tests.conformance.content import add_content
from tests.conformance.conversation import add_conversation
from tests.conformance.questions import add_questions


def main() -> None:
    """Serve until killed."""
    logging.basicConfig(level="ERROR")
    server = build_server(Router.open)
    add_content(server)
    add_conversation(server)
    add_questions(server)
    server.run("streamable-http", port=int(sys.argv[1]))


if __name__ == "__main__":
    main()
