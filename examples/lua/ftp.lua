-- Logs in to an FTP server and looks at the codes of its answers: 220, 331, 230.
-- Its params are the user and the password, with a space between them.

local answers = ""   -- what has been read and not yet looked at
local user, password
local step = 1

-- What is said in each step, after an answer that begins with its code.
local steps = {
  { code = "220", say = function() return "USER " .. user .. "\r\n" end },
  { code = "331", say = function() return "PASS " .. password .. "\r\n" end },
  { code = "230", say = function() return "QUIT\r\n" end },
}

function prepare(params)
  user, password = string.match(params, "^(%S+) (.*)$")
  if not user then error("expected params such as \"user password\", got \"" .. params .. "\"") end
end

-- The code of a whole answer, which may have several lines: only its last one has a space after the code.
local function take_code()
  for line, stop in string.gmatch(answers, "([^\r\n]*)\r?\n()") do
    local code = string.match(line, "^(%d%d%d) ")
    if code then
      answers = string.sub(answers, stop)
      return code, line
    end
  end
end

function process_event(text)
  answers = answers .. text
  if step > #steps then return "eok", 0, "logged in as " .. user end
  local code, line = take_code()
  if not code then return "rav", 512, "" end
  if code ~= steps[step].code then
    return "efail", 0, "expected " .. steps[step].code .. ", got: " .. line
  end
  local command = steps[step].say()
  step = step + 1
  return "w", #command, command
end
