-- What the ledger keeps of long past months: budgets of a day or a month need no single entries by
-- then, and a budget without end only needs their sum.

-- What settled entries that are gone had cost, by tag; '' is all of them.
CREATE TABLE ledger_past (
  tag TEXT PRIMARY KEY,
  spent_nanos INTEGER NOT NULL
) WITHOUT ROWID;

-- When each kind of upkeep was last done to its end, so that of all processes one does it.
CREATE TABLE upkeep (
  kind TEXT PRIMARY KEY,
  done_ms INTEGER NOT NULL
) WITHOUT ROWID;
