"""The machine's own time zone is found where the machine says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.config.zone import local_time_zone


@pytest.fixture
def link(tmp_path: Path) -> Path:
    path = tmp_path / "localtime"
    path.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    return path


@pytest.fixture
def name_file(tmp_path: Path) -> Path:
    path = tmp_path / "timezone"
    path.write_text("Asia/Tokyo\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("value", ["America/New_York", ":America/New_York"])
def test_tz_comes_first(value: str, link: Path, name_file: Path) -> None:
    assert local_time_zone({"TZ": value}, link=link, name_file=name_file) == "America/New_York"


@pytest.mark.parametrize("value", ["", "CEST-2", "nowhere"])
def test_the_link_comes_next(value: str, link: Path, name_file: Path) -> None:
    assert local_time_zone({"TZ": value}, link=link, name_file=name_file) == "Europe/Berlin"


def test_the_name_file_comes_last(tmp_path: Path, name_file: Path) -> None:
    plain = tmp_path / "copied"
    plain.write_bytes(b"TZif2")
    assert local_time_zone({}, link=plain, name_file=name_file) == "Asia/Tokyo"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"Mars/Base"])
def test_without_a_known_name_there_is_none(tmp_path: Path, content: bytes) -> None:
    name_file = tmp_path / "timezone"
    name_file.write_bytes(content)
    assert local_time_zone({}, link=tmp_path / "absent", name_file=name_file) is None
