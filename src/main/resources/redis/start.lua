-- Begins an attempt. The attempt number is the fencing token: whoever wrote under a lower one is refused from now on.
--
-- KEYS[1]  job     hash
-- ARGV[1]  worker  id of the worker
--
-- Returns {'started', attempt, seq, request, queue_ms, running_ms}: seq is the journal's last one, queue_ms the time
-- from creation to the first attempt, running_ms the time since the first attempt began.
-- Else {'gone'} | {'done'}: there is nothing to serve, the lease can go; or {'running'}: another attempt is at it, and
-- the lease is its own.
local job = redis.call('HMGET', KEYS[1], 'state', 'request', 'seq', 'created_ms', 'started_ms')
local state = job[1]
if not state then
  return { 'gone' }
end
if state ~= 'created' and state ~= 'queued' then
  return { state }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local started = tonumber(job[5] or now)
local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
redis.call('HSET', KEYS[1], 'state', 'running', 'worker', ARGV[1], 'started_ms', started)
redis.call('PERSIST', KEYS[1])
return { 'started', attempt, tonumber(job[3]), job[2], started - job[4], now - started }
