-- Takes the next job out of the line, see `enqueue` for the order, and gives the caller its lease. Whoever calls
-- has popped a ticket. A claim that is repeated because its answer was lost gets the same job again, as long as that
-- has its lease. O(log(jobs in line)).
--
-- KEYS[1]  waiting  list of tickets, one for each job in line
-- KEYS[2]  line     zset, see `enqueue`
-- KEYS[3]  places   hash, id -> member of the line
-- KEYS[4]  turns    zset, tenant -> turn
-- KEYS[5]  counts   hash, see `enqueue`
-- KEYS[6]  running  zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[7]  claim    the id that this claim got; lives for one lease
-- ARGV[1]  lease    ms
--
-- Returns the job's id, or nothing when no job is in line: the ticket was a spare one.
local time = redis.call('TIME')
local expiry = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local id = redis.call('GET', KEYS[7])
if not id or not redis.call('ZSCORE', KEYS[6], id) then
  local tenant = redis.call('ZRANGE', KEYS[4], 0, 0)[1]
  if not tenant then
    redis.call('DEL', KEYS[1])
    return false
  end
  local member = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. tenant .. ' ', '+', 'LIMIT', 0, 1)[1]
  id = string.match(member, '^%S* %d %d+ (.*)$')
  redis.call('ZREM', KEYS[2], member)
  redis.call('HDEL', KEYS[3], id)
  if redis.call('HINCRBY', KEYS[5], tenant, -1) == 0 then
    redis.call('HDEL', KEYS[5], tenant)
    redis.call('ZREM', KEYS[4], tenant)
  elseif tenant ~= '!' then
    redis.call('ZADD', KEYS[4], redis.call('HINCRBY', KEYS[5], '#', 1), tenant)
  end
  local jobs = redis.call('ZCARD', KEYS[2])
  if jobs == 0 then
    redis.call('DEL', KEYS[5])
  end
  local spare = redis.call('LLEN', KEYS[1]) - jobs
  if spare > 0 then
    redis.call('LPOP', KEYS[1], spare)
  end
end
redis.call('ZADD', KEYS[6], expiry, id)
redis.call('SET', KEYS[7], id, 'PX', ARGV[1])
return id
