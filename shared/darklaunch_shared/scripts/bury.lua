#!lua flags=allow-oom
-- Move one entry to the dead letters, with its payload, and tell the comparator that it died.
--
-- KEYS  source stream, dead stream, replays stream, ledger hash
-- ARGV  group, consumer, entry id, counter in the ledger, bound on the dead stream's length,
--       how many of the following arguments are the dead entry's, its field, value, …, then the notice's field, value, …
-- Returns 1 if buried, 0 if the entry is no longer this consumer's.
local owner = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if #owner == 0 or owner[1][2] ~= ARGV[2] then
  redis.call('HDEL', KEYS[4], '') -- no such field: Redis 6.2 lets a script go on once it has written
  redis.call('HINCRBY', KEYS[4], 'superseded', 1)
  return 0
end
redis.call('XLEN', KEYS[2]) -- a key of the wrong type must fail before anything is written
redis.call('XLEN', KEYS[3])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
local last = 6 + tonumber(ARGV[6])
local trimmed = redis.call('XTRIM', KEYS[2], 'MAXLEN', math.max(0, tonumber(ARGV[5]) - 1))
if trimmed > 0 then redis.call('HINCRBY', KEYS[4], 'dead_trimmed', trimmed) end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 7, last))
if #ARGV > last then redis.call('XADD', KEYS[3], '*', unpack(ARGV, last + 1)) end
redis.call('HINCRBY', KEYS[4], ARGV[4], 1)
return 1
