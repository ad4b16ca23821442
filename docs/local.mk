EXTRA_DIST += \
	.ci/run \
	docs/architecture.md \
	docs/differences.md \
	docs/first-test.md \
	docs/install.md \
	docs/options.md \
	docs/picture.py \
	docs/picture.svg \
	docs/report.md \
	docs/writing-locustfiles.md
