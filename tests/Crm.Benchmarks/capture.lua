-- Bodies of POST /leads of about 400 bytes, each of its own, for wrk. The token comes by the environment.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local first = { "Amara", "Chiara", "Dmitri", "Fatima", "Hana", "Jana", "Kofi", "Mats", "Petra" }
local last = { "Bergman", "Castellanos", "Dimitrov", "Fernandez", "Haddad", "Ivanova", "Kowalczyk", "Moreau", "Nakamura", "Okonkwo" }
local sources = { "website", "referral", "event", "partner", "newsletter", "trade-fair" }
local sent = 0

function init(args)
  math.randomseed(20261120 + number)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("CRM_BENCH_TOKEN")
end

function request()
  sent = sent + 1
  local f, l = first[math.random(#first)], last[math.random(#last)]
  local body = string.format(
    '{"firstName":"%s","lastName":"%s","email":"%s.%s.%d.%d@orchards-and-foundries.example","phone":"+49 30 %07d",'
      .. '"company":"%s & %s Instruments and Ceramics %d","source":"%s","value":{"amount":%d.50,"currency":"EUR"},'
      .. '"tags":["annual-contract","decision-maker","existing-supplier","needs-demonstration","technical-evaluation"]}',
    f, l, string.lower(f), string.lower(l), number, sent, math.random(9999999), last[math.random(#last)], last[math.random(#last)],
    math.random(4000), sources[math.random(#sources)], math.random(250, 200000))
  return wrk.format(nil, nil, nil, body)
end
