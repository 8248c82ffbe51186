-- Says until when jobs count as followed. Only for jobs that are to end when nobody follows them, and have not ended:
-- `enqueue` enters those, and `release` or `remove` takes them out.
--
-- KEYS[1]   followed  zset, id -> until when somebody is known to follow the job, ms (Redis time)
-- ARGV[1]   length    ms from now
-- ARGV[2..] ids
--
-- Returns 1.
local time = redis.call('TIME')
local till = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'XX', till, ARGV[i])
end
return 1
