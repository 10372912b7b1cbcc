"""Trains the task-type classifier and says how good it is.

    python -m tests.training DATA             writes mcp_router/routing/types.bin
    python -m tests.training DATA --check     1 if the weights differ from those that are kept
    python -m tests.training DATA --report    held-out figures and flip rates; takes ten minutes

DATA is a folder of public sets; `examples.py` names each with its licence. The same data, written
prompts and rules give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mcp_router.routing.kinds import TEMPERATURE as RULES_TEMPERATURE
from tests.training.evaluation import (
    Prepared,
    best_temperature,
    by_source,
    flip_rates,
    known_sources,
    left_out_sources,
    parts,
    prepare,
    rules_alone,
    train,
)
from tests.training.examples import OWN, public, written
from tests.training.fit import Choices, packed
from tests.training.measure import Figures

WEIGHTS = Path(__file__).parents[2] / "mcp_router" / "routing" / "types.bin"
# Found by `--report`: the worse of both calibration errors is least here.
TEMPERATURE = 1.25


def main(arguments: list[str] | None = None) -> int:
    """Train, check or report; 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.training")
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args(arguments)
    choices = Choices()
    data = prepare([*public(asked.data), *written()], choices=choices)
    if asked.report:
        return _report(data, choices=choices)
    model = train(data, range(len(data.examples)), choices=choices)
    made = packed(model, choices=choices, temperature=TEMPERATURE)
    if asked.check:
        same = made == WEIGHTS.read_bytes()
        print("the weights are what the data give" if same else "the weights are out of date")
        return int(not same)
    WEIGHTS.write_bytes(made)
    print(f"{WEIGHTS.name}: {len(made):,} bytes from {len(data.examples):,} examples")
    return 0


def _report(data: Prepared, *, choices: Choices) -> int:
    known = known_sources(data, choices=choices)
    unknown = left_out_sources(data, choices=choices)
    print(f"{'':34}{'count':>7}{'accuracy':>10}{'macro-F1':>10}{'ECE':>8}{'surest 80 %':>13}")
    rules = rules_alone(data, temperature=RULES_TEMPERATURE)
    for title, scored, heat in (
        ("rules alone", rules, 1.0),
        ("known sources", known, TEMPERATURE),
        ("source left out", unknown, TEMPERATURE),
    ):
        for name, found in parts(scored, temperature=heat):
            _show(f"{title}, {name}", found)
    for name, found in by_source(unknown, temperature=TEMPERATURE):
        _show(f"left out: {name}", found)
    print(f"\nbest temperature {best_temperature(known, unknown)}, used {TEMPERATURE}")
    print("\nflip rate of the product on")
    for title, own in (("public prompts", False), ("written prompts", True)):
        texts = [one.text for one in data.examples if (one.source in OWN) == own][::8]
        rates = ", ".join(f"{name} {rate:.1%}" for name, rate in flip_rates(texts))
        print(f"  {title} ({len(texts)}): {rates}")
    return 0


def _show(name: str, found: Figures) -> None:
    print(
        f"{name:34}{found.count:>7,}{found.accuracy:>10.3f}{found.macro_f1:>10.3f}"
        f"{found.ece:>8.3f}{found.sure:>13.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
