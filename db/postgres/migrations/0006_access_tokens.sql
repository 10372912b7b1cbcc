-- Bearer tokens of the HTTP server, one row per name; digest is the SHA-256 of the token in hex.
CREATE TABLE access_tokens (
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  models TEXT NOT NULL,
  daily_nanos BIGINT CHECK (daily_nanos >= 0),
  monthly_nanos BIGINT CHECK (monthly_nanos >= 0),
  requests_per_minute BIGINT CHECK (requests_per_minute > 0),
  tokens_per_minute BIGINT CHECK (tokens_per_minute > 0),
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT,
  revoked_ms BIGINT
);
