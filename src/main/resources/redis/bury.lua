-- Puts a job for which no attempt is left on the dead-letter list, and takes it off those of jobs that run. Safe to repeat.
--
-- KEYS[1]  dead       list, the newest first
-- KEYS[2]  claimed    list
-- KEYS[3]  running    zset
-- KEYS[4]  followed   zset
-- KEYS[5]  deadlines  zset
-- ARGV[1]  id
--
-- Returns the length of the dead-letter list.
redis.call('LREM', KEYS[2], 1, ARGV[1])
for i = 3, 5 do
  redis.call('ZREM', KEYS[i], ARGV[1])
end
redis.call('LREM', KEYS[1], 1, ARGV[1])
return redis.call('LPUSH', KEYS[1], ARGV[1])
