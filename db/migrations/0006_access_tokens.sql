-- Bearer tokens of the HTTP server.

-- One row per name; a name is free again once its token is revoked. digest is the SHA-256 of the
-- token in hex: the token itself, 32 random bytes, is shown once and not kept. scopes and models
-- are JSON arrays, an empty one of models allows all. What a token spent is in the ledger, under
-- the tag "token=name".
CREATE TABLE access_tokens (
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  models TEXT NOT NULL,
  daily_nanos INTEGER CHECK (daily_nanos >= 0),
  monthly_nanos INTEGER CHECK (monthly_nanos >= 0),
  requests_per_minute INTEGER CHECK (requests_per_minute > 0),
  tokens_per_minute INTEGER CHECK (tokens_per_minute > 0),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER
) WITHOUT ROWID;
