-- A job has ended whose answer is to be posted: somebody is to look at it now. Nothing when an attempt has been made
-- already, whose pause is kept.
--
-- KEYS[1]  due       zset, id -> when to look at it, ms (Redis time)
-- KEYS[2]  attempts  hash, id -> attempts that failed
-- ARGV[1]  id
--
-- Returns 1 when it is expected and was not tried, else 0.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  return 0
end
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], 'XX', 'CH', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
