-- Writes a new job under its id, or says that the id is taken. The job is not accepted yet: it expires by itself
-- unless `accept` follows, so that a gateway that dies before it sent the ticket leaves nothing behind.
--
-- KEYS[1]  job       hash
-- ARGV[1]  request   the normalised request, JSON
-- ARGV[2]  model
-- ARGV[3]  patience  ms until an unaccepted job expires
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
redis.call('HSET', KEYS[1], 'request', ARGV[1], 'model', ARGV[2], 'state', 'created', 'attempt', 0, 'seq', 0,
  'created_ms', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'created', 'created' }
