-- What was to be told of promotions and rollbacks, to whom, and whether it arrived. One row per event and target, so
-- that nobody is told twice of one event as one of ours; a receiver that hears the same key again has heard it before.

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
COMMENT ON COLUMN darklaunch.delivery.target IS 'the webhook''s URL; empty for the command, which only the comparator''s own machine names';
COMMENT ON COLUMN darklaunch.delivery.said IS 'what the receiver answered, or what went wrong, at the last attempt';
