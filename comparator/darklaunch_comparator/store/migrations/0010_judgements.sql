-- What the judge knows of each launch. It reads results window by window of ten seconds, in order of capture time, each
-- once; the sums it keeps of them are all that its verdicts rest on, so that it may stop and go on anywhere.

CREATE TABLE darklaunch.judgement (
    launch       text COLLATE "C" PRIMARY KEY REFERENCES darklaunch.launch (name),
    trial        int NOT NULL,
    basis        text NOT NULL,
    since        timestamptz NOT NULL,
    judged_until timestamptz NOT NULL,
    ended        boolean NOT NULL DEFAULT false,
    builds       text[] NOT NULL DEFAULT '{}',
    state        jsonb NOT NULL,
    summary      jsonb NOT NULL DEFAULT '{}',
    updated_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN darklaunch.judgement.trial IS 'counts how often the evidence began anew';
COMMENT ON COLUMN darklaunch.judgement.basis IS 'digest of the rules and budgets that the evidence was gathered under';
COMMENT ON COLUMN darklaunch.judgement.judged_until IS
    'windows before are closed: a result recorded later for one of them is counted everywhere but here';
COMMENT ON COLUMN darklaunch.judgement.ended IS 'whether the judge has rolled the launch back or promoted it';

-- Per build and endpoint, and with endpoint '' for all together. `found` is the order in which endpoints were found.
CREATE TABLE darklaunch.evidence (
    launch   text COLLATE "C" NOT NULL REFERENCES darklaunch.judgement (launch),
    build    text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    found    int NOT NULL,
    state    jsonb NOT NULL,
    PRIMARY KEY (launch, build, endpoint)
) WITH (fillfactor = 70);

-- Rows arrive about in the order of capture, so that a few pages hold each span of time and this costs next to nothing.
CREATE INDEX result_captured ON darklaunch.result USING brin (captured_at)
    WITH (pages_per_range = 16, autosummarize = on);
