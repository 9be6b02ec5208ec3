#!lua flags=allow-oom
-- Finish entries: take each off its stream and pass its outcome on, except those that another consumer owns by now.
--
-- KEYS  source stream, next stream, ledger hash
-- ARGV  group, consumer, then for each of at most 1000 entries: its id, its counter in the ledger, how many arguments
--       follow for it, and these: field, value, … of the next entry (none: pass nothing on)
-- Returns for each entry 1 if finished, 0 if it is no longer this consumer's.
--
-- Acknowledging and deleting come first, so that a full server drains: memory is freed before it is asked for.
redis.call('XLEN', KEYS[2]) -- a key of the wrong type must fail before anything is written
redis.call('HDEL', KEYS[3], '') -- the same; no such field: Redis 6.2 lets a script go on once it has written
local finished, own, place, counts = {}, {}, {}, {}
local at = 3
while at <= #ARGV do
  local id, counter, owner = ARGV[at], ARGV[at + 1], ARGV[2]
  local mine = not place[id] and #redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, owner) == 1
  if mine then
    own[#own + 1], place[id] = id, at
  else
    counter = 'superseded'
  end
  finished[#finished + 1] = mine and 1 or 0
  counts[counter] = (counts[counter] or 0) + 1
  at = at + 3 + tonumber(ARGV[at + 2])
end
if #own > 0 then
  redis.call('XACK', KEYS[1], ARGV[1], unpack(own))
  redis.call('XDEL', KEYS[1], unpack(own))
end
for _, id in ipairs(own) do
  local first, parts = place[id] + 3, tonumber(ARGV[place[id] + 2])
  if parts > 0 then redis.call('XADD', KEYS[2], '*', unpack(ARGV, first, first + parts - 1)) end
end
for counter, count in pairs(counts) do redis.call('HINCRBY', KEYS[3], counter, count) end
return finished
