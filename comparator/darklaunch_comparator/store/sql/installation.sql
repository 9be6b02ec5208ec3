-- name: read
SELECT id, redis FROM darklaunch.installation

-- name: add_redis
-- The latest sixteen places: where the installation's Redis was seen, under whatever name.
UPDATE darklaunch.installation SET redis = (array_append(redis, %(location)s))[greatest(1, cardinality(redis) - 14):]
WHERE NOT %(location)s = ANY (redis)
