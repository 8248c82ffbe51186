-- Gives a leased job back to the front of its queue, now or later: until then its lease goes on, and `recover` moves it.
-- Only the holder of the lease gives it back. When it repeats that because the answer was lost, another worker may have
-- the job by now: its attempt then goes on without a lease until the next claim or look repairs that.
--
-- KEYS[1]  running  zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[2]  waiting  list of tickets, one for each job in line
-- KEYS[3]  line     zset, see `enqueue`
-- KEYS[4]  places   hash, id -> member of the line
-- KEYS[5]  turns    zset, tenant -> turn; '!', which has those given back, is always next
-- KEYS[6]  counts   hash, see `enqueue`
-- ARGV[1]  id
-- ARGV[2]  delay    ms to wait before the next attempt; 0 for none
--
-- Returns 1 when the job was given back, else 0.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
if ARGV[2] ~= '0' then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
  return 1
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
