-- Ends the lease of a job that its worker has finished, and takes the measure of the model's pace: the time between two
-- ends of jobs, counted only when the queue was not empty in between, so that idle times do not make it slow.
--
-- KEYS[1]  running    zset
-- KEYS[2]  followed   zset
-- KEYS[3]  deadlines  zset
-- KEYS[4]  line       zset, read only
-- KEYS[5]  pace       hash: mean_ms, last_ms (the last end), busy (1: jobs were waiting at the last end)
-- ARGV[1]  id
-- ARGV[2]  memory     ms after which a pace that was not measured again is forgotten
--
-- Returns 1 when there was a lease, else 0.
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pace = redis.call('HMGET', KEYS[5], 'mean_ms', 'last_ms', 'busy')
if pace[3] == '1' then
  local gap = math.max(0, now - pace[2])
  -- The newest fifth counts one part in five: some ten ends back nothing is remembered.
  redis.call('HSET', KEYS[5], 'mean_ms', pace[1] and pace[1] * 0.8 + gap * 0.2 or gap)
end
redis.call('HSET', KEYS[5], 'last_ms', now, 'busy', redis.call('EXISTS', KEYS[4]))
redis.call('PEXPIRE', KEYS[5], ARGV[2])
return 1
