/**
 * What scripts for Lua 5.1 expect and 5.3 has not, and files. Run once; its functions are then every script's.
 *
 * They may use nothing but their own locals, since globals are the scripts' to change.
 *
 * @module
 */
export const PRELUDE = `
local read_file, append_file, truncate_file = ...
local error, log, pairs, select, setmetatable = error, math.log, pairs, select, setmetatable
local concat, find, sub, unpack_all = table.concat, string.find, string.sub, table.unpack
local tonumber, tostring, type = tonumber, tostring, type

unpack = table.unpack
loadstring = load
string.gfind = string.gmatch
math.pow = function(x, y) return x ^ y end
math.log10 = function(x) return log(x, 10) end
math.ldexp = function(x, e) return x * 2.0 ^ e end
math.mod = math.fmod
table.getn = function(t) return #t end
table.maxn = function(t)
  local most = 0
  for key in pairs(t) do
    if type(key) == "number" and key > most then most = key end
  end
  return most
end
table.foreach = function(t, f)
  for key, value in pairs(t) do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end
table.foreachi = function(t, f)
  for i = 1, #t do
    local result = f(i, t[i])
    if result ~= nil then return result end
  end
end
collectgarbage = function() return 0 end
print = function() end

local methods = {}
local meta = { __index = methods, __metatable = false }

-- One item of what is left to read: a number of bytes, a number, a line, or all.
local function read_item(file, what)
  local text, at = file.text, file.at
  local letter = type(what) == "string" and find(what, "^%*?[anlL]") and sub(what, find(what, "[anlL]"))
  if letter == "a" then
    file.at = #text + 1
    return sub(text, at)
  end
  if at > #text then return nil end
  local first, last, stop = at, nil, nil
  if letter == "n" then
    first, last = find(text, "^%s*[+-]?[%w.]+", at)
    if not first then return nil end
    file.at = last + 1
    return tonumber(sub(text, first, last))
  elseif letter then
    stop = find(text, "\\n", at, true) or #text + 1
    last = letter == "L" and stop or stop - 1
  else
    stop = at + tonumber(what) - 1
    last = stop
  end
  file.at = stop + 1
  return sub(text, first, last)
end

function methods:read(...)
  local count = select("#", ...)
  if count == 0 then return read_item(self, "l") end
  local items = {}
  for i = 1, count do items[i] = read_item(self, (select(i, ...))) end
  return unpack_all(items, 1, count)
end

function methods:lines(what)
  return function() return read_item(self, what or "l") end
end

function methods:write(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  if not self.path then return self end
  local done, problem = append_file(self.path, concat(parts))
  if not done then return nil, problem end
  return self
end

function methods:close()
  self.closed = true
  return true
end

function methods:flush() return self end

function methods:setvbuf() return true end

function methods:seek(whence, offset)
  local base = whence == "set" and 0 or whence == "end" and #self.text or self.at - 1
  local at = base + (offset or 0)
  if at < 0 then return nil, "Invalid argument" end
  self.at = at + 1
  return at
end

-- A file without a name, whose content nobody sees; complete in itself, since each script gets a copy.
local function nowhere()
  local file = { text = "", at = 1 }
  for name, method in pairs(methods) do file[name] = method end
  return file
end

local function open(path, mode)
  mode = mode or "r"
  local file = { text = "", at = 1 }
  local problem
  if find(mode, "+", 1, true) then
    problem = path .. ": a file is opened to read it, or to write it"
  elseif find(mode, "^r") then
    file.text, problem = read_file(path)
  elseif find(mode, "^w") then
    file.path, problem = truncate_file(path)
  elseif find(mode, "^a") then
    file.path, problem = append_file(path, "")
  else
    error("expected a mode r, w or a", 2)
  end
  if problem then return nil, problem end
  return setmetatable(file, meta)
end

io = {
  open = open,
  lines = function(path, what)
    local file, problem = open(path)
    if not file then error(problem, 2) end
    return methods.lines(file, what)
  end,
  type = function(file)
    if type(file) ~= "table" or not file.at then return nil end
    return file.closed and "closed file" or "file"
  end,
  write = function() return true end,
  stdout = nowhere(),
  stderr = nowhere(),
}
`;
