-- The record: launches and their history, one row per exchange, and the sums, signatures, noise and evidence that
-- follow from these rows. Redis carries copies and whatever is in progress; only what is written here is final.
--
-- Text columns that are keys use the collation "C": comparing bytes is fast, and every writer sorts alike, so that
-- writers lock rows in the same order and never wait for each other in a circle.

-- 1. Launches ---------------------------------------------------------------------------------------------------------
-- The recorded state of each launch; Redis carries the copy that hooks and workers obey.

CREATE SEQUENCE darklaunch.revision;

-- The installation that this database belongs to. Its Redis carries the same id: launches are published nowhere else.

CREATE TABLE darklaunch.installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id       uuid NOT NULL DEFAULT gen_random_uuid(),
    redis    text[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN darklaunch.installation.redis IS 'where its Redis was seen, the latest last: host:port/database';
INSERT INTO darklaunch.installation DEFAULT VALUES;

CREATE TABLE darklaunch.launch (
    name            text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    status          text NOT NULL CHECK (status IN ('active', 'paused', 'promoted', 'rolled_back')),
    percent         float8 NOT NULL CHECK (percent BETWEEN 0 AND 100),
    spec            jsonb NOT NULL,
    hold            boolean NOT NULL DEFAULT false,
    revision        bigint NOT NULL,
    lifted_revision bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN darklaunch.launch.hold IS
    'the emergency stop, copied from Redis, where it can be set while Postgres is away';
COMMENT ON COLUMN darklaunch.launch.lifted_revision IS 'the latest revision that lifted a hold';

-- Return the next revision: higher than every earlier one and than `above`. A database restored from a backup uses
-- `above` to overtake the revision that Redis still carries.

CREATE FUNCTION darklaunch.next_revision(above bigint DEFAULT 0) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    drawn bigint := nextval('darklaunch.revision');
BEGIN
    IF drawn <= above THEN
        drawn := setval('darklaunch.revision', above + 1);
    END IF;
    RETURN drawn;
END $$;

-- Who did what to a launch, when and why. Rows are only ever added.

CREATE TABLE darklaunch.event (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    launch   text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    act      text NOT NULL,
    reason   text NOT NULL DEFAULT '',
    revision bigint NOT NULL,
    data     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_launch ON darklaunch.event (launch, id);
CREATE INDEX event_signature ON darklaunch.event (launch, (data->>'signature'), id) WHERE data ? 'signature';

CREATE FUNCTION darklaunch.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are history: % on darklaunch.event is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_is_immutable BEFORE UPDATE OR DELETE ON darklaunch.event
    FOR EACH ROW EXECUTE FUNCTION darklaunch.refuse_change();

-- 2. Results ----------------------------------------------------------------------------------------------------------
-- One row per exchange, partitioned by the day of its capture (UTC). The day comes from the exchange itself: a second
-- delivery of the same exchange meets the first row in the same partition, whenever it comes.

CREATE TABLE darklaunch.result (
    launch         text COLLATE "C" NOT NULL,
    day            date NOT NULL,
    exchange_id    text COLLATE "C" NOT NULL,
    captured_at    timestamptz NOT NULL,
    endpoint       text COLLATE "C" NOT NULL,
    method         text COLLATE "C" NOT NULL,
    outcome        text COLLATE "C" NOT NULL CHECK (outcome IN
        ('matched', 'mismatched', 'ignored', 'unverified', 'shadow_error', 'dropped', 'dead')),
    reason         text COLLATE "C",
    signature      text COLLATE "C",
    primary_status smallint,
    shadow_status  smallint,
    primary_ms     float8,
    shadow_ms      float8,
    latency_source text COLLATE "C",
    slow           boolean NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    build          text COLLATE "C" NOT NULL DEFAULT '',
    clock          text COLLATE "C" CHECK (clock IN ('hook', 'baseline', 'worker')),
    baseline_ms    real,
    floor_ms       real,
    compared_share real,
    excused        int[],
    PRIMARY KEY (launch, day, exchange_id)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN darklaunch.result.reason IS
    'why it was dropped, the class of the shadow error, or what prevented the comparison';
COMMENT ON COLUMN darklaunch.result.latency_source IS
    'where shadow_ms comes from: server_timing, client, or waited (no response: how long the worker tried)';
COMMENT ON COLUMN darklaunch.result.clock IS
    'by whose clock latency is compared: hook (in the app, on both sides), baseline (the worker, shadow_ms against '
    'baseline_ms), worker (shadow_ms less floor_ms against primary_ms); NULL if it cannot be';
COMMENT ON COLUMN darklaunch.result.baseline_ms IS 'the baseline''s time by the same clock as shadow_ms';
COMMENT ON COLUMN darklaunch.result.floor_ms IS
    'the least time of a TCP connection to the shadow lately: what the network alone adds to shadow_ms';
COMMENT ON COLUMN darklaunch.result.compared_share IS
    'the part of what the response holds that was compared by value; NULL for all of it';
COMMENT ON COLUMN darklaunch.result.excused IS
    'digests of the paths of a match at which identifiers or times differ and were excused by their form: should a '
    'version turn out to repeat its own there, the judge counts the row as a mismatch; NULL for none';
COMMENT ON COLUMN darklaunch.result.build IS 'the shadow''s build, as named at the replay; empty when it has no name';

-- Rows arrive roughly in the order of capture: a few pages cover each time span, and this index costs next to nothing.
CREATE INDEX result_captured ON darklaunch.result USING brin (captured_at)
    WITH (pages_per_range = 16, autosummarize = on);

-- Rows of days without a partition: captured long ago, or far in the future by a wrong clock.
CREATE TABLE darklaunch.result_default PARTITION OF darklaunch.result DEFAULT;

-- Rows that a more final outcome replaces: lost_in_redis (rank 0) by any other, dead (rank 1) by any but lost_in_redis.
CREATE TABLE darklaunch.provisional (
    launch      text COLLATE "C" NOT NULL,
    exchange_id text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    rank        smallint NOT NULL CHECK (rank IN (0, 1)),
    PRIMARY KEY (launch, exchange_id)
);

-- Return the days that have a partition of their own, in order.
CREATE FUNCTION darklaunch.partition_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'darklaunch.result'::regclass AND c.relname ~ '^result_\d{8}$'
    ORDER BY 1
$$;

-- The two functions below run with the rights of the tables' owner, so that the role that records results needs no
-- right to change tables. They are the only ones of that kind. Their search path is fixed and ends with pg_temp, every
-- name is qualified, and only dates enter the statements they build: nothing in a session's own schema can take the
-- place of what is meant. `darklaunch migrate --runtime-role` lets a role call them.

-- Create the partition of one day and move the day's rows from the default partition into it. Return false if it
-- exists. Attaching a finished table locks the parent only against other such changes; CREATE TABLE … PARTITION OF
-- would stop every writer. The lock on the default partition prevents new rows of that day between the move and the
-- attach.
CREATE FUNCTION darklaunch.ensure_partition(wanted date) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    child text := 'result_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    IF wanted NOT BETWEEN current_date - 3660 AND current_date + 7 THEN
        RAISE EXCEPTION 'no partition is made for %', wanted USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass('darklaunch.' || quote_ident(child)) IS NOT NULL THEN RETURN false; END IF;
    PERFORM pg_advisory_xact_lock(25708, 0);
    IF to_regclass('darklaunch.' || quote_ident(child)) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE darklaunch.%I (LIKE darklaunch.result INCLUDING ALL)', child);
    LOCK TABLE darklaunch.result_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (DELETE FROM darklaunch.result_default WHERE day = %L RETURNING *) '
                   'INSERT INTO darklaunch.%I SELECT * FROM moved', wanted, child);
    EXECUTE format('ALTER TABLE darklaunch.result ATTACH PARTITION darklaunch.%I FOR VALUES FROM (%L) TO (%L)',
                   child, wanted, wanted + 1);
    RETURN true;
END $$;

-- Drop the partition of one day. Return false if there is none.
CREATE FUNCTION darklaunch.drop_partition(old date) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    child text := 'result_' || to_char(old, 'YYYYMMDD');
BEGIN
    IF NOT EXISTS (SELECT FROM darklaunch.partition_days() AS d (day) WHERE d.day = old) THEN RETURN false; END IF;
    EXECUTE format('DROP TABLE darklaunch.%I', child);
    RETURN true;
END $$;

REVOKE EXECUTE ON FUNCTION darklaunch.ensure_partition(date), darklaunch.drop_partition(date) FROM PUBLIC;

-- 3. Statistics -------------------------------------------------------------------------------------------------------
-- Sums of result rows, updated in the transaction that inserts the rows.

-- One bucket per launch, endpoint and 10 seconds of capture time: counts by outcome, and three latency histograms.
--
-- A histogram is a base-2 exponential histogram of scale 6 (OpenTelemetry data model) in two parallel arrays, keys and
-- counts, in any order; counts of a key that occurs twice add up. Key k > 0 covers (2^((k-641)/64), 2^((k-640)/64)] ms,
-- key −k the same range below zero, key 0 everything within 2^-10 ms of zero. results/histogram.py computes the keys.
CREATE TABLE darklaunch.bucket (
    launch            text COLLATE "C" NOT NULL,
    endpoint          text COLLATE "C" NOT NULL,
    started_at        timestamptz NOT NULL,
    matched           bigint NOT NULL,
    mismatched        bigint NOT NULL,
    ignored           bigint NOT NULL,
    unverified        bigint NOT NULL,
    shadow_error      bigint NOT NULL,
    dropped           bigint NOT NULL,
    dead              bigint NOT NULL,
    slow              bigint NOT NULL,
    primary_keys      int[] NOT NULL,
    primary_counts    bigint[] NOT NULL,
    shadow_keys       int[] NOT NULL,
    shadow_counts     bigint[] NOT NULL,
    difference_keys   int[] NOT NULL,
    difference_counts bigint[] NOT NULL,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (launch, endpoint, started_at)
) WITH (fillfactor = 70);
-- For spans of time over all endpoints. Updates leave it alone: only a new bucket adds an entry.
CREATE INDEX bucket_time ON darklaunch.bucket (launch, started_at);

-- A launch's totals by outcome and reason. Unlike buckets, they are never deleted.
CREATE TABLE darklaunch.tally (
    launch  text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    reason  text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (launch, outcome, reason)
) WITH (fillfactor = 50);

-- How often values at a place were excused, and why.
CREATE TABLE darklaunch.excuse (
    launch   text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    path     text COLLATE "C" NOT NULL,
    reason   text COLLATE "C" NOT NULL,
    count    bigint NOT NULL,
    PRIMARY KEY (launch, endpoint, path, reason)
) WITH (fillfactor = 70);

-- Add two histograms. Appending is already an addition, at a tenth of the cost of summing up by key. Only beyond 1024
-- entries is it summed up: a busy endpoint's latencies occupy 400 to 500 keys, and a limit of 512 would have every
-- other batch sum up. Negative counts subtract; keys whose counts cancel out disappear when summed up.
CREATE FUNCTION darklaunch.add_histograms(
    keys_a int[], counts_a bigint[], keys_b int[], counts_b bigint[], OUT keys int[], OUT counts bigint[]
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    keys := keys_a || keys_b;
    counts := counts_a || counts_b;
    IF cardinality(keys) > 1024 THEN
        SELECT coalesce(array_agg(s.key ORDER BY s.key), '{}'), coalesce(array_agg(s.n ORDER BY s.key), '{}')
        INTO keys, counts
        FROM (
            SELECT u.key, sum(u.n)::bigint AS n FROM unnest(keys, counts) AS u (key, n)
            GROUP BY u.key HAVING sum(u.n) <> 0
        ) AS s;
    END IF;
END $$;

-- Return the value, in ms, that stands for a histogram key: every value of the key is within 0.54 % of it.
CREATE FUNCTION darklaunch.key_ms(key int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT sign(key)::float8 * 2 / (1 + power(2::float8, -1 / 64.0)) * power(2::float8, (abs(key) - 641) / 64.0)
$$;

-- Return one histogram over a span of buckets. `side` is primary, shadow or difference (shadow minus primary, per
-- pair).
CREATE FUNCTION darklaunch.histogram(
    launch text, side text DEFAULT 'primary', endpoint text DEFAULT NULL,
    since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity'
) RETURNS TABLE (key int, count bigint) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    IF side IS NULL OR side NOT IN ('primary', 'shadow', 'difference') THEN
        RAISE EXCEPTION 'side must be primary, shadow or difference, got %', side
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT u.key, sum(u.n)::bigint
        FROM darklaunch.bucket AS b
        CROSS JOIN LATERAL unnest(
            CASE side WHEN 'primary' THEN b.primary_keys WHEN 'shadow' THEN b.shadow_keys ELSE b.difference_keys END,
            CASE side WHEN 'primary' THEN b.primary_counts WHEN 'shadow' THEN b.shadow_counts
                      ELSE b.difference_counts END
        ) AS u (key, n)
        WHERE b.launch = histogram.launch
          AND (histogram.endpoint IS NULL OR b.endpoint = histogram.endpoint)
          AND b.started_at >= since AND b.started_at < until
        GROUP BY u.key HAVING sum(u.n) <> 0 ORDER BY u.key;
END $$;

-- Return the q-quantile of latency in ms: the smallest value that at least the share q does not exceed. NULL without
-- data.
--   SELECT darklaunch.quantile('checkout', 0.95);
--   SELECT darklaunch.quantile('checkout', 0.95, 'difference', 'GET /search', now() - interval '1 hour');
CREATE FUNCTION darklaunch.quantile(
    launch text, q float8, side text DEFAULT 'primary', endpoint text DEFAULT NULL,
    since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity'
) RETURNS float8 LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF q IS NULL OR q NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'q must be between 0 and 1, got %', q USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN (
        SELECT darklaunch.key_ms(h.key)
        FROM (
            SELECT b.key, sum(b.count) OVER (ORDER BY b.key) AS upto, sum(b.count) OVER () AS total
            FROM darklaunch.histogram(launch, side, endpoint, since, until) AS b
        ) AS h
        WHERE h.upto >= greatest(1, ceil(q::numeric * h.total))
        ORDER BY h.key LIMIT 1
    );
END $$;

-- Return latency per endpoint and side; rows whose endpoint is NULL cover all endpoints. `pairs` counts exchanges that
-- both sides answered; `slow_share` is the share of replays slower than the primary by more than the launch allows.
CREATE FUNCTION darklaunch.latency(
    launch text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity'
) RETURNS TABLE (
    endpoint text, side text, pairs bigint, p50 float8, p95 float8, p99 float8, slow bigint, slow_share float8
) LANGUAGE sql STABLE AS $$
    WITH chosen AS (
        SELECT * FROM darklaunch.bucket AS b
        WHERE b.launch = latency.launch AND b.started_at >= since AND b.started_at < until
    ), slowness AS (
        SELECT c.endpoint, sum(c.slow)::bigint AS slow,
               sum(c.matched + c.mismatched + c.ignored + c.unverified + c.shadow_error) AS replayed
        FROM chosen AS c GROUP BY GROUPING SETS ((c.endpoint), ())
    ), summed AS (
        SELECT c.endpoint, s.side, u.key, sum(u.n) AS n
        FROM chosen AS c
        CROSS JOIN LATERAL (VALUES
            ('primary', c.primary_keys, c.primary_counts),
            ('shadow', c.shadow_keys, c.shadow_counts),
            ('difference', c.difference_keys, c.difference_counts)
        ) AS s (side, keys, counts)
        CROSS JOIN LATERAL unnest(s.keys, s.counts) AS u (key, n)
        GROUP BY GROUPING SETS ((c.endpoint, s.side, u.key), (s.side, u.key))
    ), ranked AS (
        SELECT b.*, sum(b.n) OVER (PARTITION BY b.endpoint, b.side ORDER BY b.key) AS upto,
               sum(b.n) OVER (PARTITION BY b.endpoint, b.side) AS total
        FROM summed AS b
    )
    SELECT r.endpoint, r.side, max(r.total)::bigint,
           darklaunch.key_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.50 * r.total))),
           darklaunch.key_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.95 * r.total))),
           darklaunch.key_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.99 * r.total))),
           max(s.slow), (max(s.slow) / nullif(max(s.replayed), 0))::float8
    FROM ranked AS r JOIN slowness AS s ON s.endpoint IS NOT DISTINCT FROM r.endpoint
    GROUP BY r.endpoint, r.side
    ORDER BY r.endpoint NULLS FIRST, array_position(ARRAY['primary', 'shadow', 'difference'], r.side)
