#!lua flags=allow-oom
-- Claim entries whose consumer was silent for a lease: the idle time is the lock.
--
-- KEYS  source stream, ledger hash
-- ARGV  group, consumer, lease in ms, deliveries after which an entry is poison, most entries to claim
-- Returns two lists of {entry id, deliveries so far, fields}: entries to work on, and poison to bury.
--
-- An entry that was trimmed from the stream while pending cannot be worked on: it is acknowledged and counted lost_pel.
local lease = tonumber(ARGV[3])
local claimed, poison = {}, {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', lease, '-', '+', ARGV[5])) do
  local id, deliveries = pending[1], pending[4]
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if not entry then
    redis.call('XACK', KEYS[1], ARGV[1], id)
    redis.call('HINCRBY', KEYS[2], 'lost_pel', 1)
  elseif deliveries >= tonumber(ARGV[4]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], lease, id, 'JUSTID')
    poison[#poison + 1] = { id, deliveries, entry[2] }
  else
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], lease, id)
    claimed[#claimed + 1] = { id, deliveries + 1, entry[2] }
  end
end
return { claimed, poison }
