-- Cancels a job. One that waits ends here and now; one that runs is marked, and its worker is to be told.
--
-- KEYS[1]  job        hash
-- KEYS[2]  journal    stream, entry id = seq
-- KEYS[3]  followers  set of gateway channels
-- ARGV[1]  id
-- ARGV[2]  head       the last event's JSON up to the value of seq
-- ARGV[3]  tail       the last event's JSON from there on
-- ARGV[4]  retention  ms
--
-- Returns {'ended', model} | {'running', model, worker} | {'done', model} | {'unknown'}.
local job = redis.call('HMGET', KEYS[1], 'state', 'model', 'worker', 'seq')
local state = job[1]
if not state then
  return { 'unknown' }
end
if state == 'done' then
  return { 'done', job[2] }
end
redis.call('HSET', KEYS[1], 'cancel', 1)
if state == 'running' then
  return { 'running', job[2], job[3] }
end
local seq = job[4] + 1
local frame = ARGV[2] .. string.format('%d', seq) .. ARGV[3]
redis.call('XADD', KEYS[2], seq .. '-0', 'kind', '!', 'frame', frame)
redis.call('HSET', KEYS[1], 'state', 'done', 'seq', seq, 'outcome', 'cancelled')
local message = ARGV[1] .. ' ' .. string.format('%d', seq) .. ' ! ' .. frame
for _, channel in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  redis.call('PUBLISH', channel, message)
end
for i = 1, 3 do
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
return { 'ended', job[2] }
