"""The scripts of `RedisQueue`, in Lua: each runs in the server as one step.

Between looking which consumer holds an entry and settling it, no other command comes in.
"""

from __future__ import annotations

# KEYS: stream, delayed; ARGV: group, consumer, lease (ms), how many.
# Answers a list of (entry id, fields, times delivered): due ones join first, then what was idle for
# too long is claimed, then new ones are read.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, packed in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
    local entry = cmsgpack.unpack(packed)
    redis.call('XADD', KEYS[1], '*', 'payload', entry[1], 'key', entry[2], 'failures', entry[3])
    redis.call('ZREM', KEYS[2], packed)
end
local taken = {}
local idle = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
for _, pending in ipairs(idle) do
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, pending[1])
    if entry[1] then
        table.insert(taken, {entry[1][1], entry[1][2], pending[4] + 1})
    end
end
local more = tonumber(ARGV[4]) - #taken
if more > 0 then
    local read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', more,
        'STREAMS', KEYS[1], '>')
    if read then
        for _, entry in ipairs(read[1][2]) do
            table.insert(taken, {entry[1], entry[2], 1})
        end
    end
end
return taken
"""

# KEYS: stream, delayed, dead; ARGV: group, entry id, consumer, times delivered, what to do, and
# what that needs. Answers 1 if it was done, 0 if another holds the entry, -1 if it is gone.
SETTLE = """
local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)[1]
if not held then return -1 end
if held[2] ~= ARGV[3] or held[4] ~= tonumber(ARGV[4]) then return 0 end
local act = ARGV[5]
if act == 'renew' or act == 'back' then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2],
        'IDLE', ARGV[6], 'RETRYCOUNT', ARGV[7], 'JUSTID')
    return 1
end
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
local fields = {}
for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
local payload = fields['payload'] or '' -- another program may have sent other fields
if act == 'dead' then
    redis.call('XADD', KEYS[3], '*', 'payload', payload, 'reason', ARGV[6])
elseif act == 'delay' then
    local time = redis.call('TIME')
    local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[6]
    local key = fields['key'] or ARGV[2]
    redis.call('ZADD', KEYS[2], due, cmsgpack.pack({payload, key, ARGV[7]}))
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
"""

# KEYS: delayed; ARGV: delay (ms), payload, key.
DELAY = """
local time = redis.call('TIME')
local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
return redis.call('ZADD', KEYS[1], due, cmsgpack.pack({ARGV[2], ARGV[3], '0'}))
"""

# KEYS: stream, delayed, dead; ARGV: group, lease (ms). Answers waiting, delayed, in flight, dead.
COUNT = """
local held = redis.call('XPENDING', KEYS[1], ARGV[1])[1]
local idle = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[2], '-', '+', held + 1)
local flying = held - #idle
return {redis.call('XLEN', KEYS[1]) - flying, redis.call('ZCARD', KEYS[2]), flying,
    redis.call('XLEN', KEYS[3])}
"""

# KEYS: stream, delayed; ARGV: group, consumer, lease (ms). Throws away what waits, and
# answers how many that was.
EMPTY = """
local gone = redis.call('ZCARD', KEYS[2])
redis.call('DEL', KEYS[2])
local read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'STREAMS', KEYS[1], '>')
for _, entry in ipairs(read and read[1][2] or {}) do
    redis.call('XACK', KEYS[1], ARGV[1], entry[1])
    redis.call('XDEL', KEYS[1], entry[1])
    gone = gone + 1
end
local idle = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', 100000)
for _, held in ipairs(idle) do
    redis.call('XACK', KEYS[1], ARGV[1], held[1])
    redis.call('XDEL', KEYS[1], held[1])
    gone = gone + 1
end
return gone
"""
