-- Extends the leases of the jobs that a worker runs.
--
-- KEYS[1]   running  zset, id -> expiry of the lease in ms (Redis time)
-- ARGV[1]   lease    ms
-- ARGV[2..] ids
--
-- Returns the ids that have no lease any more: they belong to somebody else by now.
local time = redis.call('TIME')
local expiry = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local lost = {}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], expiry, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
