#!lua flags=allow-oom
-- Finish one entry: take it off its stream and pass its outcome on, unless another consumer owns it by now.
--
-- KEYS  source stream, next stream, ledger hash
-- ARGV  group, consumer, entry id, counter in the ledger, then field, value, … of the next entry (none: pass nothing on)
-- Returns 1 when finished, 0 when the entry is not this consumer's any more.
--
-- Acknowledging and deleting come first, so that a full server drains: memory is freed before it is asked for.
local owner = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if #owner == 0 or owner[1][2] ~= ARGV[2] then
  redis.call('HDEL', KEYS[3], '') -- nothing has this name: Redis 6.2 lets a script go on once it has written
  redis.call('HINCRBY', KEYS[3], 'superseded', 1)
  return 0
end
redis.call('XLEN', KEYS[2]) -- a key of the wrong type must fail before anything is written
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
if #ARGV > 4 then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5)) end
redis.call('HINCRBY', KEYS[3], ARGV[4], 1)
return 1
