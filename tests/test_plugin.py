"""The plugin folder and the package descriptions: consistent with the code and one another."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from mcp_router.cli.group import cli
from mcp_router.hosts.launch import PINNED
from mcp_router.router import Router
from mcp_router.server.lazy import LazyRouter
from mcp_router.server.tools import router_tools
from mcp_router.version import __version__

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "slash_commands"
COMMAND = (PLUGIN / "commands/model.md").read_text(encoding="utf-8")
SKILL = (PLUGIN / "skills/route/SKILL.md").read_text(encoding="utf-8")
SETTINGS = {"command": PINNED.command, "args": list(PINNED.args)}


def load(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def head_and_body(text: str) -> tuple[dict[str, str], str]:
    _, head, body = re.split(r"^---\n", text, maxsplit=2, flags=re.MULTILINE)
    return dict(line.split(": ", 1) for line in head.splitlines()), body


def unopened() -> Router:
    raise AssertionError("a listing opens no router")


def tool_names() -> set[str]:
    return {tool.name for tool in router_tools(LazyRouter(unopened))}


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("slash_commands/.claude-plugin/plugin.json", lambda d: d["version"]),
        ("slash_commands/gemini-extension.json", lambda d: d["version"]),
        (".claude-plugin/marketplace.json", lambda d: d["plugins"][0]["version"]),
        ("server.json", lambda d: d["version"]),
        ("server.json", lambda d: d["packages"][0]["version"]),
        ("packaging/manifest.json", lambda d: d["version"]),
    ],
)
def test_every_description_has_the_version_of_the_package(path: str, version: Any) -> None:
    assert version(load(path)) == __version__


@pytest.mark.parametrize(
    "path", ["slash_commands/.mcp.json", "slash_commands/gemini-extension.json"]
)
def test_the_plugin_starts_the_pinned_release(path: str) -> None:
    assert load(path)["mcpServers"] == {"router": SETTINGS}


def test_every_release_named_in_a_text_is_this_one() -> None:
    for file in (*PLUGIN.rglob("*"), ROOT / "server.json"):
        if file.is_file():
            named = re.findall(r"mcp-model-router[@=]+([\w.]+\w)", file.read_text("utf-8"))
            assert set(named) <= {__version__}, file


def test_the_plugin_holds_text_only() -> None:
    assert {file.suffix for file in PLUGIN.rglob("*") if file.is_file()} <= {
        ".md",
        ".json",
        ".toml",
    }


def test_the_marketplace_names_the_plugin_where_it_is() -> None:
    (listed,) = load(".claude-plugin/marketplace.json")["plugins"]
    own = load("slash_commands/.claude-plugin/plugin.json")
    assert (ROOT / listed["source"]).resolve() == PLUGIN.resolve()
    assert (listed["name"], listed["description"]) == (own["name"], own["description"])


def test_the_built_in_model_command_of_no_host_is_shadowed() -> None:
    # A plugin's command is called with the plugin's name before it; a project's is not.
    assert not (ROOT / ".claude/commands/model.md").exists()
    assert load("slash_commands/.claude-plugin/plugin.json")["name"] == "router"
    assert load("slash_commands/gemini-extension.json")["name"] == "router"


def test_the_command_may_use_every_tool_of_the_server() -> None:
    allowed = set(head_and_body(COMMAND)[0]["allowed-tools"].split(", "))
    assert {f"mcp__plugin_router_router__{name}" for name in tool_names()} <= allowed


def test_every_tool_the_command_may_use_is_in_its_text() -> None:
    head, body = head_and_body(COMMAND)
    for tool in head["allowed-tools"].split(", "):
        assert f"`{tool.rpartition('__')[2]}`" in body


def test_the_command_knows_every_verb_of_the_terminal_that_decides_or_reports() -> None:
    verbs = {"route", "classify", "explain", "models", "compare", "stats", "budget", "config"}
    known = set(cli.list_commands(click.Context(cli)))
    assert verbs <= known
    body = head_and_body(COMMAND)[1]
    assert all(re.search(rf"`{verb}\b", body) for verb in verbs)


def test_the_command_gets_the_whole_line_once() -> None:
    assert head_and_body(COMMAND)[1].count("$ARGUMENTS") == 1
    assert head_and_body(COMMAND)[0]["disable-model-invocation"] == "true"


def test_the_form_for_gemini_says_the_same() -> None:
    gemini = tomllib.loads((PLUGIN / "commands/model.toml").read_text(encoding="utf-8"))
    head, body = head_and_body(COMMAND)
    assert gemini == {
        "description": head["description"],
        "prompt": body.replace("$ARGUMENTS", "{{args}}"),
    }


def test_the_skill_names_real_tools_and_its_folder() -> None:
    head, body = head_and_body(SKILL)
    assert head["name"] == "route"
    assert len(head["description"]) <= 1024
    tools = tool_names() | {"execute_with_fallback"}
    assert {"route", "classify", "budget", "stats"} <= tools
    assert all(f"`{name}`" in body for name in tools)


def test_the_registry_entry_keeps_its_limits() -> None:
    entry = load("server.json")
    (package,) = entry["packages"]
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert len(entry["description"]) <= 100
    assert (package["registryType"], package["identifier"]) == ("pypi", "mcp-model-router")
    assert [a["value"] for a in package["packageArguments"]] == ["serve"]
    secrets = {v["name"] for v in package["environmentVariables"] if v.get("isSecret")}
    assert {name for name in secrets if not name.endswith("_API_KEY")} == set()


def test_the_image_is_labelled_with_the_name_of_the_registry() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f'io.modelcontextprotocol.server.name="{load("server.json")["name"]}"' in image
    assert re.search(r"^USER 10001$", image, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["mcp-router"\]\nCMD \["serve"\]$', image, re.MULTILINE)


def test_the_image_is_built_from_what_the_wheel_needs() -> None:
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    needed = {path.split("/")[0] for path in wheel} | {"pyproject.toml", "README.md", "LICENSE"}
    assert {f"!{name}" for name in needed} <= set(kept)


def test_the_bundle_offers_the_tools_of_the_server_and_asks_for_no_key() -> None:
    manifest = load("packaging/manifest.json")
    assert tool_names() <= {tool["name"] for tool in manifest["tools"]}
    options = manifest["user_config"]
    assert all(o["sensitive"] and not o["required"] for o in options.values())
    # Without a default the host would pass the placeholder itself as the key.
    assert {o["default"] for o in options.values()} == {""}
    used = set(re.findall(r"\$\{user_config\.(\w+)\}", json.dumps(manifest["server"])))
    assert used == set(options)
    assert (ROOT / manifest["server"]["entry_point"]).is_file()
