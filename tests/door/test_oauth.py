"""Tokens of a real authorization server on loopback: JWTs by its keys, others by asking it."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.door.house import COMMAND, HELLO, House, Served
from tests.server.process import environment

RESOURCE = "http://router.example/mcp"
CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m-a", "messages": HELLO}


class Issuer:
    """Signs tokens, publishes its keys and answers introspections."""

    def __init__(self) -> None:
        self.keys = {"k1": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
        self.active: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.url = ""

    def jwks(self) -> dict[str, Any]:
        keys = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]
        return {"keys": keys}

    def token(self, *, kid: str = "k1", **changes: Any) -> str:
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": RESOURCE,
            "sub": "someone",
            "client_id": "editor",
            "scope": "router:execute profile",
            "exp": int(time.time()) + 300,
        }
        claims = {k: v for k, v in {**claims, **changes}.items() if v is not None}
        return jwt.encode(claims, self.keys[kid], algorithm="RS256", headers={"kid": kid})


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            self.answer(issuer.jwks())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            login = base64.b64encode(b"router:s3cret").decode()
            if self.headers["authorization"] != f"Basic {login}":
                self.send_error(401)
                return
            issuer.asked.append(form["token"][0])
            self.answer(issuer.active.get(form["token"][0], {"active": False}))

        def answer(self, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture(scope="module")
def house(house: House, issuer: Issuer) -> House:
    oauth = {"issuer": issuer.url, "resource": RESOURCE, "scope_prefix": "router:"}
    house.http = {"oauth": {**oauth, "jwks_url": f"{issuer.url}/keys"}}
    house.more["budget"] = {"tags": {"token=oauth:poor": {"daily": 0.0000001}}}
    return house


def status(served: Served, token: str, path: str = CHAT) -> int:
    with served.client(token) as client:
        return client.post(path, json={**BODY, "max_tokens": 100}).status_code


def test_a_token_of_the_issuer_lets_in_and_is_accounted(
    served: Served, issuer: Issuer, house: House
) -> None:
    assert status(served, issuer.token()) == 200
    tags = house.rows("SELECT tags FROM ledger_entries ORDER BY entry_id DESC LIMIT 1")
    assert json.loads(tags[0][0]) == ["token=oauth:editor"]
    assert status(served, issuer.token(), "/v1/messages") == 200


def test_tokens_made_here_still_do(served: Served, secret: str) -> None:
    assert status(served, secret) == 200


def test_a_budget_on_a_client_holds(served: Served, issuer: Issuer) -> None:
    assert status(served, issuer.token(client_id="poor")) == 402


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "http://other.example/mcp"}, 401),
        ({"iss": "http://evil.example"}, 401),
        ({"exp": 1}, 401),
        ({"exp": None}, 401),
        ({"aud": None}, 401),
        ({"nbf": 9_999_999_999}, 401),
        ({"scope": "profile"}, 403),
        ({"scope": "execute"}, 403),
        ({"scope": "router:read"}, 403),
        ({"scope": None, "scp": ["router:admin"]}, 200),
    ],
)
def test_every_claim_counts(
    served: Served, issuer: Issuer, changes: dict[str, Any], code: int
) -> None:
    assert status(served, issuer.token(**changes)) == code


def test_signatures_that_prove_nothing_are_refused(served: Served, issuer: Issuer) -> None:
    good = issuer.token()
    header, claims, signature = good.split(".")
    forged = {**jwt.decode(good, options={"verify_signature": False}), "scope": "router:admin"}
    none = jwt.encode(forged, None, algorithm="none", headers={"kid": "k1"})
    shared = jwt.encode(forged, "x" * 40, algorithm="HS256", headers={"kid": "k1"})
    other = Issuer()
    other.url = issuer.url
    for bad in (
        f"{header}.{claims}.",
        f"{header}.{claims}.{signature[:-4]}AAAA",
        none,
        shared,
        other.token(),
        "a.b.c",
        "..",
        "x" * 20_000,
    ):
        assert status(served, bad) == 401


def test_keys_are_asked_for_once_and_again_for_a_new_one_only_after_a_while(
    served: Served, issuer: Issuer
) -> None:
    issuer.keys["k2"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for _ in range(5):
        status(served, issuer.token(kid="k2"))
    assert issuer.asked.count("/keys") <= 2


def test_clients_learn_who_issues_tokens(served: Served, issuer: Issuer) -> None:
    with served.client() as client:
        refused = client.post("/mcp", json={})
        path = "/.well-known/oauth-protected-resource/mcp"
        assert (
            f'resource_metadata="http://router.example{path}"'
            in refused.headers["www-authenticate"]
        )
        told = client.get(path).json()
    assert told["resource"] == RESOURCE
    assert [one.rstrip("/") for one in told["authorization_servers"]] == [issuer.url]
    assert told["scopes_supported"] == ["router:read", "router:execute", "router:admin"]


def test_opaque_tokens_are_asked_about(own_house: House) -> None:
    with issuing() as issuer:
        issuer.active = {
            "good": {"active": True, "scope": "execute", "client_id": "cli", "aud": RESOURCE},
            "late": {"active": True, "scope": "execute", "aud": RESOURCE, "exp": 1},
            "else": {"active": True, "scope": "execute", "aud": ["http://else.example"]},
        }
        own_house.http["oauth"] = {
            "issuer": issuer.url,
            "resource": RESOURCE,
            "introspection_url": f"{issuer.url}/introspect",
            "client_id": "router",
            "client_secret_env": "ISSUER_SECRET",
        }
        with own_house.started(ISSUER_SECRET="s3cret") as served:
            found = {one: status(served, one) for one in ("good", "late", "else", "unknown")}
            assert found == {"good": 200, "late": 401, "else": 401, "unknown": 401}
            del issuer.active["good"]
            end = time.monotonic() + 5
            while status(served, "good") == 200:
                assert time.monotonic() < end
            assert "s3cret" not in served.logged()


def test_an_issuer_that_is_gone_lets_nobody_in(own_house: House) -> None:
    own_house.http["oauth"] = {
        "issuer": "http://127.0.0.1:1",
        "resource": RESOURCE,
        "jwks_url": "http://127.0.0.1:1/keys",
    }
    with issuing() as issuer, own_house.started() as served:
        assert status(served, issuer.token()) == 503
        assert status(served, own_house.token()) == 200


def test_half_a_setting_is_told(own_house: House) -> None:
    own_house.http["oauth"] = {"issuer": "http://127.0.0.1:1"}
    done = own_house.run("serve", "--http", "--port", "0")
    assert (done.returncode, "http.oauth.resource" in done.stderr) == (1, True)


def test_a_project_cannot_bring_an_issuer_along(own_house: House) -> None:
    text = '[http.oauth]\nissuer = "http://evil.example"\n'
    (own_house.folder / "mcp-router.toml").write_text(text, encoding="utf-8")
    (own_house.folder / ".git").mkdir()
    done = subprocess.run(
        [*COMMAND, "serve", "--http", "--port", "0"],
        cwd=own_house.folder,
        env=environment(own_house.folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 1
    assert "http.oauth" in done.stderr
