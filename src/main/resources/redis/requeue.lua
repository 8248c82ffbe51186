-- Gives a leased job back to the front of its queue. Only the holder of the lease moves it, so repeating is harmless.
--
-- KEYS[1]  running  zset
-- KEYS[2]  waiting  list, popped from the right
-- ARGV[1]  id
--
-- Returns 1 when the job was moved, else 0.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('RPUSH', KEYS[2], ARGV[1])
return 1
