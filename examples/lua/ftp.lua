-- Logs in to an FTP server and looks at the codes of its answers: 220, 331, 230.
-- Its params are the user and the password, with a space between them.

local answers = ""   -- what has been read and not yet looked at
local user, password
local step = 1

-- The code of each answer, and what is said to it.
local steps = {
  { code = "220", say = function() return "USER " .. user .. "\r\n" end },
  { code = "331", say = function() return "PASS " .. password .. "\r\n" end },
  { code = "230", say = function() return "QUIT\r\n" end },
}

function prepare(params)
  user, password = string.match(params, "^(%S+) (.*)$")
  if not user then error("expected params such as \"user password\"") end
end

-- The last line of an answer: where there are several, only the last one has a space after the code.
local function take_last_line()
  while true do
    local stop = string.find(answers, "\n", 1, true)
    if not stop then return nil end
    local line = string.sub(answers, 1, stop - 1)
    answers = string.sub(answers, stop + 1)
    if string.find(line, "^%d%d%d ") then return line end
  end
end

function process_event(text)
  answers = answers .. text
  if step > #steps then return "eok", 0, "logged in as " .. user end
  local line = take_last_line()
  if not line then
    if #answers > 4096 then return "efail", 0, "a line without an end" end
    return "rav", 512, ""
  end
  local code, say = steps[step].code, steps[step].say
  if string.sub(line, 1, 3) ~= code then
    return "efail", 0, "expected " .. code .. ", got: " .. line
  end
  step = step + 1
  local command = say()
  return "w", #command, command
end
