"""The examination as a whole: every check runs, whatever the others say."""

from __future__ import annotations

import sys
from datetime import date

from mcp_router.config.load import load_settings
from mcp_router.doctor.examination import Patient, examine
from mcp_router.doctor.machine import check_package, check_python
from mcp_router.errors import ConfigError
from mcp_router.hosts.host import Machine
from mcp_router.hosts.launch import Launch


def patient(machine: Machine, **more: str) -> Patient:
    environ = {"HOME": str(machine.home), "ROUTING_DB": str(machine.home / "r.db"), **more}
    return Patient(
        python=(3, 11, 7),
        machine=machine,
        project=machine.home,
        launch=Launch(sys.executable, ("-c", "")),
        load=lambda: load_settings(environ=environ, cwd=machine.home),
        today=date(2026, 11, 21),
    )


def test_one_thing_after_the_other_is_looked_at(machine: Machine) -> None:
    subjects = dict.fromkeys(finding.subject for finding in examine(patient(machine)))
    first = ["Python", "Package", "Settings", "Keys", "Catalogue", "Prices", "Database"]
    assert [*subjects][:7] == first
    assert [*subjects][-1] == "Server"


def test_broken_settings_do_not_keep_the_rest_from_being_looked_at(machine: Machine) -> None:
    findings = examine(patient(machine, ROUTING_STRATEGY="fastest"))
    assert next(f for f in findings if f.subject == "Settings").status == "fail"
    assert {"Python", "Claude Code", "Server"} <= {f.subject for f in findings}


def test_a_name_that_leads_nowhere_is_a_failure_of_the_catalogue(machine: Machine) -> None:
    file = machine.home / "mcp-router.toml"
    file.write_text('[chains]\nmine = ["no-such-model-at-all"]\n', encoding="utf-8")
    found = {f.subject: f for f in examine(patient(machine))}
    assert found["Catalogue"].status == "fail"
    assert "Database" in found


def test_every_complaint_says_how_to_mend_it(machine: Machine) -> None:
    findings = examine(patient(machine, ROUTING_STRATEGY="fastest"))
    assert all(f.mend for f in findings if f.status != "ok")
    assert all(not f.mend for f in findings if f.status == "ok")


def test_an_old_python_fails() -> None:
    assert check_python((3, 10, 1)).status == "fail"
    assert check_python((3, 14, 0)).status == "ok"


def test_this_package_is_complete() -> None:
    assert check_package().status == "ok"


def test_a_failure_to_load_is_one_of_ours_only(machine: Machine) -> None:
    def broken() -> object:
        raise ConfigError(place="FILE", key="k", problem="bad")

    findings = examine(patient(machine)._replace(load=broken))
    assert any(f.text == "FILE: k: bad." for f in findings)
