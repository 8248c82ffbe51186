-- Takes the jobs whose answers are to be looked at now. They are the caller's for a while: should it die, others find them
-- again after that. One that would be looked at later than any delay is long was entered before Redis's clock was set back,
-- and is taken now.
--
-- KEYS[1]  due    zset, id -> when to look at it, ms (Redis time)
-- ARGV[1]  lease  ms for which they are the caller's
-- ARGV[2]  count  the most to take
--
-- Returns the ids.
local LONGEST_DELAY = 600000 -- ms; the pause before another attempt grows up to that

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
if #ids == 0 then
  ids = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now + LONGEST_DELAY, '+inf', 'LIMIT', 0, ARGV[2])
end
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[1], now + ARGV[1], id)
end
return ids
