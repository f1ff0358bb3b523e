-- wrk's requests and report. BENCH_PATHS: a file with a path a line, asked for in turn; BENCH_METHOD, BENCH_BODY,
-- BENCH_HEADERS (a header a line): the rest of each request. Prints one line of JSON at the end.
local texts, at = {}, 0

function init()
  local body = os.getenv('BENCH_BODY')
  if body == '' then body = nil end
  local headers = {}
  for name, value in os.getenv('BENCH_HEADERS'):gmatch('([^:\n]+): ([^\n]*)') do headers[name] = value end
  for path in io.lines(os.getenv('BENCH_PATHS')) do
    texts[#texts + 1] = wrk.format(os.getenv('BENCH_METHOD'), path, headers, body)
  end
  at = math.random(#texts)
end

function request()
  at = at % #texts + 1
  return texts[at]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    'JSON {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
