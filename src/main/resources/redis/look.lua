-- Reads what is known of a job's life, but not what was asked or answered. Changes nothing.
--
-- KEYS[1]  job     hash
-- ARGV[1]  newest  the most attempts to tell of: the newest ones
--
-- Returns {now, fields, first, lives}, or {} when there is no such job: now is Redis' time in ms; fields the values of
-- model, state, created_ms, accepted_ms, started_ms, ended_ms, attempt, worker, requeue_ms in that order, first
-- the number of the first attempt that is told of, and lives for each from there on when it began and where ('<ms>
-- <worker>'), and when it was over and how ('<ms> <outcome>'). What is not known is ''.
local job = redis.call('HMGET', KEYS[1], 'model', 'state', 'created_ms', 'accepted_ms', 'started_ms', 'ended_ms',
  'attempt', 'worker', 'requeue_ms')
if not job[2] then
  return {}
end
local last = tonumber(job[7])
local first = math.max(1, last - ARGV[1] + 1)
local lives = {}
for attempt = first, last do
  for _, life in ipairs(redis.call('HMGET', KEYS[1], 'began:' .. attempt, 'over:' .. attempt)) do
    lives[#lives + 1] = life or ''
  end
end
for i = 1, 9 do
  job[i] = job[i] or ''
end
local time = redis.call('TIME')
return { time[1] * 1000 + math.floor(time[2] / 1000), job, first, lives }
