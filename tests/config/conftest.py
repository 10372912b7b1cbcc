"""Nobody's own settings reach these tests, and theirs reach nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mcp_router.config.folders import config_folder
from mcp_router.config.load import Loaded, load_settings


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("USERPROFILE", str(folder))
        patch.setenv("LOCALAPPDATA", str(folder))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        yield folder


@pytest.fixture
def user_folder() -> Iterator[Path]:
    """The user's config folder; files a test leaves there are removed."""
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    for file in folder.iterdir():
        file.unlink()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.fixture
def load(project: Path) -> Callable[..., Loaded]:
    """Load as in `project`, in UTC, with the variables and arguments given."""

    def run(
        environ: Mapping[str, str] = {},
        *,
        cwd: Path | None = None,
        config: Path | None = None,
        overrides: Mapping[str, object] = {},
    ) -> Loaded:
        variables = {"TZ": "UTC", **environ}
        return load_settings(
            config=config, environ=variables, cwd=cwd or project, overrides=overrides
        )

    return run
