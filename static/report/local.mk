# The page of the HTML report. uPlot comes by npm, as package-lock.json pins
# it; a distribution has the page made already. src/report/page.S brings it
# into the program.
PAGE_PARTS = \
	static/report/build.py \
	static/report/charts.js \
	static/report/main.js \
	static/report/package-lock.json \
	static/report/package.json \
	static/report/page.css \
	static/report/page.html \
	static/report/sections.js \
	static/report/table.js \
	static/report/text.js \
	static/report/theme.js

EXTRA_DIST += $(PAGE_PARTS) static/report/report.html
AM_CCASFLAGS += -Wa,-I$(builddir) -Wa,-I$(srcdir)
MAINTAINERCLEANFILES = static/report/report.html

if REPORT_CHARTS
report_uplot = static/report/npm/node_modules/uplot
endif

# npm is asked only when the lock file has changed since it was last. A page
# without charts is made only for who has said so.
static/report/report.html: $(PAGE_PARTS)
	$(AM_V_GEN)$(MKDIR_P) static/report/npm
	$(AM_V_at)if test -z "$(report_uplot)" && test "$(with_npm)" != no; then \
	  echo "making the page of the HTML report anew needs npm: install it and configure again, or configure --without-npm to do without charts" >&2; \
	  exit 1; \
	fi
	$(AM_V_at)lock=$(srcdir)/static/report/package-lock.json; \
	if test -n "$(report_uplot)" && \
	   ! cmp -s $$lock static/report/npm/fetched; then \
	  cp $(srcdir)/static/report/package.json $$lock static/report/npm && \
	  (cd static/report/npm && $(NPM) ci --ignore-scripts --no-audit \
	    --no-fund --prefer-offline --loglevel=error >/dev/null) && \
	  cp $$lock static/report/npm/fetched || { \
	    echo "the charts of the HTML report could not be fetched with npm: see above, or configure --without-npm to do without them" >&2; \
	    exit 1; }; \
	fi
	$(AM_V_at)$(PYTHON) $(srcdir)/static/report/build.py $@ $(report_uplot)

src/report/page.lo: static/report/report.html

distclean-local:
	rm -rf static/report/npm
