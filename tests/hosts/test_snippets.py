"""The blocks for the README: each can be pasted, and says what `install` would write."""

from __future__ import annotations

import base64
import json
import shlex
import tomllib
from urllib.parse import parse_qs, urlsplit

import pytest

from mcp_router.hosts.entry import entry_of
from mcp_router.hosts.host import HOSTS, Host
from mcp_router.hosts.launch import PINNED
from mcp_router.hosts.snippets import command_line, readme_blocks, settings_block

every_host = pytest.mark.parametrize("host", HOSTS.values(), ids=lambda host: host.name)


@every_host
def test_the_settings_are_a_whole_file_of_the_host(host: Host) -> None:
    text = settings_block(host)
    data = tomllib.loads(text) if host.dialect is None else json.loads(text)
    assert data == {host.table: {"mcp-router": entry_of(host, launch=PINNED)}}


@every_host
def test_a_host_without_a_command_of_its_own_has_none(host: Host) -> None:
    assert bool(command_line(host)) == (host.name != "claude-desktop")


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini"])
def test_the_line_of_a_terminal_host_ends_with_the_command(name: str) -> None:
    words = shlex.split(command_line(HOSTS[name]))
    assert words[0] == HOSTS[name].programs[0]
    assert tuple(words[-3:]) == PINNED.words()


def test_the_line_for_vs_code_carries_the_entry_as_json() -> None:
    words = shlex.split(command_line(HOSTS["vscode"]))
    assert words[:2] == ["code", "--add-mcp"]
    assert json.loads(words[2])["args"] == list(PINNED.args)


def test_the_link_for_cursor_carries_the_entry() -> None:
    link = urlsplit(shlex.split(command_line(HOSTS["cursor"]))[1])
    query = parse_qs(link.query)
    assert query["name"] == ["mcp-router"]
    entry = json.loads(base64.b64decode(query["config"][0]))
    assert entry == entry_of(HOSTS["cursor"], launch=PINNED)


def test_every_host_has_its_folded_section() -> None:
    text = readme_blocks()
    assert text.count("<details>") == text.count("</details>") == len(HOSTS)
    for host in HOSTS.values():
        assert f"<summary>{host.title}</summary>" in text
        assert f"mcp-router install {host.name}\n" in text
