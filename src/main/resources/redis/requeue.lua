-- Gives a leased job back to the front of its queue, now or later: until then its lease goes on, and `recover` moves it.
-- Only the holder of the lease gives it back. When it repeats that because the answer was lost, another worker may have
-- the job by now: its attempt then goes on without a lease until the next pop or look repairs that.
--
-- KEYS[1]  running  zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[2]  waiting  list, popped from the right
-- ARGV[1]  id
-- ARGV[2]  delay    ms to wait before the next attempt; 0 for none
--
-- Returns 1 when the job was given back, else 0.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('RPUSH', KEYS[2], ARGV[1])
else
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
end
return 1
