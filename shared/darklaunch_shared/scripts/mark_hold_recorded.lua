-- Mark the act behind a hold as recorded, so that it is not recorded again after a later change.
--
-- KEYS  launch hash
-- ARGV  when the hold was set, as it was read
-- Returns 1 if marked, 0 if the hold was set again since.
if (redis.call('HGET', KEYS[1], 'hold_at') or '') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'hold_act')
