-- What went wrong, grouped: a signature is endpoint + sorted (index-free path, kind). The first and the latest exchange
-- of each are kept whole, as they travelled, so that they can be shown, reproduced and judged again.

CREATE TABLE darklaunch.signature (
    launch      text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    endpoint    text COLLATE "C" NOT NULL,
    title       text NOT NULL,
    outcome     text COLLATE "C" NOT NULL CHECK (outcome IN ('mismatched', 'shadow_error', 'slow')),
    parts       jsonb NOT NULL,
    count       bigint NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'open',
    PRIMARY KEY (launch, fingerprint)
) WITH (fillfactor = 70);
COMMENT ON COLUMN darklaunch.signature.parts IS 'the sorted (index-free path, kind) pairs, as [{"path": …, "kind": …}]';

CREATE TABLE darklaunch.sample (
    launch      text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    role        text COLLATE "C" NOT NULL CHECK (role IN ('first', 'latest')),
    exchange_id text COLLATE "C" NOT NULL,
    captured_at timestamptz NOT NULL,
    meta        bytea NOT NULL,
    request     bytea NOT NULL,
    response    bytea NOT NULL,
    shadow_meta bytea NOT NULL,
    shadow      bytea,
    differences jsonb NOT NULL,
    omitted     int NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (launch, fingerprint, role)
);
CREATE INDEX sample_exchange ON darklaunch.sample (exchange_id);
COMMENT ON COLUMN darklaunch.sample.meta IS 'JSON as it travelled: convert_from(meta, ''UTF8'') shows it';
COMMENT ON COLUMN darklaunch.sample.shadow IS 'NULL when the shadow did not answer, or with the same bytes as the primary';

CREATE TABLE darklaunch.excuse (
    launch   text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    path     text COLLATE "C" NOT NULL,
    reason   text COLLATE "C" NOT NULL,
    count    bigint NOT NULL,
    PRIMARY KEY (launch, endpoint, path, reason)
) WITH (fillfactor = 70);
