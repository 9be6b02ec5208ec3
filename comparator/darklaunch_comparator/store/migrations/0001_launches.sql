-- Launches and the history of their control state. Postgres is the record, Redis carries the copy that is obeyed.

CREATE SEQUENCE darklaunch.revision;

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
COMMENT ON COLUMN darklaunch.launch.hold IS 'the emergency stop, taken over from Redis, where it may be set without Postgres';
COMMENT ON COLUMN darklaunch.launch.lifted_revision IS 'the last revision that lifted a hold';

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

CREATE FUNCTION darklaunch.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are history: % on darklaunch.event is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_is_immutable BEFORE UPDATE OR DELETE ON darklaunch.event
    FOR EACH ROW EXECUTE FUNCTION darklaunch.refuse_change();

-- The next revision, higher than any given before and than `above`: a database restored from a backup may be asked to
-- overtake what Redis still carries.
CREATE FUNCTION darklaunch.next_revision(above bigint DEFAULT 0) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    drawn bigint := nextval('darklaunch.revision');
BEGIN
    IF drawn <= above THEN
        drawn := setval('darklaunch.revision', above + 1);
    END IF;
    RETURN drawn;
END $$;
