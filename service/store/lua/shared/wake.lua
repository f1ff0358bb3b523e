-- Schedulers hear that there is something new to do; what they miss they find within 5 s. With pcall, since a user of
-- Redis may write and yet not publish on this channel: the script would stop half way.
local wake = {}

function wake.schedulers(news)
  redis.pcall('PUBLISH', key.wake, news)
end
