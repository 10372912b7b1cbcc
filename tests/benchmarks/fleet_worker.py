"""One of the processes that the ledger's speed is measured with."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.fleet_measures import reserve_and_settle

if __name__ == "__main__":
    print(reserve_and_settle(sys.argv[1], sys.argv[2], float(sys.argv[3])), flush=True)
