-- Rolling statistics: per launch, endpoint and 10 seconds of capture time, counts and three latency histograms; and the
-- launch's totals by outcome. Both are folded from result rows in the transaction that inserts them.
--
-- A histogram is a base-2 exponential histogram of scale 6 (OpenTelemetry data model), two parallel arrays of bucket
-- keys and counts, in any order; the counts of a key that stands there twice add up. Key k > 0 holds the values in (2^((k-641)/64), 2^((k-640)/64)] ms, key −k the same
-- below zero, key 0 everything within 2^-10 ms of zero. histogram.py writes the keys.

CREATE TABLE darklaunch.block (
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

CREATE TABLE darklaunch.tally (
    launch  text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    reason  text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (launch, outcome, reason)
) WITH (fillfactor = 50);

-- Add two histograms. Appending is an addition already, and costs a tenth of summing up by key: that is done when there
-- are more than 512 entries. Negative counts subtract; empty buckets go away when summed up.
CREATE FUNCTION darklaunch.add_histograms(
    keys_a int[], counts_a bigint[], keys_b int[], counts_b bigint[], OUT keys int[], OUT counts bigint[]
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    keys := keys_a || keys_b;
    counts := counts_a || counts_b;
    IF cardinality(keys) > 512 THEN
        SELECT coalesce(array_agg(s.key ORDER BY s.key), '{}'), coalesce(array_agg(s.n ORDER BY s.key), '{}')
        INTO keys, counts
        FROM (
            SELECT u.key, sum(u.n)::bigint AS n FROM unnest(keys, counts) AS u (key, n)
            GROUP BY u.key HAVING sum(u.n) <> 0
        ) AS s;
    END IF;
END $$;

-- The value, in ms, that stands for a bucket: no value in it is further away than 0.54 %.
CREATE FUNCTION darklaunch.bucket_ms(key int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT sign(key)::float8 * 2 / (1 + power(2::float8, -1 / 64.0)) * power(2::float8, (abs(key) - 641) / 64.0)
$$;

-- One histogram over any span of blocks. `side` is primary, shadow or difference (shadow minus primary, pair by pair).
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
        FROM darklaunch.block AS b
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

-- The q-quantile of latency in ms (the smallest value that at least the share q does not exceed); NULL without data.
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
        SELECT darklaunch.bucket_ms(h.key)
        FROM (
            SELECT b.key, sum(b.count) OVER (ORDER BY b.key) AS upto, sum(b.count) OVER () AS total
            FROM darklaunch.histogram(launch, side, endpoint, since, until) AS b
        ) AS h
        WHERE h.upto >= greatest(1, ceil(q::numeric * h.total))
        ORDER BY h.key LIMIT 1
    );
END $$;

-- Latency per endpoint and side; the rows whose endpoint is NULL are over all endpoints. `pairs` were answered by both
-- sides; `slow_share` is the share of replays slower than the primary by more than the launch allows.
CREATE FUNCTION darklaunch.latency(
    launch text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity'
) RETURNS TABLE (
    endpoint text, side text, pairs bigint, p50 float8, p95 float8, p99 float8, slow bigint, slow_share float8
) LANGUAGE sql STABLE AS $$
    WITH chosen AS (
        SELECT * FROM darklaunch.block AS b
        WHERE b.launch = latency.launch AND b.started_at >= since AND b.started_at < until
    ), slowness AS (
        SELECT c.endpoint, sum(c.slow)::bigint AS slow,
               sum(c.matched + c.mismatched + c.ignored + c.unverified + c.shadow_error) AS replayed
        FROM chosen AS c GROUP BY GROUPING SETS ((c.endpoint), ())
    ), bucket AS (
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
        FROM bucket AS b
    )
    SELECT r.endpoint, r.side, max(r.total)::bigint,
           darklaunch.bucket_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.50 * r.total))),
           darklaunch.bucket_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.95 * r.total))),
           darklaunch.bucket_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.99 * r.total))),
           max(s.slow), (max(s.slow) / nullif(max(s.replayed), 0))::float8
    FROM ranked AS r JOIN slowness AS s ON s.endpoint IS NOT DISTINCT FROM r.endpoint
    GROUP BY r.endpoint, r.side
    ORDER BY r.endpoint NULLS FIRST, array_position(ARRAY['primary', 'shadow', 'difference'], r.side)
$$;
