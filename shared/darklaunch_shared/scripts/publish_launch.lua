#!lua flags=allow-oom
-- Publish a launch's state, unless Redis has this revision or a newer one.
--
-- KEYS  launch hash
-- ARGV  revision, status, percent, spec, "1" to lift a hold
-- Returns 1 if published, 0 if not.
--
-- Allowed on a full server: pausing must work there. Only an explicit act lifts a hold: publishing again after a
-- restart must not undo an emergency stop.
if (tonumber(redis.call('HGET', KEYS[1], 'revision') or '-1') or -1) >= tonumber(ARGV[1]) then return 0 end -- a damaged revision counts as none
redis.call('HDEL', KEYS[1], 'settle') -- a discard ends with its pause; and Redis 6.2 lets a script go on once it has written
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'status', ARGV[2], 'percent', ARGV[3], 'spec', ARGV[4])
if ARGV[5] == '1' then redis.call('HDEL', KEYS[1], 'hold', 'hold_by', 'hold_why', 'hold_at', 'hold_act') end
return 1
