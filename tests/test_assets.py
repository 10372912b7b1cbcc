"""Data folders are found in an installed package and in a checkout, and nowhere else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_router import assets


def found_from(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Run the finder as it stands in `folder`, in a process of its own."""
    code = f"from assets import find; print(find({name!r}))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "site" / "mcp_router"
    folder.mkdir(parents=True)
    shutil.copy(assets.__file__, folder / "assets.py")
    return folder


def test_a_folder_inside_the_installed_package_is_found(package: Path) -> None:
    (package / "db").mkdir()
    assert found_from(package, "db").stdout.strip() == str((package / "db").resolve())


def test_a_checkout_has_the_folder_beside_the_package(package: Path) -> None:
    (package.parent / "db").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert found_from(package, "db").stdout.strip() == str((package.parent / "db").resolve())


def test_the_package_wins_over_the_checkout(package: Path) -> None:
    (package / "db").mkdir()
    (package.parent / "db").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert found_from(package, "db").stdout.strip() == str((package / "db").resolve())


def test_a_stranger_s_folder_in_site_packages_is_not_taken(package: Path) -> None:
    (package.parent / "db").mkdir()
    result = found_from(package, "db")
    assert result.returncode == 1
    assert "FileNotFoundError: 'db' is missing" in result.stderr


def test_a_missing_folder_says_to_reinstall() -> None:
    with pytest.raises(FileNotFoundError, match="Reinstall it: pip install --force-reinstall"):
        assets.find("no-such-folder")
