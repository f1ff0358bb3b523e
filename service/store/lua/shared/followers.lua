-- News of a run, for web processes whose clients follow its log or wait for its end; a message that they miss costs a few
-- seconds. Each run has a channel of its own, so that a process hears only of the runs that its clients care about. With
-- pcall, because a user of Redis may be allowed to write and yet not to publish: the script would stop half way.
local followers = {}

function followers.tell(run_id)
  redis.pcall('PUBLISH', key.run_news(run_id), 'news')
end
