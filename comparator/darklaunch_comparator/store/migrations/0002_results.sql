-- One row per exchange, partitioned by the day of its capture (UTC), which lies inside the exchange: a second delivery
-- of the same exchange meets the first in the same partition, whenever it comes.

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
    PRIMARY KEY (launch, day, exchange_id)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN darklaunch.result.reason IS
    'why it was dropped, the class of a shadow error, or what kept it from being verified';
COMMENT ON COLUMN darklaunch.result.latency_source IS
    'where shadow_ms comes from: server_timing, client, or waited (no answer; how long the worker tried)';

-- Capture times that no partition of their own is made for: long past, or far ahead on a wrong clock.
CREATE TABLE darklaunch.result_default PARTITION OF darklaunch.result DEFAULT;

-- Rows that a later outcome replaces: lost_in_redis (rank 0) by anything, dead (rank 1) by anything but lost_in_redis.
CREATE TABLE darklaunch.provisional (
    launch      text COLLATE "C" NOT NULL,
    exchange_id text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    rank        smallint NOT NULL CHECK (rank IN (0, 1)),
    PRIMARY KEY (launch, exchange_id)
);

-- Make the partition of one day, moving in what the default partition holds of it. False: it is there already.
-- Attaching a finished table locks the parent only against other such changes; CREATE TABLE … PARTITION OF would stop
-- every writer. The lock on the default partition keeps rows of that day from arriving between the move and the attach.
CREATE FUNCTION darklaunch.ensure_partition(wanted date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    child text := 'result_' || to_char(wanted, 'YYYYMMDD');
BEGIN
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

-- The days that have a partition of their own.
CREATE FUNCTION darklaunch.partition_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'darklaunch.result'::regclass AND c.relname ~ '^result_\d{8}$'
    ORDER BY 1
$$;
