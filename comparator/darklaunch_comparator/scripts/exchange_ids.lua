-- List a page of a stream: entry ids and exchange ids, without the bodies.
--
-- KEYS  stream
-- ARGV  entry id to begin after, most entries to list
-- Returns {entry id, exchange id or empty, …}
local listed = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  local identity = ''
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'id' then identity = entry[2][i + 1] end
  end
  listed[#listed + 1] = entry[1]
  listed[#listed + 1] = identity
end
return listed
