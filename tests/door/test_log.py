"""The log of the HTTP server as JSON: every line an object, and no token in any of them."""

from __future__ import annotations

import json
import subprocess

import httpx2

from mcp_router.storage.tokens import new_secret
from tests.door.house import COMMAND, SECONDS, House
from tests.server.process import environment


def test_every_line_is_an_object_and_none_holds_a_token(own_house: House) -> None:
    wrong = new_secret()
    with subprocess.Popen(
        [*COMMAND, "serve", "--http", "--port", "0"],
        cwd=own_house.folder,
        env=environment(
            own_house.folder, ROUTING_CONFIG=own_house.write(), ROUTING_LOG_FORMAT="json"
        ),
        stderr=subprocess.PIPE,
        text=True,
    ) as popen:
        assert popen.stderr is not None
        first = json.loads(popen.stderr.readline())
        address = first["message"].split()[1]
        answer = httpx2.get(
            f"{address}/v1/models/{wrong}%0aforged",
            headers={"authorization": f"Bearer {wrong}"},
            timeout=SECONDS,
        )
        popen.terminate()
        rest = popen.stderr.read()
    assert popen.returncode == 0
    rows = [first, *(json.loads(line) for line in rest.splitlines())]
    assert {tuple(row)[:4] for row in rows} == {("time", "level", "logger", "message")}
    assert first["level"] == "info"
    refused = next(row for row in rows if row["message"].startswith("401"))
    assert refused["level"] == "warning"
    assert refused["request_id"] == answer.headers["x-request-id"]
    assert wrong not in rest
