-- Turns a popped job into a leased one. A job that is no longer in the claimed list was given back in the meantime and
-- is not this worker's to serve.
--
-- KEYS[1]  claimed  list, target of the pop
-- KEYS[2]  running  zset, id -> expiry of the lease in ms (Redis time)
-- ARGV[1]  id
-- ARGV[2]  lease    ms
--
-- Returns 1 when the lease is held, else 0.
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
  return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
return 1
