"""Measures the whole way of a request over HTTP, beside LiteLLM's proxy and Portkey's gateway.

    make bench-http
    LITELLM=/path/to/bin/litellm PORTKEY=/path/to/start-server.js make bench-http

Each gateway is one worker in a process of its own, before the same upstream, which answers at once
and never fails; all get the same closed-loop load, in turns, so that a busy machine counts for all
alike. A figure is the median of its rounds. CPU is that of the gateway's processes alone. A stream
has 50 pieces. Every prompt is another one, except where it says "same".

Ours has a token, and keeps its books on disk: decisions, money reserved and settled, outcomes.
LiteLLM has its master key, no database and no log; Portkey, without keys of its own, no log.
They are no dependencies of this project: a gateway that is not installed is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.gateways import (
    MODELS,
    Gateway,
    cpu_ms,
    litellm,
    litellm_command,
    memory_mb,
    ours,
    portkey,
    portkey_command,
    upstream,
)
from tests.benchmarks.load import Shape, drive

UPSTREAM = "upstream itself"
OURS = "mcp-router auto"
LITELLM = "litellm"
MEASURED = (OURS, LITELLM, "portkey")
SHAPES = tuple(Shape(stream, width) for stream in (False, True) for width in (1, 16, 64))
INSTALL = {
    "litellm": (
        "not measured: litellm. `pip install 'litellm[proxy]'` in a virtual environment of its "
        "own, then LITELLM=…/bin/litellm make bench-http"
    ),
    "portkey": (
        "not measured: portkey. `npm install @portkey-ai/gateway` in a folder of its own, then "
        "PORTKEY=…/node_modules/@portkey-ai/gateway/build/start-server.js make bench-http "
        '(its streams fail under newer versions than "overrides": {"@hono/node-server": "1.14.1"})'
    ),
}


class Figures(NamedTuple):
    """What one load on one gateway came to."""

    per_second: float
    p50: float
    p99: float
    cpu: float


async def measured(gateway: Gateway, shape: Shape, *, seconds: float) -> Figures:
    """Load a gateway once."""
    before = cpu_ms(gateway.pid)
    speed = await drive(gateway.aim, shape, seconds=seconds)
    cpu = (cpu_ms(gateway.pid) - before) / speed.answered
    return Figures(speed.per_second, speed.p50, speed.p99, cpu)


async def rounds(
    gateways: Mapping[str, Gateway], shape: Shape, *, seconds: float, number: int
) -> dict[str, Figures]:
    """Load the gateways in turns, and return the medians of each."""
    found: dict[str, list[Figures]] = {name: [] for name in gateways}
    for _ in range(number):
        for name in tuple(found):
            try:
                found[name].append(await measured(gateways[name], shape, seconds=seconds))
            except RuntimeError as error:
                if name in (UPSTREAM, OURS):
                    raise
                print(f"left out: {name}, as it gives {error}")
                del found[name]
    return {name: medians(each) for name, each in found.items()}


def medians(each: Sequence[Figures]) -> Figures:
    """Take the median of every column."""
    return Figures(*(statistics.median(column) for column in zip(*each, strict=True)))


@contextmanager
def started(folder: Path) -> Generator[dict[str, Gateway]]:
    """Start the upstream and whatever is installed before it."""
    with ExitStack() as stack:
        at = stack.enter_context(upstream())
        base = f"http://127.0.0.1:{at.aim.port}/v1"
        own = stack.enter_context(ours(base, folder))
        found = {
            UPSTREAM: at,
            OURS: own,
            "mcp-router auto, same": own._replace(aim=own.aim._replace(fresh=False)),
            "mcp-router by name": own._replace(aim=own.aim._replace(model=MODELS[0])),
        }
        if litellm_command():
            found[LITELLM] = stack.enter_context(litellm(base, folder))
        if portkey_command():
            found["portkey"] = stack.enter_context(portkey(base, folder))
        yield found


def show(shape: Shape, found: Mapping[str, Figures]) -> None:
    """Print the lines of one load."""
    kind = "streams" if shape.stream else "whole answers"
    title = f"{kind}, {shape.connections} at a time"
    print(f"\n{title:32}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
    for name, one in found.items():
        figures = f"{one.per_second:8.0f}{one.p50:9.2f}{one.p99:9.2f}{one.cpu:9.3f}"
        print(f"  {name:30}{figures}", flush=True)


def behind(found: Mapping[str, Figures]) -> list[str]:
    """Name the columns in which ours is not better than LiteLLM's proxy."""
    if LITELLM not in found:
        return []
    mine, its = found[OURS], found[LITELLM]
    worse = {"req/s": mine.per_second <= its.per_second} | {
        name: getattr(mine, name) >= getattr(its, name) for name in ("p50", "p99", "cpu")
    }
    return [name for name, is_worse in worse.items() if is_worse]


async def report(gateways: Mapping[str, Gateway], *, seconds: float, number: int) -> bool:
    """Measure and print everything; False where ours is behind LiteLLM's proxy."""
    for shape in (Shape(stream=False, connections=4), Shape(stream=True, connections=4)):
        await rounds(gateways, shape, seconds=seconds, number=1)
    good = True
    for shape in SHAPES:
        found = await rounds(gateways, shape, seconds=seconds, number=number)
        show(shape, found)
        for column in behind(found):
            good = False
            print(f"  out of bounds: {column} is not better than litellm's")
    print("\nresident memory in MB")
    used = {name: memory_mb(gateways[name].pid) for name in MEASURED if name in gateways}
    for name, megabytes in used.items():
        print(f"  {name.split()[0]:30}{megabytes:8.0f}")
    return good and used[OURS] < used.get(LITELLM, math.inf)


def main() -> int:
    """Measure what is installed; 1 where ours is behind LiteLLM's proxy."""
    parser = argparse.ArgumentParser(description="Measure the HTTP server beside others.")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each load")
    parser.add_argument("--rounds", type=int, default=5, help="of each line")
    options = parser.parse_args()
    if not Path("/proc/self/stat").exists():
        print("not measured: this reads CPU and memory from /proc, which only Linux has")
        return 0
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as gateways:
        for name, how in INSTALL.items():
            if name not in gateways:
                print(how)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        run = report(gateways, seconds=options.seconds, number=options.rounds)
        return 0 if asyncio.run(run) else 1


if __name__ == "__main__":
    sys.exit(main())
