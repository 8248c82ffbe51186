-- Reads what the processes have said about models. Changes nothing.
--
-- KEYS[1]  announced  hash, process id -> announcement
-- KEYS[2]  seen       zset, process id -> when it said so, ms (Redis time)
-- KEYS[3]  names      set of the models that there ever were a queue of
--
-- Returns {names, {announcement, age in ms, announcement, age in ms, …}}, the newest announcement first.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
local seen = redis.call('ZREVRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
  local announcement = redis.call('HGET', KEYS[1], seen[i])
  if announcement then
    found[#found + 1] = announcement
    found[#found + 1] = now - seen[i + 1]
  end
end
return { redis.call('SMEMBERS', KEYS[3]), found }
