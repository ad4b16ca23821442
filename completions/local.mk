# Completion of the command line, made from the parser of the program that was
# just built.
bashcompdir = $(datadir)/bash-completion/completions
nodist_bashcomp_DATA = completions/locust
zshcompdir = $(datadir)/zsh/site-functions
nodist_zshcomp_DATA = completions/_locust
CLEANFILES += $(nodist_bashcomp_DATA) $(nodist_zshcomp_DATA)

if SANITIZERS
COMPLETION_ENV = LD_PRELOAD="`$(CC) -print-file-name=libasan.so`" \
	PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0
endif

# What the program itself needs may come later than the build.
make_completion = $(MKDIR_P) completions && \
	if $(PYTHON) -c 'import configargparse, requests' 2>/dev/null; then \
	  $(COMPLETION_ENV) PYTHONPATH=python PYTHONPYCACHEPREFIX=pycache \
	    $(PYTHON) -m locust._completion $$shell >$@.new; \
	else \
	  echo "completion for $$shell is left out: $(PYTHON) has no ConfigArgParse and requests" >&2; \
	  echo ': left out: the Python of the build had no ConfigArgParse and requests' >$@.new; \
	fi && mv -f $@.new $@

completions/locust: python/stamp $(PYMOD)
	$(AM_V_GEN)shell=bash; $(make_completion)

completions/_locust: python/stamp $(PYMOD)
	$(AM_V_GEN)shell=zsh; $(make_completion)
