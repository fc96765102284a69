"""The Lua scripts of the Redis adapter: each one is one atomic step and one round trip.

Scripts that must not be fooled by an emptied server take the epoch key first and compare it with the mark
this process trusts; on a difference they do nothing and answer the text FLUSHED. Time is the server's own,
so the clocks of the nodes do not matter.
"""

from foundation.expiring.redis_lanes import Script

FLUSHED = b"FLUSHED"

_CHECK_EPOCH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'FLUSHED' end
"""

# KEYS: epoch, value.  ARGV: epoch, value, milliseconds.  Answers 1 when written, 0 when the key was there.
ADD = Script(
    _CHECK_EPOCH
    + """
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return 1 end
return 0
"""
)

# KEYS: epoch, counter.  ARGV: epoch, amount, milliseconds.  Answers the new value.
INCREMENT = Script(
    _CHECK_EPOCH
    + """
local value = redis.call('INCRBY', KEYS[2], ARGV[2])
if redis.call('PTTL', KEYS[2]) < 0 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return value
"""
)

# Serves several callers at once, each with its own group of windows, one after the other.
# KEYS: epoch, one list of hit times (microseconds, newest first) per window, group after group.
# ARGV: epoch, then one text of numbers: for each group how many windows it has, then limit and length in microseconds of each.
# Answers, per window: 1 or 0, hits that remain, microseconds to wait.
HIT_WINDOWS = Script(
    _CHECK_EPOCH
    + """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local read = string.gmatch(ARGV[2], '%d+')
local answer, first = {}, 2
for size in read do
  local last = first + tonumber(size) - 1
  local limits, lengths, counts, open_to_all = {}, {}, {}, true
  for i = first, last do
    limits[i], lengths[i] = tonumber(read()), tonumber(read())
    local oldest = redis.call('LINDEX', KEYS[i], -1)
    while oldest and tonumber(oldest) <= now - lengths[i] do
      redis.call('RPOP', KEYS[i])
      oldest = redis.call('LINDEX', KEYS[i], -1)
    end
    counts[i] = redis.call('LLEN', KEYS[i])
    if counts[i] >= limits[i] then open_to_all = false end
  end
  for i = first, last do
    local had_room, wait = 1, 0
    if counts[i] >= limits[i] then
      had_room = 0
      wait = tonumber(redis.call('LINDEX', KEYS[i], limits[i] - 1)) + lengths[i] - now
    end
    if open_to_all then
      redis.call('LPUSH', KEYS[i], string.format('%.0f', now))
      redis.call('PEXPIRE', KEYS[i], math.ceil(lengths[i] / 1000))
      counts[i] = counts[i] + 1
    end
    answer[#answer + 1] = had_room
    answer[#answer + 1] = math.max(0, limits[i] - counts[i])
    answer[#answer + 1] = wait
  end
  first = last + 1
end
return answer
"""
)

# KEYS: epoch.  ARGV: the mark to set when there is none.  Answers the mark in force.
ADOPT_EPOCH = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
""")

ALL = (ADD, INCREMENT, HIT_WINDOWS, ADOPT_EPOCH)
