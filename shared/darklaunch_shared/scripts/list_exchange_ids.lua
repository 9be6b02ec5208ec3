-- List a page of a stream: entry ids and exchange ids, without the bodies.
--
-- KEYS  stream
-- ARGV  entry id to begin after, most entries to list
-- Returns {entry id, exchange id or empty, …}; nothing at the stream's end.
--
-- Reading an entry copies its bodies, and other clients wait meanwhile: a page ends once it has copied a megabyte.
local listed, after, left, bytes = {}, ARGV[1], tonumber(ARGV[2]), 0
while left > 0 and bytes < 1048576 do
  local entries = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', math.min(left, 10))
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    local identity = ''
    for i = 1, #entry[2], 2 do
      bytes = bytes + #entry[2][i + 1]
      if entry[2][i] == 'id' then identity = entry[2][i + 1] end
    end
    listed[#listed + 1] = entry[1]
    listed[#listed + 1] = identity
  end
  left, after = left - #entries, entries[#entries][1]
end
return listed
