EXTRA_DIST += \
	.ci/run \
	docs/architecture.md \
	docs/differences.md \
	docs/first-test.md \
	docs/install.md \
	docs/report.md
