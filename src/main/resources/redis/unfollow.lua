-- Unsubscribes a gateway from a job and says what is to become of the job.
--
-- KEYS[1]  job        hash
-- KEYS[2]  followers  set of gateway channels
-- ARGV[1]  channel
--
-- Returns {model, on_disconnect, gateways that follow it still}, or {} when the job is unknown or has ended.
redis.call('SREM', KEYS[2], ARGV[1])
local job = redis.call('HMGET', KEYS[1], 'state', 'model', 'on_disconnect')
if not job[1] or job[1] == 'done' then
  return {}
end
return { job[2], job[3], redis.call('SCARD', KEYS[2]) }
