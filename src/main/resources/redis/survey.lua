-- Looks at a model's queue for those who watch it: how many jobs there are at each place, and which of those in line may
-- be the one that has waited longest. Changes nothing. Of tenants whose jobs wait, 64 are looked at.
-- O(log(jobs in line)) for each of them.
--
-- KEYS[1]  line     zset, read only
-- KEYS[2]  running  zset, read only
-- KEYS[3]  dead     list, read only
-- KEYS[4]  turns    zset, read only
-- ARGV[1]  most     the most tenants to look at
--
-- Returns {in line, running, dead, tenants whose jobs are in line, now, id...}: now in ms, then up to two ids, the first
-- of those that were given back and the first to arrive of all others.
local function first(tenant, urgency)
  local from = tenant .. ' ' .. urgency
  return redis.call('ZRANGEBYLEX', KEYS[1], '[' .. from .. ' ', '(' .. from .. '!', 'LIMIT', 0, 1)[1]
end

local oldest = nil
local arrived = nil
local tenants = redis.call('ZCARD', KEYS[4])
local back = redis.call('ZSCORE', KEYS[4], '!') and first('!', 0)
for _, tenant in ipairs(redis.call('ZRANGE', KEYS[4], 0, ARGV[1] - 1)) do
  for urgency = 1, tenant == '!' and 0 or 3 do
    local member = first(tenant, urgency)
    local arrival = member and string.match(member, '^%S* %d (%d+) ')
    if arrival and (not arrived or arrival < arrived) then
      arrived = arrival
      oldest = member
    end
  end
end
local time = redis.call('TIME')
local found = { redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2]), redis.call('LLEN', KEYS[3]),
  back and tenants - 1 or tenants, time[1] * 1000 + math.floor(time[2] / 1000) }
for _, member in ipairs({ back or '', oldest or '' }) do
  if member ~= '' then
    found[#found + 1] = string.match(member, '(%S+)$')
  end
end
return found
