-- Takes a job that has ended off everything that its model has, wherever on its way it was. Safe to repeat.
-- O(log(jobs in line)).
--
-- KEYS[1]  waiting    list of tickets, one for each job in line
-- KEYS[2]  line       zset, see `enqueue`
-- KEYS[3]  places     hash, id -> member of the line
-- KEYS[4]  turns      zset, tenant -> turn
-- KEYS[5]  counts     hash, see `enqueue`
-- KEYS[6]  running    zset
-- KEYS[7]  followed   zset
-- KEYS[8]  deadlines  zset
-- ARGV[1]  id
--
-- Returns 1.
for i = 6, 8 do
  redis.call('ZREM', KEYS[i], ARGV[1])
end
local member = redis.call('HGET', KEYS[3], ARGV[1])
if member then
  local tenant = string.match(member, '^%S*')
  redis.call('ZREM', KEYS[2], member)
  redis.call('HDEL', KEYS[3], ARGV[1])
  if redis.call('HINCRBY', KEYS[5], tenant, -1) == 0 then
    redis.call('HDEL', KEYS[5], tenant)
    redis.call('ZREM', KEYS[4], tenant)
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
return 1