$$;

-- 4. Signatures and samples -------------------------------------------------------------------------------------------
-- What went wrong, grouped: a signature is an endpoint with its sorted (index-free path, kind) pairs. People accept or
-- resolve it, and the comparator reopens it when it comes back.

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
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'resolved')),
    settled_at  timestamptz,
    noise_until timestamptz,
    builds      text[] NOT NULL DEFAULT '{}',
    variants    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (launch, fingerprint)
) WITH (fillfactor = 70);
COMMENT ON COLUMN darklaunch.signature.parts IS
    'the sorted (index-free path, kind) pairs, as [{"path": …, "kind": …}]';
COMMENT ON COLUMN darklaunch.signature.settled_at IS 'when it was last accepted or resolved';
COMMENT ON COLUMN darklaunch.signature.noise_until IS
    'what was captured before is noise: it was known to be when noise began to be counted anew, for another build';
COMMENT ON COLUMN darklaunch.signature.builds IS
    'the latest 20 builds of the shadow it was seen under: an accepted signature reopens under any other';
COMMENT ON COLUMN darklaunch.signature.variants IS
    'how often each request shape was seen, {"digest": count}, for at most 32 shapes; the lowest count is the rarest';

-- Return the known builds followed by the new ones among those seen, the latest 20 of them.
CREATE FUNCTION darklaunch.add_builds(known text[], seen text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN known @> seen THEN known ELSE (
        SELECT (array_agg(u.build ORDER BY u.place))[greatest(1, count(*) - 19):]
        FROM (
            SELECT s.build, min(s.place) AS place FROM unnest(known || seen) WITH ORDINALITY AS s (build, place)
            GROUP BY s.build
        ) AS u
    ) END
$$;

-- Add up the counts of two sets of request shapes. Known shapes come first; beyond 32, new ones are not counted.
CREATE FUNCTION darklaunch.add_variants(known jsonb, seen jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(v.variant, v.n), '{}')
    FROM (
        SELECT u.key AS variant, sum(u.value::bigint) AS n
        FROM (SELECT * FROM jsonb_each_text(known) UNION ALL SELECT * FROM jsonb_each_text(seen)) AS u
        GROUP BY u.key ORDER BY NOT known ? u.key, u.key LIMIT 32
    ) AS v
$$;

-- Up to three exchanges of each signature, complete as they travelled except that values are masked. They can be shown,
-- reproduced and compared again.
CREATE TABLE darklaunch.sample (
    launch      text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    role        text COLLATE "C" NOT NULL CHECK (role IN ('first', 'latest', 'rarest')),
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
COMMENT ON COLUMN darklaunch.sample.meta IS 'JSON as it travelled; convert_from(meta, ''UTF8'') shows it';
COMMENT ON COLUMN darklaunch.sample.shadow IS
    'NULL when there is no response of the shadow, or its bytes are those of the primary';

-- The salt of this database: values are hashed with it before they are stored.
CREATE TABLE darklaunch.salt (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    salt     bytea NOT NULL
);
COMMENT ON TABLE darklaunch.salt IS 'whoever can read it can test guesses of masked values';
REVOKE ALL ON darklaunch.salt FROM PUBLIC;
-- Two random UUIDs contain 244 random bits from the server's strong source, in every version since 14.
INSERT INTO darklaunch.salt (salt)
SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

-- 5. Producers and the ledger -----------------------------------------------------------------------------------------
-- The counters of each capturing process, copied from Redis, and how many of its exchanges have a row here.
CREATE TABLE darklaunch.producer (
    launch     text COLLATE "C" NOT NULL,
    producer   text COLLATE "C" NOT NULL,
    started_at timestamptz,
    seq        bigint NOT NULL DEFAULT 0,
    sampled    bigint NOT NULL DEFAULT 0,
    dropped    jsonb NOT NULL DEFAULT '{}',
    skipped    jsonb NOT NULL DEFAULT '{}',
    closed     boolean NOT NULL DEFAULT false,
    seen_at    timestamptz,
    recorded   bigint NOT NULL DEFAULT 0,
    verified   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (launch, producer)
) WITH (fillfactor = 50);
COMMENT ON COLUMN darklaunch.producer.seq IS 'exchanges 1 … seq were written to Redis';
COMMENT ON COLUMN darklaunch.producer.recorded IS 'exchanges with a row in result';
COMMENT ON COLUMN darklaunch.producer.verified IS
    'exchanges 1 … verified have a row in result, or are in darklaunch.awaited';

-- How far each producer's sequence had come, and when. A missing number is due once its checkpoint is old enough.
CREATE TABLE darklaunch.checkpoint (
    launch   text COLLATE "C" NOT NULL,
    producer text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (launch, producer, seq)
);

-- Exchanges that were due without a row but were still on a stream. They are looked up again each time.
CREATE TABLE darklaunch.awaited (
    launch   text COLLATE "C" NOT NULL,
    producer text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,
    PRIMARY KEY (launch, producer, seq)
);

-- Merge two sets of counters by name. Counters never go down, so the higher value of each is the later one.
CREATE FUNCTION darklaunch.highest(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(m.name, m.value), '{}')
    FROM (
        SELECT u.key AS name, max(u.value::bigint) AS value
        FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS u GROUP BY u.key
    ) AS m
$$;

-- Return the sum of a set of counters.
CREATE FUNCTION darklaunch.sum_of(counters jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(counters)
$$;

-- Return the outcome ledger of one launch:
--   sampled = matched + mismatched + ignored + unverified + shadow_error + dead + dropped + on_its_way
-- A row proves that its exchange was sampled, even when the producer died before it could count it.
CREATE FUNCTION darklaunch.ledger(launch text) RETURNS TABLE (
    sampled bigint, matched bigint, mismatched bigint, ignored bigint, unverified bigint, shadow_error bigint,
    dead bigint, dropped bigint, settled bigint, on_its_way bigint, dropped_by_reason jsonb, skipped jsonb
) LANGUAGE sql STABLE AS $$
    WITH producer AS (
        SELECT greatest(p.sampled, greatest(p.seq, p.recorded) + darklaunch.sum_of(p.dropped)) AS sampled,
               p.dropped, p.skipped
        FROM darklaunch.producer AS p WHERE p.launch = ledger.launch
    ), tally AS (
        SELECT t.outcome, t.reason, t.count FROM darklaunch.tally AS t WHERE t.launch = ledger.launch
    ), loss AS (
        SELECT l.reason, sum(l.n)::bigint AS n
        FROM (
            SELECT t.reason, t.count FROM tally AS t WHERE t.outcome = 'dropped'
            UNION ALL
            SELECT d.key, d.value::bigint FROM producer AS p CROSS JOIN LATERAL jsonb_each_text(p.dropped) AS d
        ) AS l (reason, n)
        GROUP BY l.reason HAVING sum(l.n) <> 0
    ), skip AS (
        SELECT s.key AS reason, sum(s.value::bigint)::bigint AS n
        FROM producer AS p CROSS JOIN LATERAL jsonb_each_text(p.skipped) AS s GROUP BY s.key
    ), sums AS (
        SELECT (SELECT coalesce(sum(p.sampled), 0)::bigint FROM producer AS p) AS sampled,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'matched'), 0)::bigint AS matched,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'mismatched'), 0)::bigint AS mismatched,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'ignored'), 0)::bigint AS ignored,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'unverified'), 0)::bigint AS unverified,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'shadow_error'), 0)::bigint AS shadow_error,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'dead'), 0)::bigint AS dead,
               (SELECT coalesce(sum(l.n), 0)::bigint FROM loss AS l) AS dropped
        FROM tally AS t
    ), settled AS (
        SELECT s.*, s.matched + s.mismatched + s.ignored + s.unverified + s.shadow_error + s.dead + s.dropped AS settled
        FROM sums AS s
    )
    SELECT s.sampled, s.matched, s.mismatched, s.ignored, s.unverified, s.shadow_error, s.dead, s.dropped, s.settled,
           s.sampled - s.settled,
           coalesce((SELECT jsonb_object_agg(l.reason, l.n) FROM loss AS l), '{}'),
           coalesce((SELECT jsonb_object_agg(k.reason, k.n) FROM skip AS k WHERE k.n <> 0), '{}')
    FROM settled AS s
