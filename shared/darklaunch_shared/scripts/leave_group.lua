-- Delete a consumer that holds nothing. One that does is left: deleting it would lose its entries.
--
-- KEYS  source stream
-- ARGV  group, consumer
-- Returns 1 when deleted.
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
