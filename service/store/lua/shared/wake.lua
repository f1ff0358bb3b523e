-- Wake-up calls for schedulers; a call that they miss costs up to 5 s. With pcall, because a user of Redis may be
-- allowed to write and yet not to publish on this channel: the script would stop half way.
local wake = {}

function wake.schedulers(news)
  redis.pcall('PUBLISH', key.wake, news)
end