$$;

-- The routes of the apps that exchanges come from, as their hooks publish them: one row per app and version of its
-- routes.
CREATE TABLE darklaunch.route_table (
    app         text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    framework   text NOT NULL,
    routes      jsonb NOT NULL,
    omitted     int NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (app, fingerprint)
);
COMMENT ON COLUMN darklaunch.route_table.routes IS
    '[["GET", "/orders/{id}"], …]; the method is * where the framework names none';
COMMENT ON COLUMN darklaunch.route_table.omitted IS 'routes beyond the first 1,000, which are not listed';

-- The routes that the apps have now: those of all tables published within ten minutes of the latest one.
--   SELECT * FROM darklaunch.route;
CREATE VIEW darklaunch.route AS
    SELECT DISTINCT t.app, t.framework, r.value->>0 AS method, r.value->>1 AS template
    FROM darklaunch.route_table AS t CROSS JOIN LATERAL jsonb_array_elements(t.routes) AS r
    WHERE t.seen_at >= (SELECT max(seen_at) FROM darklaunch.route_table) - interval '10 minutes';

-- 6. Noise ------------------------------------------------------------------------------------------------------------
-- For a share of the exchanges, one version is asked twice: the primary's through the baseline, or the shadow. Where
-- two responses of one version differ is noise; it is counted per index-free place, each pair exactly once.
CREATE TABLE darklaunch.noise_endpoint (
    launch     text COLLATE "C" NOT NULL,
    endpoint   text COLLATE "C" NOT NULL,
    version    text COLLATE "C" NOT NULL CHECK (version IN ('primary', 'shadow')),
    pairs      bigint NOT NULL,
    unanswered bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (launch, endpoint, version)
) WITH (fillfactor = 70);
COMMENT ON COLUMN darklaunch.noise_endpoint.version IS 'which version was asked twice';
COMMENT ON COLUMN darklaunch.noise_endpoint.pairs IS 'exchanges whose two responses of that version were compared';
COMMENT ON COLUMN darklaunch.noise_endpoint.unanswered IS 'second requests without a response';

