#!lua flags=allow-oom
-- Renew the lease of entries: their idle time starts over, their delivery count stays.
--
-- KEYS  source stream
-- ARGV  group, consumer, entry id, …
-- Returns the ids that are still this consumer's.
local still_owned = {}
for i = 3, #ARGV do
  local owner = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if #owner > 0 and owner[1][2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    still_owned[#still_owned + 1] = ARGV[i]
  end
end
return still_owned
