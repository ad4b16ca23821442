"""What the statistics say of known response times."""

# script

from traced import trace

import locust.stats
from locust import events
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry, StatsError

environment = Environment(events=events)
stats = environment.stats
for ms in (1, 2.4, 2.6, 99.4, 99.6, 105, 115, 995, 1049, 1051, 12500, 13500, 0, None, 250.5):
    stats.log_request("GET", "/a", ms, 100)
for ms in range(200):
    stats.log_request("POST", "/b", ms, ms)
stats.log_error("GET", "/a", ValueError("x"))
stats.log_error("GET", "/a", ValueError("x"))
stats.log_error("GET", "/only errors", "text")


def show(entry):
    trace("run", entry.method, entry.name, entry.num_requests, entry.num_none_requests, entry.num_failures)
    trace("run", f"{entry.min_response_time or 0:g} {entry.max_response_time:g} {entry.avg_response_time:.6f}")
    trace("run", round(entry.avg_content_length, 6), round(entry.fail_ratio, 6))
    trace("run", sorted(entry.response_times.items()) if entry.name == "/a" else len(entry.response_times))
    trace("run", [entry.get_response_time_percentile(p / 20) for p in range(20)])


for key in sorted(stats.entries):
    show(stats.entries[key])
show(stats.total)
show(stats.get("/never", "GET"))
for error in sorted(stats.errors.values(), key=lambda e: e.to_name()):
    trace("run", error.to_name(), error.occurrences, error.method, error.name, StatsError.parse_error(error.error))
trace(
    "run", [locust.stats.bucket_response_time(x) for x in (0.5, 1.5, 2.5, 99.5, 104.9, 105, 994.9, 9949, 9950, 10500)]
)
trace("run", locust.stats.get_readable_percentiles([0.5, 0.999, 0.9999, 1.0]))
trace("run", locust.stats.calculate_response_time_percentile({1: 5, 2: 3, 9: 2}, 10, 0.8), locust.stats.avg([1, 2, 6]))
other = RequestStats()
other.log_request("GET", "/a", 7, 3)
merged = StatsEntry(stats, "/a", "GET")
merged.extend(stats.entries["/a", "GET"])
merged.extend(other.entries["/a", "GET"])
trace(
    "run", merged.num_requests, f"{merged.min_response_time:g} {merged.max_response_time:g}", merged.response_times[7]
)
copy = StatsEntry.unserialize(stats.entries["/a", "GET"].serialize(), stats)
trace(
    "run", copy.num_requests, copy.name, copy.method, copy.response_times == stats.entries["/a", "GET"].response_times
)
trace("run", list(stats.entries["/a", "GET"].serialize()))
