-- Makes a created job permanent until it ends: from here on Flux owes an answer. Safe to repeat, and safe after a
-- worker has already started the job. Writes each time, so that a caller who repeats it can wait for the replicas again.
--
-- KEYS[1]  job  hash
--
-- Returns 1, or 0 when the job is gone.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return 0
end
redis.call('HSET', KEYS[1], 'state', state == 'created' and 'queued' or state)
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[1], 'accepted_ms', time[1] * 1000 + math.floor(time[2] / 1000))
if state ~= 'done' then
  redis.call('PERSIST', KEYS[1])
end
return 1
