-- Set a recorded hold that Redis has lost, unless the launch was changed since the record was read.
--
-- KEYS  launch hash
-- ARGV  the record's revision, why
-- Returns 1 if set, 0 if not.
--
-- A flushed hash has no revision. Then the hold is set before the rest is published, so that nothing starts meanwhile.
if (tonumber(redis.call('HGET', KEYS[1], 'revision') or '-1') or -1) > tonumber(ARGV[1]) then return 0 end
local hold = redis.call('HGET', KEYS[1], 'hold')
if hold and hold ~= '' and hold ~= '0' then return 0 end
redis.call('HSET', KEYS[1], 'hold', '1', 'hold_by', 'comparator', 'hold_why', ARGV[2])
return 1
