-- Put a dead entry back on the stream it died on, as if it had just arrived.
--
-- KEYS  dead stream, stream it goes to, ledger hash, hash exchange id -> the entry that uses it
-- ARGV  entry id on the dead stream, exchange id that may be used again by the new entry ("" for none)
-- Returns 1 if it was put back, 0 if it is not on the dead stream (any more).
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local own = {}
for i = 1, #entry[2], 2 do
  if string.sub(entry[2][i], 1, 5) ~= 'dead_' then
    own[#own + 1] = entry[2][i]
    own[#own + 1] = entry[2][i + 1]
  end
end
redis.call('XADD', KEYS[2], '*', unpack(own))
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[2])
redis.call('HINCRBY', KEYS[3], 'retried', 1)
return 1
