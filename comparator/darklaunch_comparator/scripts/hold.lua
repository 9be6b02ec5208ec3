#!lua flags=allow-oom
-- Set the emergency stop of a launch, on a server that is full too.
--
-- KEYS  launch hash
-- ARGV  field, value, …
--
-- Redis 6.2 does not know the first line; there a script may go on once it has written, which the deletion is.
redis.call('HDEL', KEYS[1], 'settle')
return redis.call('HSET', KEYS[1], unpack(ARGV))
