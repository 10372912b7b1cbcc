"""Chromium without a window: what a page becomes once its script ran, and how it looks."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path
from typing import NamedTuple

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
DARK = "--blink-settings=preferredColorScheme=0"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Seen(NamedTuple):
    """The document after its script ran, and what was said on the console."""

    dom: str
    console: str


class Picture(NamedTuple):
    """A screenshot: its size in pixels and the colour of its upper left corner."""

    width: int
    height: int
    corner: tuple[int, ...]


class Browser(NamedTuple):
    """A browser with a profile of its own in `folder`."""

    program: str
    folder: Path

    def open(self, url: str, *, milliseconds: int = 3_000) -> Seen:
        """Load a page and let so much of its own time pass."""
        waiting = f"--virtual-time-budget={milliseconds}"
        done = self._run(waiting, "--dump-dom", url)
        console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        return Seen(done.stdout, "\n".join(console))

    def screenshot(self, url: str, *, size: tuple[int, int], dark: bool, to: Path) -> Picture:
        """Take a picture of the part of a page that a window of this size shows."""
        flags = [DARK] if dark else []
        window = f"--window-size={size[0]},{size[1]}"
        self._run(*flags, window, f"--screenshot={to}", url)
        return picture(to.read_bytes())

    def _run(self, *args: str) -> subprocess.CompletedProcess[str]:
        profile = f"--user-data-dir={self.folder / 'profile'}"
        command = [self.program, *FLAGS, profile, *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)


def find_program() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def picture(png: bytes) -> Picture:
    """Read the size and the first pixel of a PNG file (its first row has nothing above it)."""
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    place, data = 8, b""
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += 12 + length
    # Whatever the filter of the row, there is nothing to the left of its first pixel.
    return Picture(width, height, tuple(zlib.decompress(data)[1:4]))
