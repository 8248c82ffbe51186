-- Subscribes a gateway to a job and reads what the job's journal already holds, in one step: an event is either in the
-- answer or published to the gateway afterwards, so a follower has no gap to fall into.
--
-- KEYS[1]  job        hash
-- KEYS[2]  journal    stream
-- KEYS[3]  followers  set
-- ARGV[1]  channel    the gateway's channel; '' reads without subscribing
-- ARGV[2]  after      the last seq that the follower has
-- ARGV[3]  count      the most events to return
-- ARGV[4]  chars      no further event is read once that many are in hand: a page of long events is not long
--
-- Returns {} for an unknown job, else {state, model, {seq, kind, frame, seq, kind, frame, ...}}.
local job = redis.call('HMGET', KEYS[1], 'state', 'model')
if not job[1] then
  return {}
end
if ARGV[1] ~= '' and job[1] ~= 'done' then
  redis.call('SADD', KEYS[3], ARGV[1])
end
local events = {}
local size = 0
-- Exclusive, and without arithmetic, which would turn a large number into a floating point one.
local from = '(' .. ARGV[2] .. '-18446744073709551615'
local step
repeat
  step = math.min(16, ARGV[3] - #events / 3)
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', step)
  for _, entry in ipairs(entries) do
    events[#events + 1] = string.match(entry[1], '^%d+')
    events[#events + 1] = entry[2][2]
    events[#events + 1] = entry[2][4]
    size = size + #entry[2][4]
    from = '(' .. entry[1]
  end
until #entries < step or #events >= 3 * ARGV[3] or size >= tonumber(ARGV[4])
return { job[1], job[2], events }
