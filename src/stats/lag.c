/* Generator lag; see lag.h. */
#include "stats/lag.h"

#define NOTABLE_US 1000
#define ENOUGH_REQUESTS 100
#define ENOUGH_LAG_NS 1e9

int
lag_log(struct lag *lag, int64_t pickup_ns, int64_t resume_ns)
{
    int r1 = histogram_add(&lag->pickup, pickup_ns / 1000);
    int r2 = histogram_add(&lag->resume, resume_ns / 1000);
    lag->total_ns += (double)pickup_ns + (double)resume_ns;
    return r1 < 0 || r2 < 0 ? -1 : 0;
}

bool
lag_is_notable(const struct lag *lag)
{
    bool enough = lag->pickup.count >= ENOUGH_REQUESTS ||
                  lag->total_ns >= ENOUGH_LAG_NS;
    return enough &&
           (histogram_percentile(&lag->pickup, 0.5) > NOTABLE_US ||
            histogram_percentile(&lag->resume, 0.5) > NOTABLE_US);
}

void
lag_clear(struct lag *lag)
{
    histogram_clear(&lag->pickup);
    histogram_clear(&lag->resume);
    lag->total_ns = 0;
}
