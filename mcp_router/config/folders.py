"""The folders of the user's own that the router reads from and writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "mcp-router"


def config_folder() -> Path:
    """Return where the user's settings file is looked for; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path(_NAME, appauthor=False)


def data_folder() -> Path:
    """Return where the database is kept unless the settings say otherwise; it need not exist."""
    from platformdirs import user_data_path

    return user_data_path(_NAME, appauthor=False)
