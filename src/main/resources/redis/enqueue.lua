-- Puts a job at the back of its model's queue, unless the queue is full. A job that waits already keeps its place.
-- O(waiting jobs) for that look, about 10 us for each thousand of them.
--
-- KEYS[1]  waiting  list, popped from the right
-- ARGV[1]  id
-- ARGV[2]  limit    the largest number of waiting jobs
--
-- Returns the job's position (1 = next to be served), or minus the number of waiting jobs when the queue is full.
local waiting = redis.call('LLEN', KEYS[1])
local place = redis.call('LPOS', KEYS[1], ARGV[1])
if place then
  return waiting - place
end
if waiting >= tonumber(ARGV[2]) then
  return -waiting
end
return redis.call('LPUSH', KEYS[1], ARGV[1])
