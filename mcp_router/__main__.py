"""The command line as a module: `python -m mcp_router`."""

from __future__ import annotations

import sys

from mcp_router.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
