"""The metrics at the door: there where telemetry is on, and for a token that may read."""

from __future__ import annotations

from tests.door.house import HELLO, House


def test_prometheus_reads_what_was_counted_with_a_token(own_house: House) -> None:
    own_house.more = {"telemetry": {"enabled": True}}
    reader, caller = own_house.token("prometheus", "read"), own_house.token("alice")
    with own_house.started() as server:
        with server.client(caller) as client:
            body = {"model": "m-a", "messages": HELLO}
            assert client.post("/v1/chat/completions", json=body).status_code == 200
        with server.client(reader) as client:
            answer = client.get("/metrics")
        with server.client() as client:
            assert client.get("/metrics").status_code == 401
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'mcp_router_attempts_total{gen_ai_operation_name="chat"' in answer.text
    assert "Say hello" not in answer.text


def test_counts_go_on_when_settings_change(own_house: House) -> None:
    own_house.more = {"telemetry": {"enabled": True}}
    secret = own_house.token("alice")
    with own_house.started() as server, server.client(secret) as client:
        for model in ("m-a", "m-b"):
            own_house.serve("m-b")
            body = {"model": model, "messages": HELLO}
            assert client.post("/v1/chat/completions", json=body).status_code == 200
        text = client.get("/metrics").text
    assert 'gen_ai_request_model="m-a"' in text
    assert 'gen_ai_request_model="m-b"' in text


def test_without_telemetry_there_are_none(own_house: House) -> None:
    secret = own_house.token("alice")
    with own_house.started() as server, server.client(secret) as client:
        assert client.get("/metrics").status_code == 404
