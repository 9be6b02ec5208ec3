-- List a page of a stream: entry ids and exchange ids, without the bodies.
--
-- KEYS  stream
-- ARGV  entry id to begin after, most entries to list
-- Returns {entry id, exchange id or empty, …}; nothing at the stream's end.
--
-- Reading an entry copies its bodies. So a page ends early once it has copied a megabyte: others wait for it.
local listed, after, left, bytes = {}, ARGV[1], tonumber(ARGV[2]), 0
while left > 0 and bytes < 1048576 do
  local some = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', math.min(left, 10))
  if #some == 0 then break end
  for _, entry in ipairs(some) do
    local identity = ''
    for i = 1, #entry[2], 2 do
      bytes = bytes + #entry[2][i + 1]
      if entry[2][i] == 'id' then identity = entry[2][i + 1] end
    end
    listed[#listed + 1] = entry[1]
    listed[#listed + 1] = identity
  end
  left, after = left - #some, some[#some][1]
end
return listed
