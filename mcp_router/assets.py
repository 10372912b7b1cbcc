"""Finds the data folders that travel with the package, installed or in a checkout."""

from __future__ import annotations

from pathlib import Path


def find(name: str) -> Path:
    """Return the path of a data folder such as "db".

    A wheel carries it inside the package; a checkout has it beside the package.

    Raises:
        FileNotFoundError: neither is there; the message says to reinstall.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / name, _beside(package, name)):
        if folder is not None and folder.exists():
            return folder
    raise FileNotFoundError(
        f"{name!r} is missing from the installed package {package}. "
        "Reinstall it: pip install --force-reinstall mcp-model-router"
    )


def _beside(package: Path, name: str) -> Path | None:
    # Without this check, site-packages/db of an unrelated package would be taken for ours.
    checkout = package.parent
    return checkout / name if (checkout / "pyproject.toml").is_file() else None
