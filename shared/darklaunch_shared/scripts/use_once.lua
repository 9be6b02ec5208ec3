#!lua flags=allow-oom
-- Use a signed exchange for one entry: copies of that entry are refused, its own redeliveries are not.
--
-- KEYS  hash exchange id -> the entry that uses it
-- ARGV  exchange id, shard and id of the entry, how long the hash stays in ms
-- Returns 1 if the exchange is this entry's, 0 if another entry uses it.
redis.call('HDEL', KEYS[1], '') -- nothing has this name: Redis 6.2 lets a script go on once it has written
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1
end
return redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] and 1 or 0