-- In which respect a difference is noise: noise in one respect excuses nothing in another. `make_noise_key` in the
-- comparator says the same.
CREATE FUNCTION darklaunch.noise_aspect(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN kind IN ('value', 'order', 'text', 'bytes', 'header') THEN 'value'
                WHEN kind IN ('missing', 'extra') THEN 'presence'
                WHEN kind IN ('encoding', 'duplicate_key') THEN 'form'
                ELSE kind END
$$;

CREATE TABLE darklaunch.noise_place (
    launch       text COLLATE "C" NOT NULL,
    endpoint     text COLLATE "C" NOT NULL,
    version      text COLLATE "C" NOT NULL CHECK (version IN ('primary', 'shadow')),
    path         text COLLATE "C" NOT NULL,
    aspect       text COLLATE "C" NOT NULL CHECK (aspect IN ('value', 'presence', 'size', 'type', 'status', 'form')),
    primary_odd  bigint NOT NULL DEFAULT 0,
    shadow_odd   bigint NOT NULL DEFAULT 0,
    again_odd    bigint NOT NULL DEFAULT 0,
    all_differ   bigint NOT NULL DEFAULT 0,
    regenerated  bigint NOT NULL DEFAULT 0,
    agreed       bigint NOT NULL DEFAULT 0,
    rising       bigint NOT NULL DEFAULT 0,
    falling      bigint NOT NULL DEFAULT 0,
    far_rising   bigint NOT NULL DEFAULT 0,
    far_falling  bigint NOT NULL DEFAULT 0,
    state        text COLLATE "C" NOT NULL DEFAULT 'learning' CHECK (state IN
        ('learning', 'stable', 'generated', 'volatile', 'measured', 'exceeded')),
    since        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (launch, endpoint, version, path, aspect)
) WITH (fillfactor = 70);
COMMENT ON COLUMN darklaunch.noise_place.aspect IS 'in which respect responses differ here, see noise_aspect()';
COMMENT ON COLUMN darklaunch.noise_place.primary_odd IS
    'exchanges in which the shadow''s and the second response agree here, and the primary''s is another';
COMMENT ON COLUMN darklaunch.noise_place.shadow_odd IS
    'exchanges in which the primary''s and the second response agree here, and the shadow''s is another';
COMMENT ON COLUMN darklaunch.noise_place.again_odd IS
    'exchanges in which primary and shadow agree here, and the second response is another';
COMMENT ON COLUMN darklaunch.noise_place.all_differ IS 'exchanges in which no two of the three responses agree here';
COMMENT ON COLUMN darklaunch.noise_place.regenerated IS 'pairs of one version with two identifiers of one shape here';
COMMENT ON COLUMN darklaunch.noise_place.agreed IS 'pairs of one version with the same identifier here; of the shadow only where the primary has it too';
COMMENT ON COLUMN darklaunch.noise_place.rising IS
    'of primary_odd and shadow_odd, those in which the shadow''s value is the greater one; `falling`: the smaller one';
COMMENT ON COLUMN darklaunch.noise_place.far_rising IS
    'exchanges in which the shadow''s number is over ten times the primary''s; `far_falling`: the other way round';
COMMENT ON COLUMN darklaunch.noise_place.state IS
    'what comparisons do since `since`: excuse differences in this respect (volatile), and count apart how often a '
    'number is over ten times the other (measured), excuse identifiers by their shape (generated), compare identifiers (stable), excuse '
    'nothing (exceeded)';

-- The groups of mismatches whose every place is known to be noise in the same respect. An array whose length is noise
-- covers what is below it.
CREATE VIEW darklaunch.noise_signature AS
SELECT s.launch, s.fingerprint FROM darklaunch.signature AS s
WHERE s.outcome = 'mismatched' AND s.parts <> '[]' AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(s.parts) AS p (part)
    WHERE NOT EXISTS (
        SELECT FROM darklaunch.noise_place AS n
        WHERE n.launch = s.launch AND n.endpoint = s.endpoint AND n.state IN ('volatile', 'measured', 'generated')
          AND ((n.path = p.part->>'path' AND n.aspect = darklaunch.noise_aspect(p.part->>'kind'))
            OR (n.aspect = 'size' AND starts_with(p.part->>'path', n.path || '[*]')))));

