#!lua flags=allow-oom
-- Create a consumer group at the beginning of its stream, also on a full server: without it nothing could drain.
--
-- KEYS  source stream
-- ARGV  group
-- Returns 1 if created, 0 if it existed.
redis.pcall('XDEL', KEYS[1], '0-1') -- no entry has this id: Redis 6.2 lets a script go on once it has written
local created = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if not created.err then return 1 end
if string.find(created.err, 'BUSYGROUP', 1, true) then return 0 end
return created
