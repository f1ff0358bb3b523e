-- Write the verdict about a job's expectations: its health, marks of its runs, what is told, and when to look again.
--
-- ARGV  1 job id      2 the stamp of the facts that it was made of, '' for none
--       3 JSON: {"health" ('' for well), "fields" and "removed" (of key.expectation: name -> text; a list), "marks" (run id ->
--         JSON, of runs under way), "notes" (a list of {"kind", "facts"}), "next" (when to look again, ms, or false: nothing is
--         expected any more); of a heartbeat job that is on, "next_run" (when its next ping is due, ms as a text), and if that
--         changes, "ended" (why its schedule has ended; '' if it goes on)}
-- Returns 'judged'; 'stale' if there are other facts by now, and nothing has changed; 'gone' if there is no such job.
--
-- One step, so that whatever dies, a breach is told once and its end once: what is told and that it was told come together.
-- The stamp makes it right under any number of schedulers, and safe to repeat: a repetition finds another one. It opens
-- with ZADD, so that a full Redis refuses it whole.

local job_id, verdict = ARGV[1], cjson.decode(ARGV[3])
local job, state = key.job(job_id), key.expectation(job_id)
if call('EXISTS', job) == 0 then
  expectations.forget(job_id)
  return 'gone'
end
if (call('HGET', state, 'stamp') or '') ~= ARGV[2] then return 'stale' end
local now = now_ms()
call('ZADD', key.expect_due, int(verdict.next or now), job_id)
call('HINCRBY', state, 'stamp', 1)
for name, value in pairs(verdict.fields) do call('HSET', state, name, value) end
if #verdict.removed > 0 then call('HDEL', state, unpack(verdict.removed)) end
if verdict.health == '' then call('HDEL', job, 'health') else call('HSET', job, 'health', verdict.health) end
if verdict.next_run then call('HSET', job, 'next_run', verdict.next_run) end
if verdict.ended == '' then
  call('HDEL', job, 'state', 'state_reason')
elseif verdict.ended then
  call('HSET', job, 'state', 'ended', 'state_reason', verdict.ended)
end
for run_id, text in pairs(verdict.marks) do
  if call('HGET', key.run(run_id), 'status') == 'running' then
    call('HSET', key.run(run_id), 'breaches', text)
    followers.tell(run_id)
  end
end
for _, note in ipairs(verdict.notes) do alerts.tell(note.kind, job_id, now, note.facts) end
if not verdict.next then expectations.forget(job_id) end
return 'judged'
