-- Puts a job in its model's line, with a ticket that wakes a worker, unless the queue is full or the job's tenant has as
-- many jobs as it may. A job that is in line already keeps its place, and is written again, so that a caller who repeats
-- it can wait for the replicas; one who only asks for the place (limit 0) writes nothing.
--
-- The order of service, in which `claim` takes jobs: first those that were given back, in that order. Then
-- tenants take turns; at its turn goes a tenant's most urgent job, of equally urgent ones the oldest. A full queue takes
-- a job all the same when its tenant has less than its share of the places.
-- O(tenants + log(jobs in line)); where the tenant has a bound, O(running jobs) as well.
--
-- KEYS[1]  waiting    list of tickets, one for each job in line
-- KEYS[2]  line       zset, all scores 0: '<tenant> <urgency> <arrival> <id>'; the tenant '!' has those given back
-- KEYS[3]  places     hash, id -> member of the line
-- KEYS[4]  turns      zset, tenant -> turn; the lowest is next
-- KEYS[5]  counts     hash, tenant -> how many of its jobs are in line, '#' -> the last arrival or turn
-- KEYS[6]  followed   zset, id -> until when somebody is known to follow the job, ms (Redis time)
-- KEYS[7]  deadlines  zset, id -> when the job is given up, ms (Redis time)
-- KEYS[8]  running    zset, read only
-- KEYS[9]  pace       hash, read only
-- ARGV[1]  id
-- ARGV[2]  tenant     '' for none
-- ARGV[3]  urgency    1 to 3, 1 before 2
-- ARGV[4]  limit      the largest number of jobs in line
-- ARGV[5]  bound      the largest number of the tenant's jobs, in line or running; 0 for any
-- ARGV[6]  attention  ms for which the job counts as followed from now on; '' when it runs whether followed or not
-- ARGV[7]  timeout    ms until the job is given up; '' for never
--
-- Returns {place, pace}: the job's position (1 = next to be served), or minus the number of jobs in line when the queue
-- is full, or 0 when the tenant's bound is reached; and ms between two ends of jobs while the queue is not empty, 0 when
-- that is not known or nothing runs.
local tenant = ARGV[2]

local function position(member)
  local own = string.match(member, '^%S*')
  local before = redis.call('ZLEXCOUNT', KEYS[2], '[' .. own .. ' ', '(' .. member)
  if own == '!' then
    return before + 1
  end
  local jobs = {}
  local counts = redis.call('HGETALL', KEYS[5])
  for i = 1, #counts, 2 do
    jobs[counts[i]] = tonumber(counts[i + 1])
  end
  local place = before + 1
  local ahead = true
  for _, other in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    if other == own then
      ahead = false
    elseif other == '!' then
      place = place + jobs[other]
    elseif ahead and jobs[other] > before then
      place = place + before + 1
    else
      place = place + math.min(jobs[other], before)
    end
  end
  return place
end

local function count(ids)
  local found = 0
  for _, id in ipairs(ids) do
    if (string.match(id, '@(.*)$') or '') == tenant then
      found = found + 1
    end
  end
  return found
end

local pace = 0
if redis.call('EXISTS', KEYS[8]) == 1 then
  pace = math.floor(tonumber(redis.call('HGET', KEYS[9], 'mean_ms') or 0))
end
local member = redis.call('HGET', KEYS[3], ARGV[1])
if member then
  if ARGV[4] ~= '0' then
    redis.call('HSET', KEYS[3], ARGV[1], member)
  end
  return { position(member), pace }
end

local limit = tonumber(ARGV[4])
local bound = tonumber(ARGV[5])
local jobs = redis.call('ZCARD', KEYS[2])
if bound > 0 or jobs >= limit then
  local own = (redis.call('HGET', KEYS[5], tenant) or 0) + count(redis.call('ZRANGEBYLEX', KEYS[2], '[! ', '(!!'))
  if bound > 0 and own + count(redis.call('ZRANGE', KEYS[8], 0, -1)) >= bound then
    return { 0, pace }
  end
  local tenants = redis.call('ZCARD', KEYS[4])
  if redis.call('ZSCORE', KEYS[4], '!') then
    tenants = tenants - 1
  end
  if not redis.call('ZSCORE', KEYS[4], tenant) then
    tenants = tenants + 1
  end
  if jobs >= limit and own * tenants >= limit then
    return { -jobs, pace }
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[6] ~= '' then
  redis.call('ZADD', KEYS[6], now + ARGV[6], ARGV[1])
end
if ARGV[7] ~= '' then
  redis.call('ZADD', KEYS[7], 'NX', now + ARGV[7], ARGV[1])
end
local arrival = redis.call('HINCRBY', KEYS[5], '#', 1)
member = string.format('%s %s %016d %s', tenant, ARGV[3], arrival, ARGV[1])
redis.call('ZADD', KEYS[2], 0, member)
redis.call('HSET', KEYS[3], ARGV[1], member)
redis.call('HINCRBY', KEYS[5], tenant, 1)
redis.call('ZADD', KEYS[4], 'NX', arrival, tenant)
redis.call('LPUSH', KEYS[1], '1')
return { position(member), pace }
