-- Add a producer's next exchanges to the stream, as many as the bound allows.
--
-- KEYS  captures stream, ledger hash, admitted hash
-- ARGV  bound on the stream's length, producer id, first sequence number, then meta, request, response per exchange
-- Returns how many exchanges, counted from the first, are on the stream now or were before; the rest is shed.
--
-- The admitted hash has each producer's highest number, so that a batch sent again after a lost reply adds nothing
-- twice. The length is the backlog, because finished entries are deleted. Unread entries are never trimmed.
local bound, producer, first = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local offered = (#ARGV - 3) / 3
redis.call('HINCRBY', KEYS[2], 'admitted', 0) -- a key of the wrong type must fail before anything is written
local highest = tonumber(redis.call('HGET', KEYS[3], producer) or '0')
local room = bound - redis.call('XLEN', KEYS[1])
local taken, added = 0, 0
for i = 1, offered do
  local seq = first + i - 1
  if seq > highest then
    if room < 1 then break end
    local at = 1 + 3 * i
    redis.call('XADD', KEYS[1], '*', 'v', '1', 'id', producer .. ':' .. string.format('%d', seq),
      'meta', ARGV[at], 'request', ARGV[at + 1], 'response', ARGV[at + 2])
    room, added = room - 1, added + 1
  end
  taken = taken + 1
end
if added > 0 then
  redis.call('HSET', KEYS[3], producer, string.format('%d', first + taken - 1))
  redis.call('HINCRBY', KEYS[2], 'admitted', added)
end
if taken < offered then redis.call('HINCRBY', KEYS[2], 'shed', offered - taken) end
return taken
