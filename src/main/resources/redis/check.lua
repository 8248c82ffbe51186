-- Asks whether an attempt still is the current one, and whether somebody wants the job stopped.
--
-- KEYS[1]  job      hash
-- ARGV[1]  attempt  the fencing token
--
-- Returns 'ok' | 'cancelled' or 'deadline' (to be stopped, and why) | 'fenced' (another attempt owns the job).
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'stop')
if job[1] ~= 'running' or job[2] ~= ARGV[1] then
  return 'fenced'
end
return job[3] or 'ok'
