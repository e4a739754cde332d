"""Scripts: what Redis does in one step, in Lua. Each is run by its digest, and sent if unknown.

All keys begin with the same hash tag, ``{prefix}``, so that they are on one node of a cluster.
Keys of single nodes are made up inside the scripts from that prefix.

    {prefix}:state           hash: epoch, number, bytes, run, lineage
    {prefix}:history         stream: an entry <number>-0 for each batch, after its latest event
    {prefix}:serial:<node>    the serial of the node's latest event in the history
    {prefix}:nodes           sorted set: nodes by the time of their latest sign of life
    {prefix}:names:<node>    hash: the names of the node's streams
    {prefix}:at:<node>:<name>  hash: client id -> token of the stream, its groups
    {prefix}:lease           the node that runs timers and schedules
"""

from __future__ import annotations

from pode_py.push.backplane.redis.server import Script

# Makes or checks the epoch. A server that is another process than the one which the epoch was
# made on may have lost events: its epoch forks off at the number that it knows.
# KEYS state, history; ARGV new epoch, the caller's epoch, its number, expiry.
# Returns epoch, number, lineage ("epoch:number" of the latest fork first), time in ms.
ATTACH = Script("""
local known = redis.call('HMGET', KEYS[1], 'epoch', 'number', 'run', 'lineage')
local epoch, number, lineage = known[1], tonumber(known[2] or '0'), known[4] or ''
local answered, info = pcall(redis.call, 'INFO', 'server')
local run = ''
if answered and type(info) == 'string' then run = string.match(info, 'run_id:(%x+)') or '' end
if not epoch then
  redis.call('DEL', KEYS[1], KEYS[2])
  epoch, number, lineage = ARGV[1], 0, ''
elseif (known[3] or '') ~= run or (epoch == ARGV[2] and number < tonumber(ARGV[3])) then
  local forks = {epoch .. ':' .. string.format('%.0f', number)}
  for fork in string.gmatch(lineage, '%S+') do
    if #forks < 8 then forks[#forks + 1] = fork end
  end
  epoch, lineage = ARGV[1], table.concat(forks, ' ')
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'number', string.format('%.0f', number),
           'run', run, 'lineage', lineage)
redis.call('HSETNX', KEYS[1], 'bytes', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local time = redis.call('TIME')
return {epoch, string.format('%.0f', number), lineage,
        string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))}
""")

# Numbers, keeps and publishes a batch, in order, as one entry of the history and one message. What
# was taken before, from this call's first try or from another node, is left out: an origin's
# serials only grow. Only then are the envelopes looked into.
# KEYS state, history, then the serials of the origins of kept events.
# ARGV epoch, sender, channel, the command that publishes, limit, size, expiry; how many events are
# kept, all envelopes, those that are kept ('' if all are); then of each origin its name, its first
# serial here and its last. Returns the latest number.
PUBLISH = Script("""
local state = redis.call('HMGET', KEYS[1], 'epoch', 'number', 'bytes')
if state[1] ~= ARGV[1] then return redis.error_reply('STALE the epoch is another') end
local before, bytes = tonumber(state[2]), tonumber(state[3])
local count, all, kept = tonumber(ARGV[8]), ARGV[9], ARGV[10]
if kept == '' and count > 0 then kept = all end
local marks, fresh = {}, true
for i = 3, #KEYS do
  local row = 11 + (i - 3) * 3
  local mark = tonumber(redis.call('GET', KEYS[i]) or '0')
  if mark >= tonumber(ARGV[row + 1]) then fresh = false end
  marks[ARGV[row]] = mark
end
if fresh then
  for row = 11, #ARGV, 3 do marks[ARGV[row]] = tonumber(ARGV[row + 2]) end
else
  local some, more, place = {}, {}, 1
  while place <= #all do
    local kind, origin, serial, a, b, c, start = struct.unpack('>c1c8I8I4I4I4', all, place)
    local envelope = string.sub(all, place, start + a + b + c - 1)
    place = start + a + b + c
    if kind ~= 'k' then
      more[#more + 1] = envelope
    elseif serial > marks[origin] then
      marks[origin] = serial
      more[#more + 1] = envelope
      some[#some + 1] = envelope
    end
  end
  count, all, kept = #some, table.concat(more), table.concat(some)
end
local number = before + count
local last = string.format('%.0f', number)
if count > 0 then
  local time = redis.call('TIME')
  bytes = bytes + #kept
  redis.call('XADD', KEYS[2], last .. '-0', 'e', kept, 'n', string.format('%.0f', before),
             'b', string.format('%.0f', bytes),
             't', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
  redis.call('HSET', KEYS[1], 'number', last, 'bytes', string.format('%.0f', bytes))
  for i = 3, #KEYS do
    local mark = marks[ARGV[11 + (i - 3) * 3]]
    redis.call('SET', KEYS[i], string.format('%.0f', mark), 'PX', ARGV[7])
  end
  local least = number - tonumber(ARGV[5]) + 1
  if least > 1 then redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f-0', least)) end
  while true do
    local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
    local size = bytes - tonumber(first[2][6]) + #first[2][2]
    if size <= tonumber(ARGV[6]) or first[1] == last .. '-0' then break end
    redis.call('XDEL', KEYS[2], first[1])
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  redis.call('PEXPIRE', KEYS[2], ARGV[7])
end
if #all > 0 then
  redis.call(ARGV[4], ARGV[3],
             string.format('%s %.0f %s %s\\n', ARGV[1], before, last, ARGV[2]) .. all)
end
return number
""")

