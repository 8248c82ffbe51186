-- Takes a job from a worker whose lease has run out: its attempt is over, and whatever it writes from now on is refused.
-- Says what is to become of the job. An attempt counts as failed when it had written nothing yet: a job that kills its
-- workers does not come back for ever, and one whose workers were unlucky is not punished. Safe to repeat.
--
-- Several processes find the same job, and one of them may come when another has helped it on and its next attempt is
-- there. An attempt begins after its lease does: one that is younger than a lease has not lost it, and is left alone. One
-- that began in the future began before Redis's clock was set back, and may be of any age.
--
-- KEYS[1]  job       hash
-- ARGV[1]  lease     ms
-- ARGV[2]  failures  how many attempts may fail
-- ARGV[3]  attempts  how many attempts there may be, whatever became of them
--
-- Returns {'waits'} | {'runs'} (its next attempt has begun) | {'exhausted', attempt} (no attempt is left)
-- | {'unwanted', 'cancelled' or 'deadline'} | {'dead'} (it has ended as a dead letter) | {'over'} (it has ended, or is gone).
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'failures', 'seq', 'begun_seq', 'stop', 'failure',
  'begun_ms')
local state = job[1]
if not state then
  return { 'over' }
end
if state == 'done' then
  return { job[7] and 'dead' or 'over' }
end
local failures = tonumber(job[3])
if state == 'running' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now >= tonumber(job[8]) and now - job[8] < tonumber(ARGV[1]) then
    return { 'runs' }
  end
  -- The attempt's first event says that it begins; what comes after it is progress.
  if job[4] - job[5] < 2 then
    failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  end
  redis.call('HSET', KEYS[1], 'state', 'queued', 'requeued_ms', now, 'over:' .. job[2], now .. ' lost')
  redis.call('HDEL', KEYS[1], 'worker')
end
if job[6] then
  return { 'unwanted', job[6] }
end
if failures >= tonumber(ARGV[2]) or tonumber(job[2]) >= tonumber(ARGV[3]) then
  return { 'exhausted', tonumber(job[2]) }
end
return { 'waits' }
