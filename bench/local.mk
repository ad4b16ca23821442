# make bench: one table, ours against its peers (bench/README.md). For example
#     make bench BENCH_ARGS='--quick plain'
EXTRA_PROGRAMS += bench/truth-server
bench_truth_server_SOURCES = bench/truth-server.c

EXTRA_DIST += \
	bench/README.md \
	bench/cases.py \
	bench/locustfiles/bench_burn.py \
	bench/locustfiles/bench_inside.py \
	bench/locustfiles/burn_fast.py \
	bench/locustfiles/burn_http.py \
	bench/locustfiles/catch_fast.py \
	bench/locustfiles/catch_http.py \
	bench/locustfiles/echo.py \
	bench/locustfiles/empty.py \
	bench/locustfiles/idle_fast.py \
	bench/locustfiles/idle_http.py \
	bench/locustfiles/plain_fast.py \
	bench/locustfiles/plain_http.py \
	bench/locustfiles/secure_fast.py \
	bench/locustfiles/secure_http.py \
	bench/locustfiles/spawns.py \
	bench/locustfiles/switches.py \
	bench/locustfiles/ticks.py \
	bench/procs.py \
	bench/run.py \
	bench/servers.py

.PHONY: bench
bench: locust$(EXEEXT) bench/truth-server$(EXEEXT)
	"$(PYTHON)" $(srcdir)/bench/run.py --locust ./locust$(EXEEXT) \
		--truth-server bench/truth-server$(EXEEXT) $(BENCH_ARGS)
