"""One run of the command line: its global options, and what they lead to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_router.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.load import Loaded
    from mcp_router.config.settings import Settings
    from mcp_router.router import Router


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _environment() -> Mapping[str, str]:
    return os.environ


@dataclass(kw_only=True)
class Session:
    """The options `--config`, `--db` and `--debug`, with the environment and clock of the run."""

    config: Path | None = None
    db: Path | None = None
    debug: bool = False
    environ: Mapping[str, str] = field(default_factory=_environment)
    clock: Callable[[], datetime] = _utc_now

    @cached_property
    def loaded(self) -> Loaded:
        """The settings and their sources; what is odd about them is told on stderr once.

        Raises:
            ConfigError: a setting is wrong.
        """
        loaded = self.load(self.config, environ=self.environ)
        for warning in loaded.warnings:
            say("warning", warning)
        return loaded

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.loaded.settings

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue with the user's own models, providers and names.

        Raises:
            ConfigError: the settings name something that does not exist.
        """
        return self.catalog_of(self.loaded)

    def router(self) -> Router:
        """Open the router.

        Raises:
            ConfigError: a setting is wrong.
            StorageError: the database cannot be used.
        """
        loaded = self.loaded
        from mcp_router.router import Router

        return Router.open(
            loaded.settings,
            environ=self.environ,
            clock=self.clock,
            sources=loaded.sources,
        )

    def stamp(self) -> object:
        """Return what differs once the settings files do; a few look-ups of files."""
        from mcp_router.config.stamp import settings_stamp

        return settings_stamp(config=self.config, environ=self.environ, cwd=_cwd())

    def anew(self) -> Session:
        """Return the same run before it read any settings."""
        return replace(self)

    def load(self, config: Path | None, *, environ: Mapping[str, str]) -> Loaded:
        """Load settings from a file, or from where they are looked for.

        Raises:
            ConfigError: a setting is wrong.
        """
        from mcp_router.config.load import load_settings

        overrides: dict[str, object] = {}
        if self.db is not None:
            overrides["db"] = self.db
        if self.debug:
            overrides["debug"] = True
        return load_settings(config=config, environ=environ, cwd=_cwd(), overrides=overrides)

    def catalog_of(self, loaded: Loaded) -> Catalog:
        """Lay settings over the built-in catalogue as it stands today.

        Raises:
            ConfigError: the settings name something that does not exist.
        """
        from mcp_router.catalog.catalog import Catalog
        from mcp_router.config.apply import configured_catalog

        base = Catalog.load(on=self.clock().date())
        return configured_catalog(loaded.settings, base=base, sources=loaded.sources)


def _cwd() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        # Its folder was deleted: there is no project, and only relative paths cannot be found.
        return Path("/")
