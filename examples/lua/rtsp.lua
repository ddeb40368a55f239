-- Asks an RTSP server for its options. It is well when it answers 200 and knows DESCRIBE.
-- Its params are the path of a stream, such as /live.

local request
local answer = ""

function prepare(params, vname, vaddr, vport, vproto, vfwmark, rname, raddr, rport, rtestport)
  local host = string.find(raddr, ":", 1, true) and "[" .. raddr .. "]" or raddr
  request = "OPTIONS rtsp://" .. host .. ":" .. rtestport .. params .. " RTSP/1.0\r\n" ..
            "CSeq: 1\r\nUser-Agent: SureAliveD\r\n\r\n"
end

function process_event(text)
  if request then
    local data = request
    request = nil
    return "w", #data, data
  end
  answer = answer .. text
  if not string.find(answer, "\r\n\r\n", 1, true) and #answer < 4096 then
    return "rav", 1024, ""
  end
  local status = string.match(answer, "^RTSP/1%.0 (%d%d%d) ")
  if status ~= "200" then return "efail", 0, "status " .. tostring(status) end
  if not string.find(answer, "\r\nPublic:[^\r\n]*DESCRIBE") then
    return "efail", 0, "the server does not offer DESCRIBE"
  end
  return "eok", 0, "status 200"
end
