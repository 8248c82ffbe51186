-- Removes a job that was created and then refused a place in the queue. One that has gone on in the meantime (the same
-- request was sent twice at once) stays.
--
-- KEYS[1]  job  hash
--
-- Returns 1 when the job is gone, 0 when it has gone on.
local state = redis.call('HGET', KEYS[1], 'state')
if state and state ~= 'created' then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
