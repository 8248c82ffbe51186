-- A job's answer was posted, or is not to be posted any more.
--
-- KEYS[1]  due          zset, id -> when to look at it, ms
-- KEYS[2]  attempts     hash, id -> attempts that failed
-- KEYS[3]  undelivered  hash, id -> what operators are told
-- ARGV[1]  id
-- ARGV[2]  failure  what operators are to know of an answer that nobody took, JSON; '' for none
--
-- Returns 1.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
end
return 1
