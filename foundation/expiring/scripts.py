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

# KEYS: epoch, one list of hit times (microseconds, newest first) per window.
# ARGV: epoch, then limit and length in microseconds per window.
# Answers, per window: 1 or 0, hits that remain, microseconds to wait.
HIT_WINDOWS = Script(
    _CHECK_EPOCH
    + """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local counts, open_to_all = {}, true
for i = 2, #KEYS do
  local limit, length = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local oldest = redis.call('LINDEX', KEYS[i], -1)
  while oldest and tonumber(oldest) <= now - length do
    redis.call('RPOP', KEYS[i])
    oldest = redis.call('LINDEX', KEYS[i], -1)
  end
  counts[i] = redis.call('LLEN', KEYS[i])
  if counts[i] >= limit then open_to_all = false end
end
local answer = {}
for i = 2, #KEYS do
  local limit, length = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local had_room, wait = 1, 0
  if counts[i] >= limit then
    had_room = 0
    wait = tonumber(redis.call('LINDEX', KEYS[i], limit - 1)) + length - now
  end
  if open_to_all then
    redis.call('LPUSH', KEYS[i], string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[i], math.ceil(length / 1000))
    counts[i] = counts[i] + 1
  end
  answer[#answer + 1] = had_room
  answer[#answer + 1] = math.max(0, limit - counts[i])
  answer[#answer + 1] = wait
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
