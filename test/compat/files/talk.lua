-- Says what it was prepared with, reads a greeting, and is content with "220 hi".
local step, greeting, said = 0, "", ""

function prepare(...)
  said = table.concat({ ... }, "|")
end

function process_event(text)
  step = step + 1
  if step == 1 then return "w", #said, said end
  if step == 2 then return "r", 4, "" end
  if step == 3 then
    greeting = text
    return "rav", 100, ""
  end
  if greeting == "220 " and text == "hi" then return "eok", 0, "" end
  return "efail", 0, ""
end