# A sign of life; holds the lease if nobody else does; buries nodes that gave none for long.
# KEYS state, history, nodes, lease; ARGV prefix, node, time to live, expiry, the names whose
# keys are to live on. Returns the epoch, whether the lease is held, whether the node was known.
BEAT = Script("""
local prefix, node = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('ZSCORE', KEYS[3], node)
redis.call('ZADD', KEYS[3], string.format('%.0f', now), node)
for _, key in ipairs({KEYS[1], KEYS[2], KEYS[3], prefix .. ':names:' .. node,
                      prefix .. ':serial:' .. node}) do
  redis.call('PEXPIRE', key, ARGV[4])
end
for i = 5, #ARGV do redis.call('PEXPIRE', prefix .. ':at:' .. node .. ':' .. ARGV[i], ARGV[4]) end
local gone = string.format('%.0f', now - 5 * tonumber(ARGV[3]))
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', gone)) do
  for _, name in ipairs(redis.call('HKEYS', prefix .. ':names:' .. other)) do
    redis.call('UNLINK', prefix .. ':at:' .. other .. ':' .. name)
  end
  redis.call('UNLINK', prefix .. ':names:' .. other)
  redis.call('ZREM', KEYS[3], other)
end
local holder = redis.call('GET', KEYS[4])
if not holder or holder == node then
  redis.call('SET', KEYS[4], node, 'PX', ARGV[3])
  holder = node
end
return {redis.call('HGET', KEYS[1], 'epoch') or '', holder == node and 1 or 0, known and 1 or 0}
""")

# Streams come and go. KEYS nodes; ARGV prefix, node, the command that publishes, time to live,
# expiry; then of each: '+' or '-', name, client id, token, groups.
# A stream elsewhere with the same name and client id is forgotten, and its node hears of it.
PRESENCE = Script("""
local prefix, node = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = string.format('%.0f', now - tonumber(ARGV[4]))
local others = {}
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf')) do
  if other ~= node then others[#others + 1] = other end
end
for i = 6, #ARGV, 5 do
  local name, client, token = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local key = prefix .. ':at:' .. node .. ':' .. name
  if ARGV[i] == '+' then
    redis.call('HSET', key, client, token .. ' ' .. ARGV[i + 4])
    redis.call('PEXPIRE', key, ARGV[5])
    redis.call('HSET', prefix .. ':names:' .. node, name, '1')
    redis.call('PEXPIRE', prefix .. ':names:' .. node, ARGV[5])
    for _, other in ipairs(others) do
      local there = prefix .. ':at:' .. other .. ':' .. name
      local entry = redis.call('HGET', there, client)
      if entry then
        redis.call('HDEL', there, client)
        redis.call(ARGV[3], prefix .. ':to:' .. other, 'replaced ' .. string.match(entry, '^%d+'))
        if redis.call('EXISTS', there) == 0 then
          redis.call('HDEL', prefix .. ':names:' .. other, name)
        end
      end
    end
  else
    local entry = redis.call('HGET', key, client)
    if entry and string.match(entry, '^%d+') == token then redis.call('HDEL', key, client) end
    if redis.call('EXISTS', key) == 0 then
      redis.call('HDEL', prefix .. ':names:' .. node, name)
    end
  end
end
return 1
""")

# What other nodes have. KEYS nodes; ARGV prefix, node, time to live, what is asked; then
# "names": nothing; "count": a name; "entries": a name;
# "has": a name, JSON of groups, JSON of client ids; with client ids it returns an entry, not 1.
ASK = Script("""
local prefix, node, what, name = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = string.format('%.0f', now - tonumber(ARGV[3]))
local found = {}
local count = 0
local function matches(entry, groups)
  if #groups == 0 then return true end
  local own = cjson.decode(string.match(entry, ' (.*)$'))
  for _, group in ipairs(groups) do if own[group] then return true end end
  return false
end
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf')) do
  if other ~= node then
    local key = prefix .. ':at:' .. other .. ':' .. (name or '')
    if what == 'names' then
      for _, one in ipairs(redis.call('HKEYS', prefix .. ':names:' .. other)) do
        found[#found + 1] = one
      end
    elseif what == 'count' then
      count = count + redis.call('HLEN', key)
    elseif what == 'entries' then
      local entries = redis.call('HGETALL', key)
      for i = 1, #entries, 2 do
        found[#found + 1] = other
        found[#found + 1] = entries[i]
        found[#found + 1] = entries[i + 1]
      end
    else
      local groups, clients = cjson.decode(ARGV[6]), cjson.decode(ARGV[7])
      if #clients > 0 then
        for _, client in ipairs(clients) do
          local entry = redis.call('HGET', key, client)
          if entry and matches(entry, groups) then return entry end
        end
      elseif #groups == 0 then
        if redis.call('EXISTS', key) == 1 then return 1 end
      else
        for _, entry in ipairs(redis.call('HVALS', key)) do
          if matches(entry, groups) then return 1 end
        end
      end
    end
  end
end
if what == 'has' then return 0 end
if what == 'count' then return count end
return found
""")

# The node leaves: KEYS nodes, lease; ARGV prefix, node.
LEAVE = Script("""
local prefix, node = ARGV[1], ARGV[2]
for _, name in ipairs(redis.call('HKEYS', prefix .. ':names:' .. node)) do
  redis.call('UNLINK', prefix .. ':at:' .. node .. ':' .. name)
end
redis.call('UNLINK', prefix .. ':names:' .. node)
redis.call('ZREM', KEYS[1], node)
if redis.call('GET', KEYS[2]) == node then redis.call('DEL', KEYS[2]) end
return 1
""")
