-- The routes of the apps that exchanges come from, as their hooks publish them: one row per app and version of its
-- routes. `routes` is [["GET", "/orders/{id}"], …]; the method is * where the framework does not say.

CREATE TABLE darklaunch.route_table (
    app         text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    framework   text NOT NULL,
    routes      jsonb NOT NULL,
    omitted     int NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (app, fingerprint)
);
COMMENT ON COLUMN darklaunch.route_table.omitted IS 'routes beyond the first 1,000, which are not listed';

-- What apps can be asked now: the tables seen in the last ten minutes in which any was.
--   SELECT * FROM darklaunch.route;
CREATE VIEW darklaunch.route AS
    SELECT DISTINCT t.app, t.framework, r.value->>0 AS method, r.value->>1 AS template
    FROM darklaunch.route_table AS t CROSS JOIN LATERAL jsonb_array_elements(t.routes) AS r
    WHERE t.seen_at >= (SELECT max(seen_at) FROM darklaunch.route_table) - interval '10 minutes';
