-- Looks for jobs of a model that need help: their lease has run out, their time is over, or nobody follows them. What
-- is found is looked at again until somebody has helped. Any process may call it, any number of times.
--
-- A popped job that has no lease yet gets one at first sight, so that it is found when its worker died before `lease`.
-- When nobody has looked for a while, Redis was away or all of Flux was: leases that could not be renewed meanwhile
-- begin once more. Those that are given from then on are none of them, a retry that waits for its time above all.
--
-- KEYS[1]  claimed    list, ids between pop and lease
-- KEYS[2]  running    zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[3]  deadlines  zset, id -> when the job is given up, ms
-- KEYS[4]  followed   zset, id -> until when somebody is known to follow the job, ms
-- KEYS[5]  reaper     hash: last_ms (when somebody looked)
-- ARGV[1]  lease      ms
-- ARGV[2]  attention  ms for which a job counts as followed without a new sign
-- ARGV[3]  pause      ms after which nobody has looked for too long
-- ARGV[4]  count      the most ids to return of each kind
--
-- Returns {ids without lease, overdue ids, ids that nobody follows}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('HGET', KEYS[5], 'last_ms')
redis.call('HSET', KEYS[5], 'last_ms', now)
if not last or now - last > tonumber(ARGV[3]) then
  local length = { [2] = ARGV[1], [4] = ARGV[2] }
  for i = 2, 4, 2 do
    local till = now + length[i]
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', till)) do
      redis.call('ZADD', KEYS[i], till, id)
    end
  end
end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if not redis.call('ZSCORE', KEYS[2], id) then
    redis.call('ZADD', KEYS[2], now + ARGV[1], id)
  end
end
local due = {}
for i = 2, 4 do
  due[i] = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, ARGV[4])
end
return { due[2], due[3], due[4] }
