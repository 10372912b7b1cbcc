"""Runs every benchmark one after the other; 1 if one of them is out of its bounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the files beside this one, each in a process of its own."""
    failed = 0
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"\n== {path.stem.removeprefix('bench_')}", flush=True)
        failed |= subprocess.run([sys.executable, str(path)], check=False).returncode
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
