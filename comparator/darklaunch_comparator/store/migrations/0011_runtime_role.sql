-- Partitions are made and dropped with the rights of whoever owns the tables, so that who records results needs none to
-- change tables. These functions are the only ones of that kind. Their search path is fixed and ends with pg_temp, so
-- that nothing in a session's own schema is taken for what is meant; every name in them is qualified; what is pasted
-- into statements is a date, or made of one. `darklaunch migrate --runtime-role` lets a role call them.

CREATE OR REPLACE FUNCTION darklaunch.ensure_partition(wanted date) RETURNS boolean LANGUAGE plpgsql
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

-- Drop the partition of one day. False: there is none.
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
