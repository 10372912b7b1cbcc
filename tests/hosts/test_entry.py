"""Our entry in the file of each host: the golden files, updates, and what is refused."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from mcp_router.errors import HostError
from mcp_router.hosts.entry import entry_of, servers, with_entry, without_entry
from mcp_router.hosts.host import HOSTS, Host
from mcp_router.hosts.launch import Launch

GOLDEN = Path(__file__).parent / "golden"
LAUNCH = Launch("/opt/bin/mcp-router", ("serve",))
NAME = "mcp-router"

every_host = pytest.mark.parametrize("host", HOSTS.values(), ids=lambda host: host.name)


def golden(host: Host, when: str) -> bytes:
    kind = "toml" if host.dialect is None else "json"
    return (GOLDEN / f"{host.name}.{kind}.{when}").read_bytes()


def added(content: bytes | None, host: Host, *, launch: Launch = LAUNCH) -> bytes:
    entry = entry_of(host, launch=launch)
    return with_entry(content, host=host, name=NAME, entry=entry, place="FILE")


def dropped(content: bytes, host: Host) -> bytes:
    return without_entry(content, host=host, name=NAME, place="FILE")


def listed(content: bytes, host: Host) -> Mapping[str, object]:
    return servers(content, host=host, place="FILE")


@every_host
def test_a_file_with_other_servers_becomes_the_golden_one(host: Host) -> None:
    assert added(golden(host, "before"), host) == golden(host, "after")


@every_host
def test_adding_twice_changes_nothing_more(host: Host) -> None:
    once = added(golden(host, "before"), host)
    assert added(once, host) == once


@every_host
def test_taking_it_out_leaves_the_other_servers(host: Host) -> None:
    before = golden(host, "before")
    rest = dropped(golden(host, "after"), host)
    assert listed(rest, host) == listed(before, host)
    assert dropped(rest, host) == rest


@every_host
def test_where_there_is_no_file_the_entry_is_all_there_is(host: Host) -> None:
    for nothing in (None, b"", b" \n"):
        content = added(nothing, host)
        text = content.decode()
        data = tomllib.loads(text) if host.dialect is None else json.loads(text)
        assert data == {host.table: {NAME: entry_of(host, launch=LAUNCH)}}
        assert text.endswith("}\n" if host.dialect else "]\n")


@every_host
def test_another_version_is_brought_up_to_date_and_nothing_else(host: Host) -> None:
    old = Launch("uvx", ("mcp-model-router@0.0.9", "serve"))
    assert added(added(golden(host, "before"), host, launch=old), host) == golden(host, "after")


@every_host
def test_what_somebody_added_to_our_entry_is_kept(host: Host) -> None:
    entry = {**entry_of(host, launch=LAUNCH), "env": {"ROUTING_DB": "/srv/r.db"}}
    mine = with_entry(golden(host, "before"), host=host, name=NAME, entry=entry, place="FILE")
    moved = added(mine, host, launch=Launch("/new/mcp-router", ("serve",)))
    assert listed(moved, host)[NAME] == {**entry, "command": "/new/mcp-router"}


@every_host
def test_the_entry_of_another_program_is_left_alone(host: Host) -> None:
    theirs = {"command": "npx", "args": ["-y", "@mcp_router/cli", "connect"]}
    content = with_entry(None, host=host, name=NAME, entry=theirs, place="FILE")
    with pytest.raises(HostError, match="another program") as caught:
        added(content, host)
    assert "--name" in caught.value.hint
    with pytest.raises(HostError, match="another program"):
        dropped(content, host)


@every_host
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{]", "not "),
        (b'\xff\xfe{"a": 1}', "not UTF-8"),
        (b"[[[", "not "),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(
    host: Host, content: bytes, problem: str
) -> None:
    with pytest.raises(HostError, match=f"^FILE: .*{problem}") as caught:
        added(content, host)
    assert "\n" not in str(caught.value)


@every_host
def test_a_list_of_servers_that_is_none_is_refused(host: Host) -> None:
    wrong = f'{host.table} = "x"' if host.dialect is None else json.dumps({host.table: "x"})
    with pytest.raises(HostError, match="no list of servers"):
        added(wrong.encode(), host)


def test_what_the_host_itself_cannot_read_is_refused_with_its_name() -> None:
    with pytest.raises(HostError) as caught:
        added(b'{"mcpServers": {}, // note\n}', HOSTS["claude-code"])
    assert caught.value.hint == "Claude Code cannot read it either; mend it."


def test_a_server_elsewhere_under_our_name_gives_way_to_the_command() -> None:
    host = HOSTS["gemini"]
    old = b'{"mcpServers": {"mcp-router": {"url": "http://x", "command": "mcp-router"}}}'
    assert listed(added(old, host), host)[NAME] == entry_of(host, launch=LAUNCH)


def test_an_edit_that_would_change_more_than_asked_is_not_made() -> None:
    # Taking out the last of two members of one name would bring the first one back.
    ours = json.dumps(entry_of(HOSTS["gemini"], launch=LAUNCH))
    twice = f'{{"mcpServers": {{"mcp-router": {ours}, "mcp-router": {ours}}}}}'
    with pytest.raises(HostError, match="cannot be changed safely"):
        dropped(twice.encode(), HOSTS["gemini"])
