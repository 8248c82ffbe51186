-- Looks at a job's answer again later: it is not there yet, or was not taken.
--
-- KEYS[1]  due       zset, id -> when to look at it, ms (Redis time)
-- KEYS[2]  attempts  hash, id -> attempts that failed
-- ARGV[1]  id
-- ARGV[2]  delay     ms
-- ARGV[3]  failed    1 when an attempt has failed, 0 when none was made
--
-- Returns 1 when it is still expected, else 0.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
if ARGV[3] == '1' then
  redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
end
return 1
