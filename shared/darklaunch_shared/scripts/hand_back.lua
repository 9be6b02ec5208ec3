#!lua flags=allow-oom
-- Hand entries back at shutdown: they can be claimed at once, and this delivery is not counted.
--
-- KEYS  source stream
-- ARGV  group, consumer, lease in ms, entry id, …
-- Returns how many were handed back.
local handed_back = 0
for i = 4, #ARGV do
  local owner = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if #owner > 0 and owner[1][2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i],
      'IDLE', tonumber(ARGV[3]) + 1, 'RETRYCOUNT', math.max(0, owner[1][4] - 1), 'JUSTID')
    handed_back = handed_back + 1
  end
end
return handed_back
