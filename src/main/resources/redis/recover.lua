-- Gives a job whose lease has run out back to the front of its queue. One whose lease was renewed meanwhile stays.
--
-- KEYS[1]  claimed  list
-- KEYS[2]  running  zset, id -> expiry of the lease in ms (Redis time)
-- KEYS[3]  waiting  list, popped from the right
-- ARGV[1]  id
--
-- Returns 1 when the job was moved, else 0.
local time = redis.call('TIME')
local expiry = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not expiry or tonumber(expiry) > time[1] * 1000 + math.floor(time[2] / 1000) then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('LREM', KEYS[1], 1, ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[1])
return 1
