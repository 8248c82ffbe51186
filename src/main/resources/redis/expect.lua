-- A job's answer is to be posted to its client. Safe to repeat: what is expected already keeps its time.
--
-- KEYS[1]  due    zset, id -> when to look at it, ms (Redis time)
-- ARGV[1]  id
-- ARGV[2]  delay  ms until it is looked at
--
-- Returns 1 when it was not expected before, else 0.
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], 'NX', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
