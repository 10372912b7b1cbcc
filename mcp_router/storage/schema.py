"""Writes db/schema.sql, the whole schema in one file, from the migrations.

python -m mcp_router.storage.schema            writes it
python -m mcp_router.storage.schema --check    exits 1 if it is out of date
"""

from __future__ import annotations

import sys

from mcp_router.assets import find
from mcp_router.storage.migrations import APPLICATION_ID, TABLE, known_migrations

_STEP = "INSERT INTO schema_migrations VALUES ({version}, '{name}');\n"
_HEAD = """\
-- The schema as one file, for reading and for `sqlite3 new.db < db/schema.sql`.
-- Made from db/migrations by `python -m mcp_router.storage.schema`; change those instead.

PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
PRAGMA application_id = {application_id};
PRAGMA user_version = {version};

{table};
"""


def schema() -> str:
    """Return the text of db/schema.sql as the migrations define it."""
    steps = known_migrations()
    parts = [_HEAD.format(application_id=APPLICATION_ID, version=steps[-1].version, table=TABLE)]
    for step in steps:
        parts.append(_STEP.format(version=step.version, name=step.name))
        parts.append(step.sql)
    parts.append("COMMIT;\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the file, or with --check compare it; return the exit code."""
    file = find("db") / "schema.sql"
    current = file.read_text(encoding="utf-8") if file.is_file() else ""
    if arguments == ["--check"]:
        if current == schema():
            return 0
        sys.stderr.write(f"{file} is out of date: run python -m mcp_router.storage.schema\n")
        return 1
    if arguments:
        sys.stderr.write("usage: python -m mcp_router.storage.schema [--check]\n")
        return 2
    if current != schema():
        file.write_text(schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
