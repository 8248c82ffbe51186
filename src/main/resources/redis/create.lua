-- Writes a new job under its id, or says that the id is taken. The job is not accepted yet: it expires by itself
-- unless `accept` follows, so that a gateway that dies before it sent the ticket leaves nothing behind.
--
-- KEYS[1]  job            hash
-- ARGV[1]  request        the normalised request, JSON
-- ARGV[2]  model
-- ARGV[3]  patience       ms until an unaccepted job expires
-- ARGV[4]  timeout        ms until the job is given up; '' for never
-- ARGV[5]  on_disconnect  cancel, grace or finish
-- ARGV[6]  callback       the channel that is to carry the job's end; '' for none
-- ARGV[7]  trace          the trace that the job belongs to, as those who make spans want it back; '' for none
--
-- Returns {'created', 'created'} | {'exists', state} (same request) | {'conflict', state} (another request).
local known = redis.call('HMGET', KEYS[1], 'request', 'state')
if known[1] then
  if known[1] == ARGV[1] then
    return { 'exists', known[2] }
  end
  return { 'conflict', known[2] }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'request', ARGV[1], 'model', ARGV[2], 'state', 'created', 'attempt', 0, 'failures', 0,
  'seq', 0, 'created_ms', now, 'on_disconnect', ARGV[5])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'deadline_ms', now + ARGV[4])
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'callback', ARGV[6])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'trace', ARGV[7])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'created', 'created' }
