#!lua flags=allow-oom
-- Set the emergency stop of a launch, on a full server too.
--
-- KEYS  launch hash
-- ARGV  the revision that the stop was decided on ("" for any), field, value, …
-- Returns 1 if set, 0 if the launch has a newer revision: it was changed after the decision to stop it.
--
-- Redis 6.2 does not know the first line; there a script may go on once it has written, which the deletion is.
if ARGV[1] ~= '' and (tonumber(redis.call('HGET', KEYS[1], 'revision') or '-1') or -1) > tonumber(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], 'settle')
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
