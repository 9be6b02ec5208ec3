#!lua flags=allow-oom
-- Record in a registry that something is alive, with the server's time.
--
-- KEYS  registry hash: of processes, or of route tables
-- ARGV  id, JSON about it
-- Returns 1.
redis.pcall('HDEL', KEYS[1], '') -- no such field: Redis 6.2 lets a script go on once it has written
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d%03d ', now[1], math.floor(now[2] / 1000)) .. ARGV[2])
return 1
