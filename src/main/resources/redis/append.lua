-- Adds one event to a job's journal and publishes it to every gateway that follows the job. Refused when the writer's
-- attempt is not the current one. Safe to repeat: an event whose seq is already in the journal is not written again. Events
-- that are missing before it are asked for: Redis may come back, or a replica take over, without the last ones.
--
-- KEYS[1]  job        hash
-- KEYS[2]  journal    stream, entry id = seq
-- KEYS[3]  followers  set of gateway channels
-- ARGV[1]  id
-- ARGV[2]  attempt    the fencing token
-- ARGV[3]  seq
-- ARGV[4]  frame      the event as clients see it
--
-- Returns 'ok' | 'cancelled' or 'deadline' (written, but the job is to be stopped, and why) | 'fenced' (not written: stop)
-- | the seq of the journal's last event (not written: it is not the one before this).
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'seq', 'stop')
if job[1] ~= 'running' or job[2] ~= ARGV[2] then
  return 'fenced'
end
local last = tonumber(job[3])
local seq = tonumber(ARGV[3])
if seq > last + 1 then
  return job[3]
end
if seq > last then
  redis.call('XADD', KEYS[2], ARGV[3] .. '-0', 'kind', '.', 'frame', ARGV[4])
  redis.call('HSET', KEYS[1], 'seq', ARGV[3])
  local message = ARGV[1] .. ' ' .. ARGV[3] .. ' . ' .. ARGV[4]
  for _, channel in ipairs(redis.call('SMEMBERS', KEYS[3])) do
    redis.call('PUBLISH', channel, message)
  end
end
return job[4] or 'ok'
