-- End a run that is under way: its outcome, the job's last run, its slot, the next in line, a retry, RQ's own end.
--
-- ARGV  1 run id      2 the claim's token
--       3 'success', 'failed', 'cancelled', or 'skipped' (by its bot)
--       4 JSON: RQ's result record of a failure, a flat list; '' for none
--       5 JSON: the retry, should this be a failure: {"id", "attempt", "delay_ms"}; '' for none
--       6 '1' to end it only if its lease has ended (the reaper), else '0'
--       7 JSON: the bot's news for people, a list of pairs of a digest, under which it is reported once, and a text; '' for
--         none
--       8 JSON: the ends that its worker has summed up, see steps/count_end.lua; '' for none
--       9… the outcome: names and values of the run's fields result, error, messages_sent, profiles_visited, reason
-- Returns 'ended'; 'was_ended', if this claim's run had ended before, by this outcome or another; 'gone' (deleted);
--         'lost' (another claim's, or, for the reaper, renewed). In all but the first case it only removes what is left
--         of a run that is not under way: its lease, and if it was deleted, RQ's records.
--
-- One step, because a death between any two of these would leave a slot that nobody holds, or a run that RQ calls
-- started for ever. Fenced by the token, so that a worker that was frozen past its lease cannot overwrite later
-- decisions. Safe to repeat. A cancel that was committed first wins over any other outcome. While a job is off, failed
-- runs of its occurrences have no retry, and those by hand do. A rehearsal changes neither the job's last run nor its
-- failures, and raises no alert; its retry is a rehearsal, too.

local run_id, token, status, rq_result, retry, only_if_lease_ended, news, sums = unpack(ARGV, 1, 8)
local word, ended_as, at = steps.end_in_full(run_id, token, status, rq_result, retry, only_if_lease_ended, news,
  {unpack(ARGV, 9)})
if word == 'ended' then steps.count_end(run_id, ended_as, at, sums) end
return word
