-- Ends an attempt that failed without ending the job: the job waits for its next attempt. `requeue` puts it back in line.
-- Safe to repeat by the same attempt; refused when somebody else has taken the job from it.
--
-- KEYS[1]  job      hash
-- ARGV[1]  attempt  the fencing token
-- ARGV[2]  counts   1 when the failure counts against the job, 0 when the job is not to blame
-- ARGV[3]  outcome  how the attempt ended, for operators: the failure's code
--
-- Returns 'ok' | 'cancelled' or 'deadline' (no further attempt is wanted: finish it) | 'fenced'.
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'stop', 'retried')
if job[2] ~= ARGV[1] then
  return 'fenced'
end
if job[1] == 'queued' and job[4] == ARGV[1] then
  return 'ok'
end
if job[1] ~= 'running' then
  return 'fenced'
end
if job[3] then
  return job[3]
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'queued', 'retried', ARGV[1], 'requeued_ms', now, 'over:' .. ARGV[1],
  now .. ' ' .. ARGV[3])
redis.call('HINCRBY', KEYS[1], 'failures', ARGV[2])
redis.call('HDEL', KEYS[1], 'worker')
return 'ok'
