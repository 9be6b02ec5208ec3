#!lua flags=allow-oom
-- Say that a process is alive, by the server's clock.
--
-- KEYS  hash of processes
-- ARGV  process id, JSON about it
redis.pcall('HDEL', KEYS[1], '') -- nothing has this name: Redis 6.2 lets a script go on once it has written
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d%03d ', now[1], math.floor(now[2] / 1000)) .. ARGV[2])
return 1
