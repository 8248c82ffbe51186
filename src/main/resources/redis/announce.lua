-- Says which models a process knows, and which of them it serves. What it said before is replaced; what others said and
-- did not repeat for a long time is forgotten. Safe to repeat.
--
-- A process says so every few seconds. One that seems to have been silent for that long itself has slept, or Redis's clock
-- has been set forward: it forgets no process until the others have had the time to say so again. What was said in the future
-- was said before the clock was set back, and ages from now on.
--
-- KEYS[1]   announced  hash, process id -> announcement
-- KEYS[2]   seen       zset, process id -> when it said so, ms (Redis time)
-- KEYS[3]   names      set of the models that there ever were a queue of
-- ARGV[1]   process    id
-- ARGV[2]   announcement, JSON
-- ARGV[3]   memory     ms after which an announcement that was not repeated is forgotten
-- ARGV[4..] names of the models
--
-- Returns 1.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
for i = 4, #ARGV do
  redis.call('SADD', KEYS[3], ARGV[i])
end
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf')) do
  redis.call('ZADD', KEYS[2], now, process)
end
if before and now - before > tonumber(ARGV[3]) then
  return 1
end
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])) do
  redis.call('HDEL', KEYS[1], process)
  redis.call('ZREM', KEYS[2], process)
end
return 1
