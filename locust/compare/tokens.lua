-- For wrk: every request claims with the next token of a file, so every claim is of a new user.
-- ARGS   1 file, a token a line   2 lines to leave out (the warm-up's)   3 threads
-- At the end one line of JSON. Out of tokens, a thread asks with its last one again; the users are
-- then no longer distinct, which the count of stored coupons shows.
local threads = 0

function setup(thread)
  thread:set('id', threads)
  threads = threads + 1
end

function init(args)
  local skip, of = tonumber(args[2]), tonumber(args[3])
  tokens, at, line = {}, 0, 0
  for token in io.lines(args[1]) do
    if line >= skip and line % of == id then tokens[#tokens + 1] = token end
    line = line + 1
  end
  head = 'POST ' .. wrk.path .. ' HTTP/1.1\r\nHost: ' .. wrk.host .. ':' .. wrk.port ..
    '\r\nContent-Length: 0\r\nAuthorization: Bearer '
end

function request()
  if at < #tokens then at = at + 1 end
  return head .. tokens[at] .. '\r\n\r\n'
end

function done(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    'RESULT {"answers": %d, "refused": %d, "lost": %d, "seconds": %.6f, "mean": %.3f, ' ..
    '"p50": %.3f, "p90": %.3f, "p99": %.3f, "max": %.3f}\n',
    summary.requests, errors.status, lost, summary.duration / 1e6, latency.mean / 1e3,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
