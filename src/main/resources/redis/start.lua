-- Begins an attempt. The attempt number is the fencing token: whoever wrote under a lower one is refused from now on.
-- Safe to repeat: the same claim gets the same attempt again.
--
-- KEYS[1]  job     hash
-- ARGV[1]  worker  id of the worker
-- ARGV[2]  claim   what tells this claim of the job from every other
--
-- Returns {'started', attempt, seq, request, queue_ms, running_ms, failures, left_ms, requeue_ms, trace}: seq is the journal's last one,
-- queue_ms the time from creation to the first attempt, running_ms the time since the first attempt began, failures the
-- number of attempts that failed before, left_ms the time until the deadline ('' when there is none; negative when over),
-- requeue_ms the time that the job waited for attempts after the first, trace the trace that it belongs to ('' for none).
-- Else {'gone'} | {'done'}: there is nothing to serve, the lease can go; or {'running'}: another attempt is at it, and
-- the lease is its own.
local job = redis.call('HMGET', KEYS[1], 'state', 'request', 'seq', 'created_ms', 'started_ms', 'failures',
  'deadline_ms', 'claim', 'attempt', 'requeued_ms', 'requeue_ms', 'trace')
local state = job[1]
if not state then
  return { 'gone' }
end
local again = state == 'running' and job[8] == ARGV[2]
if state ~= 'created' and state ~= 'queued' and not again then
  return { state }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local started = tonumber(job[5] or now)
local attempt = tonumber(job[9])
local waited = tonumber(job[11] or 0)
if not again then
  waited = waited + math.max(0, now - (job[10] or now))
  attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
  redis.call('HSET', KEYS[1], 'state', 'running', 'worker', ARGV[1], 'claim', ARGV[2], 'started_ms', started,
    'begun_ms', now, 'begun_seq', job[3], 'requeue_ms', waited, 'began:' .. attempt, now .. ' ' .. ARGV[1])
  redis.call('HDEL', KEYS[1], 'requeued_ms')
  redis.call('PERSIST', KEYS[1])
end
return { 'started', attempt, tonumber(job[3]), job[2], math.max(0, started - job[4]), math.max(0, now - started),
  tonumber(job[6]), job[7] and job[7] - now or '', waited, job[12] or '' }
