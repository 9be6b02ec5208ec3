-- The noise baseline: for a share of the exchanges one version was asked twice, the primary's through the control or
-- the shadow. What two answers of one version do not share is noise; counted here, exactly once, per index-free place.

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
COMMENT ON COLUMN darklaunch.noise_endpoint.pairs IS 'exchanges whose two answers of that version were compared';
COMMENT ON COLUMN darklaunch.noise_endpoint.unanswered IS 'second requests that got no answer';

CREATE TABLE darklaunch.noise_place (
    launch      text COLLATE "C" NOT NULL,
    endpoint    text COLLATE "C" NOT NULL,
    version     text COLLATE "C" NOT NULL CHECK (version IN ('primary', 'shadow')),
    path        text COLLATE "C" NOT NULL,
    varied      bigint NOT NULL,
    regenerated bigint NOT NULL,
    unstable    bigint NOT NULL,
    agreed      bigint NOT NULL,
    candidate   bigint NOT NULL,
    pos         bigint NOT NULL,
    neg         bigint NOT NULL,
    state       text COLLATE "C" NOT NULL DEFAULT 'learning' CHECK (state IN
        ('learning', 'volatile', 'generated', 'stable', 'exceeded')),
    since       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (launch, endpoint, version, path)
) WITH (fillfactor = 70);
COMMENT ON COLUMN darklaunch.noise_place.varied IS 'pairs of one version whose values differ here, other than as identifiers of one shape';
COMMENT ON COLUMN darklaunch.noise_place.regenerated IS 'pairs of one version with two identifiers of one shape here';
COMMENT ON COLUMN darklaunch.noise_place.unstable IS 'pairs of one version that differ here in presence or type: never excused';
COMMENT ON COLUMN darklaunch.noise_place.agreed IS 'pairs of one version with the same identifier here';
COMMENT ON COLUMN darklaunch.noise_place.candidate IS 'of the same exchanges, those whose shadow differs from the primary here';
COMMENT ON COLUMN darklaunch.noise_place.pos IS 'shadow differs from the primary here, and the version asked twice does not from itself';
COMMENT ON COLUMN darklaunch.noise_place.neg IS 'the version asked twice differs from itself here, and the shadow does not from the primary';
COMMENT ON COLUMN darklaunch.noise_place.state IS 'what follows for comparisons, since `since`: values excused (volatile), identifiers excused by shape (generated) or compared (stable), nothing excused (exceeded)';

-- Every change of a place's state, with the counts it was decided on. What was recorded before stays as it is, so this
-- says which results were judged under which knowledge.
CREATE TABLE darklaunch.noise_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    launch      text COLLATE "C" NOT NULL,
    endpoint    text COLLATE "C" NOT NULL,
    version     text COLLATE "C" NOT NULL,
    path        text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    was         text COLLATE "C" NOT NULL,
    became      text COLLATE "C" NOT NULL,
    pairs       bigint NOT NULL,
    varied      bigint NOT NULL,
    regenerated bigint NOT NULL,
    agreed      bigint NOT NULL,
    pos         bigint NOT NULL,
    neg         bigint NOT NULL
);
CREATE INDEX noise_change_launch ON darklaunch.noise_change (launch, id);

CREATE FUNCTION darklaunch.refuse_noise_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was learned is history: % on darklaunch.noise_change is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER noise_change_is_immutable BEFORE UPDATE OR DELETE ON darklaunch.noise_change
    FOR EACH ROW EXECUTE FUNCTION darklaunch.refuse_noise_change();

-- A place's rates, of the exchanges in which one version was asked twice: `own_rate` is how often that version differs
-- from itself, `candidate_rate` how often the shadow differs from the primary, `excess` the paired difference of the
-- two: 0 when the shadow differs no more than by noise. `blind`: it differs nearly always, so its value shows nothing.
CREATE VIEW darklaunch.noise AS
SELECT p.launch, p.endpoint, p.version, p.path, p.state, p.since, e.pairs, e.unanswered,
       p.varied, p.regenerated, p.unstable, p.agreed, p.candidate, p.pos, p.neg,
       (p.varied + p.regenerated + p.unstable)::float8 / nullif(e.pairs, 0) AS own_rate,
       p.candidate::float8 / nullif(e.pairs, 0) AS candidate_rate,
       (p.pos - p.neg)::float8 / nullif(e.pairs, 0) AS excess,
       p.state IN ('volatile', 'generated') AND 10 * (p.varied + p.regenerated) >= 9 * e.pairs AS blind
FROM darklaunch.noise_place AS p JOIN darklaunch.noise_endpoint AS e USING (launch, endpoint, version);
