"""A provider that fails as often as it is told: one number a line on stdin, a share of all calls.

Says its base URL, then serves until stdin ends.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer

# What a provider that is in trouble does; that a request is refused for good is not among it.
POOL = (
    Fault.http(500),
    Fault.http(503),
    Fault.http(529),
    Fault.reset("before_headers"),
    Fault.disconnect("mid_body"),
    Fault.malformed(),
    Fault.no_choices(),
)
ANSWER = Answer("The meeting agreed on the plan, and everybody knows what to do next. " * 4)


async def main() -> None:
    """Serve, and change the share of failures with each line that is read."""
    async with FaultServer(healthy=ANSWER, max_calls=1) as server:
        print(server.base_url("openai"), flush=True)
        turn = 0
        while line := await asyncio.to_thread(sys.stdin.readline):
            turn += 1
            server.random_faults(rate=float(line), seed=turn, pool=POOL)
            print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
