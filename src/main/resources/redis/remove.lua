-- Takes a job that has ended off every list of its model, wherever on its way it was. O(waiting jobs).
--
-- KEYS[1]  waiting    list
-- KEYS[2]  claimed    list
-- KEYS[3]  running    zset
-- KEYS[4]  followed   zset
-- KEYS[5]  deadlines  zset
-- ARGV[1]  id
--
-- Returns 1.
redis.call('LREM', KEYS[1], 1, ARGV[1])
redis.call('LREM', KEYS[2], 1, ARGV[1])
for i = 3, 5 do
  redis.call('ZREM', KEYS[i], ARGV[1])
end
return 1
