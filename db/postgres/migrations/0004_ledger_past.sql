-- What the ledger keeps of long past months.

-- What settled entries that are gone had cost, by tag; '' is all of them.
CREATE TABLE ledger_past (
  tag TEXT PRIMARY KEY,
  spent_nanos BIGINT NOT NULL
);

-- When each kind of upkeep was last done to its end, so that of all processes one does it.
CREATE TABLE upkeep (
  kind TEXT PRIMARY KEY,
  done_ms BIGINT NOT NULL
);
