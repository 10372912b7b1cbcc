#!/usr/bin/env bash
# Packs the project into dist/*.mcpb, which Claude Desktop installs by a double click; uv fetches
# what it depends on when it is first started. Needs npm; its tool stays in .venv/hosts.
set -euo pipefail
cd "$(dirname "$0")/.."

TOOL="@anthropic-ai/mcpb@2.1.2"
CACHE=".venv/hosts"
STAGE="build/mcpb"

command -v npm >/dev/null || { echo "bundle: npm is needed"; exit 1; }
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' mcp_router/version.py)
target="dist/mcp-model-router-$version.mcpb"

rm -rf "$STAGE"
mkdir -p "$STAGE" "$CACHE" dist
for item in mcp_router db slash_commands integrations pyproject.toml README.md LICENSE; do
  [ ! -e "$item" ] || cp -R "$item" "$STAGE/"
done
find "$STAGE" -name __pycache__ -prune -exec rm -rf {} +
cp packaging/manifest.json "$STAGE/"

[ -f "$CACHE/package.json" ] || echo '{"private": true}' >"$CACHE/package.json"
npm install --prefix "$CACHE" --no-audit --no-fund --loglevel=error "$TOOL" >/dev/null
"$CACHE/node_modules/.bin/mcpb" validate "$STAGE/manifest.json"
"$CACHE/node_modules/.bin/mcpb" pack "$STAGE" "$target"
python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest(), sys.argv[1])' "$target"
