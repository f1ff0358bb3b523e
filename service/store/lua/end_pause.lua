-- End a pause. The leading scheduler lets in what it holds (resume_jobs.lua).
--
-- ARGV  1 its id      2 who ends it, JSON      3 the change's entry in the audit log, or ''      4 marks this change
-- Returns {'ended', the pause}; {'over', the pause} if it has ended already; {'gone'}.
--
-- One step, so that a pause is in force, or over. Safe to repeat: a repetition finds its mark.

local now, stored = now_ms(), call('HGET', key.pauses, ARGV[1])
local pause = ARGV[1] ~= 'over' and stored and pauses.parse(stored)
if not pause then
  for _, text in ipairs(call('ZRANGE', key.ended_pauses, 0, -1, 'REV')) do
    local ended = pauses.parse(text)
    if ended and ended.id == ARGV[1] then
      if ended.ended_by or ended.ended_at <= now then return {ended.writer == ARGV[4] and 'ended' or 'over', text} end
      call('ZREM', key.ended_pauses, text)  -- it is over by a clock that has been set back since, so it holds
      pause = ended
    end
  end
  if not pause then return {'gone'} end
end
local ends = pause['until']
if ends and ends <= now then
  pauses.finish(pause, ends, nil, now)
  return {'over', cjson.encode(pause)}
end
pause.writer = ARGV[4]
pauses.finish(pause, now, cjson.decode(ARGV[2]), now)
audit.note(ARGV[3], nil, nil, now)
wake.schedulers('due')
return {'ended', cjson.encode(pause)}
