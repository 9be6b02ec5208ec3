#!lua flags=allow-oom
-- Write launch state, on a full server too: stopping a launch must work there.
--
-- KEYS  the key
-- ARGV  command, then its arguments after the key
-- Returns the command's reply.
redis.pcall('HDEL', KEYS[1], '') -- no such field: Redis 6.2 lets a script go on once it has written
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
