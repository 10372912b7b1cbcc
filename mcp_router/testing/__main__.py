"""`python -m mcp_router.testing`: run the fault server until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence

from mcp_router.testing.catalogue import BEHAVIOURS
from mcp_router.testing.server import FaultServer
from mcp_router.testing.wires import WIRES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; print its base URLs as one line of JSON. Returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.list:
        sys.stdout.write("\n".join(BEHAVIOURS) + "\n")
        return 0
    try:
        asyncio.run(_serve(options))
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_router.testing", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--api-key", help="refuse requests with another key")
    parser.add_argument(
        "--model",
        action="append",
        type=_script,
        default=[],
        metavar="NAME=FAULT[,FAULT...]",
        help="what a model shows, in order; the last one repeats",
    )
    parser.add_argument("--random-rate", type=float, default=0.0, help="share of random faults")
    parser.add_argument("--seed", type=int, default=0, help="fixes the random faults")
    parser.add_argument("--list", action="store_true", help="name every fault and stop")
    return parser


def _script(written: str) -> tuple[str, list[str]]:
    model, equals, names = written.partition("=")
    steps = names.split(",")
    unknown = [name for name in steps if name not in BEHAVIOURS]
    if not (model and equals) or unknown:
        problem = f"unknown: {', '.join(unknown)}" if unknown else "write NAME=FAULT[,FAULT...]"
        raise argparse.ArgumentTypeError(f"{problem}; --list names every fault")
    return model, steps


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    # Windows event loops take no signal handlers; there, ending the process does.
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with FaultServer(host=options.host, port=options.port, api_key=options.api_key) as server:
        for model, names in options.model:
            server.script(model, [BEHAVIOURS[name] for name in names])
        if options.random_rate:
            server.random_faults(rate=options.random_rate, seed=options.seed)
        sys.stdout.write(json.dumps({name: server.base_url(name) for name in WIRES}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
