-- Note that the act behind a hold is recorded, so that it is not recorded again after a later change.
--
-- KEYS  launch hash
-- ARGV  when the hold was set, as it was read
-- Returns 1 when noted; 0 when the hold was set again since.
if (redis.call('HGET', KEYS[1], 'hold_at') or '') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'hold_act')
