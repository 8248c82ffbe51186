-- Ends a job: writes its last event, publishes it, and lets the job's keys expire after the retention time. Refused when
-- the writer's attempt is not the current one. Safe to repeat. Events that are missing before it are asked for, as by
-- `append`.
--
-- KEYS[1]  job        hash
-- KEYS[2]  journal    stream, entry id = seq
-- KEYS[3]  followers  set of gateway channels
-- ARGV[1]  id
-- ARGV[2]  attempt    the fencing token
-- ARGV[3]  seq
-- ARGV[4]  frame      the last event as clients see it
-- ARGV[5]  outcome    for operators: stop, length, cancelled, deadline or the error's code
-- ARGV[6]  retention  ms
-- ARGV[7]  failure    what a dead letter tells operators, JSON; '' for a job that is none
--
-- Returns 'ok' | 'fenced' | the seq of the journal's last event (not written: it is not the one before this).
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'seq')
if job[2] ~= ARGV[2] then
  return 'fenced'
end
if job[1] == 'done' and job[3] == ARGV[3] then
  return 'ok'
end
if job[1] ~= 'running' then
  return 'fenced'
end
if tonumber(ARGV[3]) > tonumber(job[3]) + 1 then
  return job[3]
end
redis.call('XADD', KEYS[2], ARGV[3] .. '-0', 'kind', '!', 'frame', ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'done', 'seq', ARGV[3], 'outcome', ARGV[5], 'ended_ms', now,
  'over:' .. ARGV[2], now .. ' ' .. ARGV[5])
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'failure', ARGV[7])
end
local message = ARGV[1] .. ' ' .. ARGV[3] .. ' ! ' .. ARGV[4]
for _, channel in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  redis.call('PUBLISH', channel, message)
end
local channel = redis.call('HGET', KEYS[1], 'callback')
if channel then
  redis.call('PUBLISH', channel, ARGV[1])
end
for i = 1, 3 do
  redis.call('PEXPIRE', KEYS[i], ARGV[6])
end
return 'ok'