-- Every change of a place's state, with the counts that decided it. Earlier results stay as they are, so these rows
-- tell which results were compared with which knowledge. Rows are only ever added.
CREATE TABLE darklaunch.noise_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    launch      text COLLATE "C" NOT NULL,
    endpoint    text COLLATE "C" NOT NULL,
    version     text COLLATE "C" NOT NULL,
    path        text COLLATE "C" NOT NULL,
    aspect      text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    was         text COLLATE "C" NOT NULL,
    became      text COLLATE "C" NOT NULL,
    counts      jsonb NOT NULL
);
COMMENT ON COLUMN darklaunch.noise_change.counts IS 'the columns of noise_place at that moment';
CREATE INDEX noise_change_launch ON darklaunch.noise_change (launch, id);

CREATE FUNCTION darklaunch.refuse_noise_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was learned is history: % on darklaunch.noise_change is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER noise_change_is_immutable BEFORE UPDATE OR DELETE ON darklaunch.noise_change
    FOR EACH ROW EXECUTE FUNCTION darklaunch.refuse_noise_change();

-- The rates of each place. `own`: in how many pairs the version differs from itself; `candidate`: in how many the shadow
-- differs from the primary; `seen`: how many are known to hold the place. `pos`: only the shadow differs from what the
-- other two responses share; `neg`: the same of the version that was asked twice. By noise alone both are as frequent.
-- `blind`: hardly ever do two responses agree, so a real change of the value would not show.
CREATE VIEW darklaunch.noise AS
SELECT p.launch, p.endpoint, p.version, p.path, p.aspect, p.state, p.since, e.pairs, e.unanswered,
       p.primary_odd, p.shadow_odd, p.again_odd, p.all_differ, p.regenerated, p.agreed, p.rising, p.falling,
       p.far_rising, p.far_falling, c.own, c.candidate, c.seen, c.pos, c.neg,
       c.own::float8 / nullif(c.seen, 0) AS own_rate,
       c.candidate::float8 / nullif(c.seen, 0) AS candidate_rate,
       p.state IN ('volatile', 'measured', 'generated') AND p.aspect = 'value'
           AND 10 * (p.all_differ + p.regenerated) >= 9 * c.seen AS blind
