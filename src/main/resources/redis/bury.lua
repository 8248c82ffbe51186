-- Puts a job for which no attempt is left on the dead-letter list, and takes it off those of jobs that run. Safe to repeat.
--
-- KEYS[1]  dead       list, the newest first
-- KEYS[2]  running    zset
-- KEYS[3]  followed   zset
-- KEYS[4]  deadlines  zset
-- ARGV[1]  id
--
-- Returns the length of the dead-letter list.
for i = 2, 4 do
  redis.call('ZREM', KEYS[i], ARGV[1])
end
redis.call('LREM', KEYS[1], 1, ARGV[1])
return redis.call('LPUSH', KEYS[1], ARGV[1])
