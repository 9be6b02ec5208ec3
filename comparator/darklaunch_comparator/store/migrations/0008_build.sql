-- Which build of the shadow an exchange was replayed against. Evidence about one build says nothing about the next.

ALTER TABLE darklaunch.result ADD COLUMN build text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN darklaunch.result.build IS 'the shadow''s build as it was named at the replay; empty when nobody named one';
