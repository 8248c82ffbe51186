-- Gives a job whose lease has run out back to the front of its queue. One whose lease was renewed meanwhile stays.
--
-- KEYS[1]  running  zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[2]  waiting  list of tickets, one for each job in line
-- KEYS[3]  line     zset, see `enqueue`
-- KEYS[4]  places   hash, id -> member of the line
-- KEYS[5]  turns    zset, tenant -> turn; '!', which has those given back, is always next
-- KEYS[6]  counts   hash, see `enqueue`
-- ARGV[1]  id
--
-- Returns 1 when the job was moved, else 0.
local time = redis.call('TIME')
local expiry = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not expiry or tonumber(expiry) > time[1] * 1000 + math.floor(time[2] / 1000) then
  return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 0 then
  local member = string.format('! 0 %016d %s', redis.call('HINCRBY', KEYS[6], '#', 1), ARGV[1])
  redis.call('ZADD', KEYS[3], 0, member)
  redis.call('HSET', KEYS[4], ARGV[1], member)
  redis.call('HINCRBY', KEYS[6], '!', 1)
  redis.call('ZADD', KEYS[5], -1, '!')
  redis.call('LPUSH', KEYS[2], '1')
end
return 1
