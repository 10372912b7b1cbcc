"""What the doctor says about the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.doctor.database import check_database
from mcp_router.storage.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "router.db"
    SqliteStore.open(path).close()
    return path


def test_a_sound_database_is_well(path: Path) -> None:
    (finding,) = check_database(path)
    assert finding.status == "ok"
    assert "sound and writable" in finding.text


def test_one_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "router.db"
    (finding,) = check_database(path)
    assert finding.status == "ok"
    assert "will be created" in finding.text
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_created_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (finding,) = check_database(tmp_path / "file" / "router.db")
    assert finding.status == "fail"
    assert "ROUTING_DB" in finding.mend


def test_a_file_that_is_no_database_fails(tmp_path: Path) -> None:
    path = tmp_path / "router.db"
    path.write_bytes(b"not a database at all" * 100)
    (finding,) = check_database(path)
    assert finding.status == "fail"
    assert str(path) in finding.text
    assert finding.mend


def test_a_damaged_page_is_found(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(b"\xff" * (size // 4))
    findings = check_database(path)
    assert {f.status for f in findings} == {"fail"}
    assert all(f.mend for f in findings)
