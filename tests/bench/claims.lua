-- Every request is another user's. For wrk.
-- ARGS   1 path   2 file of tokens, one a line   3 number of threads; each takes its share
--        4 'again': start over when the tokens are used up, for a view that does not look at them
-- PRINTS requests answered, microseconds, answers that were no success, broken connections,
--        mean and 99th percentile of the latency in microseconds, 1 = a thread ran out of tokens
local threads = {}

function setup(thread)
  thread:set('number', #threads)
  threads[#threads + 1] = thread
end

function init(args)
  requests, sent, ran_out, again = {}, 0, 0, args[4] == 'again'
  local head = 'POST ' .. args[1] .. ' HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n'
    .. 'Content-Type: application/json\r\nContent-Length: 9\r\nAuthorization: Bearer '
  local line = 0
  for token in io.lines(args[2]) do
    if line % args[3] == number then
      requests[#requests + 1] = head .. token .. '\r\n\r\n{"nth":1}'
    end
    line = line + 1
  end
end

function request()
  sent = sent + 1
  if again then return requests[sent % #requests + 1] end
  if sent <= #requests then return requests[sent] end
  ran_out = 1
  wrk.thread:stop()
  return 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
end

function done(summary, latency)
  local broken = summary.errors
  local out = 0
  for _, thread in ipairs(threads) do out = math.max(out, thread:get('ran_out')) end
  io.write(table.concat({
    summary.requests, summary.duration, broken.status,
    broken.connect + broken.read + broken.write + broken.timeout,
    latency.mean, latency:percentile(99), out,
  }, ' '), '\n')
end
