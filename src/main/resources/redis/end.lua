-- Ends a job from outside the worker that serves it: because somebody cancelled it, nobody follows it, its time is over
-- or no attempt is left. One that waits ends here and now; one that runs is marked, and its worker is to be told.
--
-- KEYS[1]  job        hash
-- KEYS[2]  journal    stream, entry id = seq
-- KEYS[3]  followers  set of gateway channels
-- ARGV[1]  id
-- ARGV[2]  head       the last event's JSON up to the value of seq
-- ARGV[3]  untouched  the rest of that JSON when the journal is empty: nothing was generated
-- ARGV[4]  tail       the rest of that JSON when it is not
-- ARGV[5]  outcome    cancelled, deadline or the error's code
-- ARGV[6]  retention  ms
-- ARGV[7]  failure    what a dead letter tells operators, JSON; '' for a job that is none. A running job is no dead letter
--                     and stays unmarked then
--
-- Returns {'ended', model} | {'running', model, worker} | {'done', model} | {'dead', model} (done, as a dead letter)
-- | {'unknown'}.
local job = redis.call('HMGET', KEYS[1], 'state', 'model', 'worker', 'seq', 'failure')
local state = job[1]
if not state then
  return { 'unknown' }
end
if state == 'done' then
  return { job[5] and 'dead' or 'done', job[2] }
end
if state == 'running' then
  if ARGV[7] == '' then
    redis.call('HSETNX', KEYS[1], 'stop', ARGV[5])
  end
  return { 'running', job[2], job[3] }
end
local seq = job[4] + 1
local frame = ARGV[2] .. string.format('%d', seq) .. (seq == 1 and ARGV[3] or ARGV[4])
redis.call('XADD', KEYS[2], seq .. '-0', 'kind', '!', 'frame', frame)
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state', 'done', 'seq', seq, 'outcome', ARGV[5], 'ended_ms',
  time[1] * 1000 + math.floor(time[2] / 1000))
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'failure', ARGV[7])
end
local message = ARGV[1] .. ' ' .. string.format('%d', seq) .. ' ! ' .. frame
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
return { 'ended', job[2] }
