-- Takes a token out of a tenant's bucket, if there is one. The bucket is one number: when it would be full again if nobody
-- took anything. To repeat it takes another token, which lets in fewer than are allowed, never more. A bucket that would be
-- full later than an empty one was written before Redis's clock was set back: it counts as empty.
--
-- KEYS[1]  bucket    string, us (Redis time); gone when the bucket is full
-- ARGV[1]  interval  us from one token to the next
-- ARGV[2]  burst     tokens that the bucket holds
--
-- Returns 0, or ms until there is a token.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local empty = now + ARGV[1] * ARGV[2]
local full = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), empty) + ARGV[1]
local wait = full - now - ARGV[1] * ARGV[2]
if wait > 0 then
  return math.ceil(wait / 1000)
end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
