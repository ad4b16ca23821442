"""Run by test_stats_differential.py in either Python: logs what stdin says, prints the outcome."""
import json
import sys

import locust.stats
from locust.stats import RequestStats

PERCENTILES = [0, 0.01, 0.25, 0.5, 0.66, 0.9, 0.95, 0.99, 0.999, 1.0]


def figures(entry):
    row = entry.to_dict()
    for volatile in ("total_rps", "total_fail_per_sec"):
        del row[volatile]
    row["percentiles"] = [entry.get_response_time_percentile(p) for p in PERCENTILES]
    row["buckets"] = list(entry.response_times.items())
    row["exact"] = [entry.min_response_time, entry.max_response_time, entry.total_response_time]
    row["fail_ratio"] = entry.fail_ratio
    row["median"] = row.pop("median_response_time")
    return row


def rates(stats):
    """Of made-up seconds, so that both see the same."""
    stats.total.start_time, stats.total.last_request_timestamp = 1000.25, 1023.75
    stats.total.num_reqs_per_sec = {1000 + i: i * i % 7 for i in range(24)}
    return [stats.total.current_rps, stats.total.total_rps, stats.total.total_fail_per_sec]


def main():
    stats = RequestStats()
    for method, name, ms, length, error in json.load(sys.stdin):
        stats.log_request(method, name, ms, length)
        if error:
            stats.log_error(method, name, error)
    locust.stats.STATS_NAME_WIDTH = 30
    result = {
        "medians": hasattr(locust.stats, "median_from_dict"),
        "entries": [figures(entry) for entry in [*stats.entries.values(), stats.total]],
        "errors": [[key, e.occurrences, e.to_name()] for key, e in stats.errors.items()],
        "tables": [
            locust.stats.get_stats_summary(stats),
            locust.stats.get_percentile_stats_summary(stats),
            locust.stats.get_error_report_summary(stats),
        ],
        "rates": rates(stats),
    }
    json.dump(result, sys.stdout)


main()
