-- Signatures have a state that people decide on, remember under which builds they were seen, and keep a third sample:
-- the rarest. What is stored of an exchange is masked with a salt that belongs to this database.

ALTER TABLE darklaunch.signature
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN builds text[] NOT NULL DEFAULT '{}',
    ADD COLUMN variants jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT signature_state_check CHECK (state IN ('open', 'accepted', 'resolved'));
COMMENT ON COLUMN darklaunch.signature.settled_at IS 'when it was last accepted or resolved';
COMMENT ON COLUMN darklaunch.signature.builds IS
    'the latest 20 builds of the shadow it was seen under: an accepted one reopens under any other';
COMMENT ON COLUMN darklaunch.signature.variants IS
    'how often each variant of its requests was seen, {"digest": count}, for at most 32 variants: the fewest is rarest';

ALTER TABLE darklaunch.sample
    DROP CONSTRAINT sample_role_check,
    ADD CONSTRAINT sample_role_check CHECK (role IN ('first', 'latest', 'rarest'));

CREATE INDEX event_signature ON darklaunch.event (launch, (data->>'signature'), id) WHERE data ? 'signature';

CREATE TABLE darklaunch.salt (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    salt     bytea NOT NULL
);
COMMENT ON TABLE darklaunch.salt IS
    'what values are hashed with before they are stored; whoever can read it can test guesses of masked values';
REVOKE ALL ON darklaunch.salt FROM PUBLIC;
-- Two random UUIDs hold 244 random bits from the server's strong source, on every version from 14 on.
INSERT INTO darklaunch.salt (salt)
SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

-- The builds known and those seen now, without doubles: at most the latest 20.
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

-- The counts of two sets of variants, added up. Those known come first; past 32 no new ones are told apart.
CREATE FUNCTION darklaunch.add_variants(known jsonb, seen jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(v.variant, v.n), '{}')
    FROM (
        SELECT u.key AS variant, sum(u.value::bigint) AS n
        FROM (SELECT * FROM jsonb_each_text(known) UNION ALL SELECT * FROM jsonb_each_text(seen)) AS u
        GROUP BY u.key ORDER BY NOT known ? u.key, u.key LIMIT 32
    ) AS v
$$;
