-- Ends an attempt that failed without ending the job: the job waits for its next attempt. `requeue` puts it back in line.
--
-- KEYS[1]  job      hash
-- ARGV[1]  attempt  the fencing token
--
-- Returns 'ok' | 'cancelled' (no further attempt is wanted: finish it) | 'fenced'.
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'cancel')
if job[2] ~= ARGV[1] or (job[1] ~= 'running' and job[1] ~= 'queued') then
  return 'fenced'
end
if job[3] then
  return 'cancelled'
end
redis.call('HSET', KEYS[1], 'state', 'queued')
redis.call('HDEL', KEYS[1], 'worker')
return 'ok'
