-- Delete a consumer that has no pending entries. Deleting one that has some would lose them.
--
-- KEYS  source stream
-- ARGV  group, consumer
-- Returns 1 if deleted, 0 if it has pending entries.
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
