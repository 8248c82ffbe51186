-- Looks for jobs of a model that need help: their lease has run out, their time is over, or nobody follows them. What
-- is found is looked at again until somebody has helped. Any process may call it, any number of times.
--
-- A worker that popped a ticket and died before its `claim` has left a job in line that nobody is woken for. So there
-- are as many tickets as jobs after each look; one too many wakes a worker that finds nothing.
-- When nobody has looked for a while, Redis was away or all of Flux was: leases that could not be renewed meanwhile
-- begin once more. Those that are given from then on are none of them, a retry that waits for its time above all.
-- The same helps when Redis's clock has been set forward. When it has been set back, every lease ends too late, by up to
-- the whole step: all of them begin once more, and deadlines keep their distance.
--
-- KEYS[1]  running    zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[2]  deadlines  zset, id -> when the job is given up, ms
-- KEYS[3]  followed   zset, id -> until when somebody is known to follow the job, ms
-- KEYS[4]  reaper     hash: last_ms (when somebody looked)
-- KEYS[5]  waiting    list of tickets
-- KEYS[6]  line       zset, read only
-- ARGV[1]  lease      ms
-- ARGV[2]  attention  ms for which a job counts as followed without a new sign
-- ARGV[3]  pause      ms after which nobody has looked for too long; a longer step of Redis's clock counts as one
-- ARGV[4]  count      the most ids to return of each kind
--
-- Returns {ids without lease, overdue ids, ids that nobody follows}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('HGET', KEYS[4], 'last_ms'))
redis.call('HSET', KEYS[4], 'last_ms', now)
if not last or math.abs(now - last) > tonumber(ARGV[3]) then
  local back = last and last > now
  local length = { [1] = ARGV[1], [3] = ARGV[2] }
  for i = 1, 3, 2 do
    local till = now + length[i]
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', back and '+inf' or till)) do
      redis.call('ZADD', KEYS[i], till, id)
    end
  end
  if back then
    for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
      redis.call('ZINCRBY', KEYS[2], now - last, id)
    end
  end
end
for _ = redis.call('LLEN', KEYS[5]) + 1, redis.call('ZCARD', KEYS[6]) do
  redis.call('LPUSH', KEYS[5], '1')
end
local due = {}
for i = 1, 3 do
  due[i] = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, ARGV[4])
end
return due