FROM darklaunch.noise_place AS p JOIN darklaunch.noise_endpoint AS e USING (launch, endpoint, version)
CROSS JOIN LATERAL (
    SELECT CASE p.version WHEN 'primary' THEN p.primary_odd ELSE p.shadow_odd END + p.again_odd + p.all_differ
               + p.regenerated AS own,
           p.primary_odd + p.shadow_odd + p.all_differ + p.regenerated AS candidate,
           p.again_odd + p.all_differ + p.regenerated + CASE p.version
               WHEN 'primary' THEN p.primary_odd + greatest(p.shadow_odd, p.agreed)
               ELSE p.shadow_odd + p.primary_odd + p.agreed END AS seen,
           CASE p.version WHEN 'primary' THEN p.shadow_odd ELSE p.primary_odd END AS pos,
           CASE p.version WHEN 'primary' THEN p.primary_odd ELSE p.shadow_odd END AS neg) AS c;

-- 7. Judgements -------------------------------------------------------------------------------------------------------
-- What the judge knows of each launch. It reads results in windows of ten seconds, in order of capture time, each
-- window once. Its verdicts depend only on the sums that it keeps here, so it can stop and continue anywhere.

CREATE TABLE darklaunch.judgement (
    launch       text COLLATE "C" PRIMARY KEY REFERENCES darklaunch.launch (name),
    trial        int NOT NULL,
    basis        text NOT NULL,
    since        timestamptz NOT NULL,
    judged_until timestamptz NOT NULL,
    ended        boolean NOT NULL DEFAULT false,
    builds       text[] NOT NULL DEFAULT '{}',
    amendments   text NOT NULL DEFAULT '',
    noise_build  text COLLATE "C" NOT NULL DEFAULT '',
    noise_since  timestamptz NOT NULL DEFAULT '-infinity',
    state        jsonb NOT NULL,
    summary      jsonb NOT NULL DEFAULT '{}',
    updated_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN darklaunch.judgement.trial IS 'how often the evidence has started over';
COMMENT ON COLUMN darklaunch.judgement.basis IS 'digest of the rules and budgets that the evidence depends on';
COMMENT ON COLUMN darklaunch.judgement.amendments IS
    'digest of what had become known of stored mismatches (accepted, excuse withdrawn) when evidence was taken from them';
COMMENT ON COLUMN darklaunch.judgement.noise_build IS 'the build for which noise was last begun to be counted anew';
COMMENT ON COLUMN darklaunch.judgement.noise_since IS 'and when; other rules begin it anew, too';
COMMENT ON COLUMN darklaunch.judgement.judged_until IS
    'earlier windows are closed: a result recorded later for one of them is missing in the evidence only';
COMMENT ON COLUMN darklaunch.judgement.ended IS 'whether the judge has rolled the launch back or promoted it';

-- Evidence per build and endpoint; endpoint '' stands for all together. `found` is the order in which endpoints
-- appeared.
CREATE TABLE darklaunch.evidence (
    launch   text COLLATE "C" NOT NULL REFERENCES darklaunch.judgement (launch),
    build    text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    found    int NOT NULL,
    state    jsonb NOT NULL,
    PRIMARY KEY (launch, build, endpoint)
) WITH (fillfactor = 70);

-- 8. Notifications ----------------------------------------------------------------------------------------------------
-- Promotions and rollbacks to be reported, to whom, and whether that succeeded: one row per event and target. A
-- delivery can repeat after a crash; a receiver recognises it by its key.
CREATE TABLE darklaunch.delivery (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    launch     text COLLATE "C" NOT NULL,
    event      bigint NOT NULL REFERENCES darklaunch.event (id),
    kind       text NOT NULL CHECK (kind IN ('webhook', 'command')),
    target     text NOT NULL,
    state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts   int NOT NULL DEFAULT 0,
    said       text NOT NULL DEFAULT '',
    due_at     timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    UNIQUE (event, kind, target)
);
CREATE INDEX delivery_due ON darklaunch.delivery (due_at) WHERE state = 'pending';
CREATE INDEX delivery_launch ON darklaunch.delivery (launch, id);
COMMENT ON COLUMN darklaunch.delivery.target IS
    'the URL of the webhook; empty for the command, which each comparator''s own settings name';
COMMENT ON COLUMN darklaunch.delivery.said IS 'the receiver''s reply, or what went wrong, at the latest attempt';
