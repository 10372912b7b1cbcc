"""Measures what each mode adds to its calls: wall time of a task whose models answer at once.

    python tests/benchmarks/bench_modes.py [--tasks 200]

Providers run in this process too, so a call costs more than over a network; what counts is how the
modes compare. A cascade that is content with the first answer should cost what a single call does.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from mcp_router import ModeOptions, Router
from mcp_router.config.load import load_settings
from mcp_router.testing import Answer, FaultServer

TEXT = "The sea is calm today, and the light on it is a joy to see from every window of the house."
MODES = {
    "single": ModeOptions(),
    "cascade": ModeOptions(),
    "redundant": ModeOptions(n=2),
    "ensemble": ModeOptions(n=3),
}


async def measure(router: Router, mode: str, *, tasks: int) -> list[float]:
    """Return the milliseconds of each task, after a few to warm up."""
    took: list[float] = []
    for at in range(tasks + 10):
        began = time.perf_counter()
        await router.execute(
            f"Say something nice about the sea, number {at}.",
            mode=mode,
            options=MODES[mode],
            chain=["a", "b", "c"],
            max_tokens=300,
        )
        took.append((time.perf_counter() - began) * 1000)
    return took[10:]


async def main(tasks: int) -> None:
    """Print the median and the 95th percentile of each mode."""
    with tempfile.TemporaryDirectory() as folder:
        async with FaultServer(healthy=Answer(TEXT), max_calls=1000) as server:
            for name in "abc":
                server.script(name, [], then="healthy")
            settings = load_settings(
                environ={},
                cwd=Path(folder),
                overrides={"db": f"{folder}/router.db", **server.settings()},
            ).settings
            async with Router.open(settings, environ={}) as router:
                for mode in MODES:
                    took = sorted(await measure(router, mode, tasks=tasks))
                    p95 = took[int(len(took) * 0.95)]
                    print(f"{mode:<10} p50 {statistics.median(took):6.2f} ms  p95 {p95:6.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=200)
    asyncio.run(main(parser.parse_args().tasks))
