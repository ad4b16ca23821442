# The Python half. In a build tree it is linked to under python/, where the
# program and plain python3 (PYTHONPATH=.../python) find it. Installed, it is a
# directory of its own beside the extension, so that the program finds it
# whatever python3 does; plain python3 finds it by a link in $(pythondir).

PYMOD = \
	pymod/_locust_coop/__init__.py \
	pymod/_locust_coop/_grpc.py \
	pymod/_locust_coop/_late.py \
	pymod/_locust_coop/_pipes.py \
	pymod/_locust_coop/_processes.py \
	pymod/_locust_coop/_sendfile.py \
	pymod/_locust_coop/_threads.py \
	pymod/gevent/__init__.py \
	pymod/gevent/_config.py \
	pymod/gevent/_same.py \
	pymod/gevent/baseserver.py \
	pymod/gevent/builtins.py \
	pymod/gevent/core.py \
	pymod/gevent/event.py \
	pymod/gevent/events.py \
	pymod/gevent/exceptions.py \
	pymod/gevent/fileobject.py \
	pymod/gevent/greenlet.py \
	pymod/gevent/hub.py \
	pymod/gevent/local.py \
	pymod/gevent/lock.py \
	pymod/gevent/monkey.py \
	pymod/gevent/os.py \
	pymod/gevent/pool.py \
	pymod/gevent/pywsgi.py \
	pymod/gevent/queue.py \
	pymod/gevent/resolver.py \
	pymod/gevent/select.py \
	pymod/gevent/selectors.py \
	pymod/gevent/server.py \
	pymod/gevent/signal.py \
	pymod/gevent/socket.py \
	pymod/gevent/ssl.py \
	pymod/gevent/subprocess.py \
	pymod/gevent/threading.py \
	pymod/gevent/threadpool.py \
	pymod/gevent/time.py \
	pymod/gevent/timeout.py \
	pymod/gevent/util.py \
	pymod/geventhttpclient/__init__.py \
	pymod/geventhttpclient/client.py \
	pymod/geventhttpclient/header.py \
	pymod/geventhttpclient/response.py \
	pymod/geventhttpclient/url.py \
	pymod/geventhttpclient/useragent.py \
	pymod/greenlet/__init__.py \
	pymod/locust/__init__.py \
	pymod/locust/__main__.py \
	pymod/locust/_checks.py \
	pymod/locust/_completion.py \
	pymod/locust/_fast/__init__.py \
	pymod/locust/_fast/agent.py \
	pymod/locust/_fast/body.py \
	pymod/locust/_fast/errors.py \
	pymod/locust/_fast/headers.py \
	pymod/locust/_fast/native.py \
	pymod/locust/_fast/replies.py \
	pymod/locust/_fast/tls.py \
	pymod/locust/_fast/urls.py \
	pymod/locust/_live.py \
	pymod/locust/_missing.py \
	pymod/locust/_option_types.py \
	pymod/locust/_options.py \
	pymod/locust/_output.py \
	pymod/locust/_own.py \
	pymod/locust/_requests_cookies.py \
	pymod/locust/_requests_errors.py \
	pymod/locust/_requests_pools.py \
	pymod/locust/_requests_prepare.py \
	pymod/locust/_requests_responses.py \
	pymod/locust/_results.py \
	pymod/locust/_spans.py \
	pymod/locust/_starter.py \
	pymod/locust/_thresholds.py \
	pymod/locust/_tls_errors.py \
	pymod/locust/_version.py \
	pymod/locust/argument_parser.py \
	pymod/locust/clients.py \
	pymod/locust/contrib/__init__.py \
	pymod/locust/contrib/_measure.py \
	pymod/locust/contrib/csv_request_logger.py \
	pymod/locust/contrib/dns.py \
	pymod/locust/contrib/fasthttp.py \
	pymod/locust/contrib/milvus.py \
	pymod/locust/contrib/mongodb.py \
	pymod/locust/contrib/mqtt.py \
	pymod/locust/contrib/oai.py \
	pymod/locust/contrib/postgres.py \
	pymod/locust/contrib/qdrant.py \
	pymod/locust/contrib/socketio.py \
	pymod/locust/core.py \
	pymod/locust/debug.py \
	pymod/locust/dispatch.py \
	pymod/locust/env.py \
	pymod/locust/event.py \
	pymod/locust/events.py \
	pymod/locust/exception.py \
	pymod/locust/html.py \
	pymod/locust/input_events.py \
	pymod/locust/inspectlocust.py \
	pymod/locust/legacy/__init__.py \
	pymod/locust/legacy/events.py \
	pymod/locust/legacy/names.py \
	pymod/locust/legacy/options.py \
	pymod/locust/legacy/runners.py \
	pymod/locust/legacy/tasks.py \
	pymod/locust/legacy/users.py \
	pymod/locust/log.py \
	pymod/locust/main.py \
	pymod/locust/opentelemetry.py \
	pymod/locust/rpc/__init__.py \
	pymod/locust/rpc/protocol.py \
	pymod/locust/rpc/zmqrpc.py \
	pymod/locust/runners.py \
	pymod/locust/shape.py \
	pymod/locust/stats.py \
	pymod/locust/user/__init__.py \
	pymod/locust/user/inspectuser.py \
	pymod/locust/user/markov_taskset.py \
	pymod/locust/user/rest.py \
	pymod/locust/user/sequential_taskset.py \
	pymod/locust/user/task.py \
	pymod/locust/user/users.py \
	pymod/locust/user/wait_time.py \
	pymod/locust/util/__init__.py \
	pymod/locust/util/cache.py \
	pymod/locust/util/date.py \
	pymod/locust/util/deprecation.py \
	pymod/locust/util/directory.py \
	pymod/locust/util/exception_handler.py \
	pymod/locust/util/load_locustfile.py \
	pymod/locust/util/place.py \
	pymod/locust/util/rounding.py \
	pymod/locust/util/threads.py \
	pymod/locust/util/timespan.py \
	pymod/locust/util/url.py \
	pymod/locust/wait_time.py \
	pymod/locust/web.py \
	pymod/pytest_locust/__init__.py \
	pymod/pytest_locust/plugin.py

PYTHON_PACKAGES = _locust_coop gevent geventhttpclient greenlet locust \
	pytest_locust

# Plain python3 finds these by links. Ours of other people's packages it finds
# once it has imported locust.
LINKED_PACKAGES = locust pytest_locust

EXTRA_DIST += $(PYMOD)

# The extension is replaced in one step: who has loaded the old one keeps it.
all-local: python/stamp
python/stamp: _locust.la pymod/local.mk
	$(AM_V_GEN)$(MKDIR_P) python && \
	for p in $(PYTHON_PACKAGES); do \
	  ln -sfn $(abs_srcdir)/pymod/$$p python/$$p || exit 1; \
	done && \
	cp -f .libs/_locust.so python/new && \
	mv -f python/new python/_locust$(PYTHON_EXT_SUFFIX) && \
	touch $@

clean-local:
	rm -rf python pycache

# What other people have installed under our name is not overwritten.
install-data-local:
	@for f in $(PYMOD); do \
	  to="$(DESTDIR)$(pkgpydir)/$${f#pymod/}"; \
	  $(MKDIR_P) "$${to%/*}" && \
	  $(INSTALL_DATA) "$(srcdir)/$$f" "$$to" || exit 1; \
	done
	for p in $(PYTHON_PACKAGES); do \
	  PYTHONPYCACHEPREFIX= $(PYTHON) -m compileall -q -s "$(DESTDIR)" \
	    "$(DESTDIR)$(pkgpydir)/$$p" || exit 1; \
	done
	$(MKDIR_P) "$(DESTDIR)$(pythondir)"
	@for p in $(LINKED_PACKAGES); do \
	  link="$(DESTDIR)$(pythondir)/$$p"; \
	  if test -e "$$link" && ! test -L "$$link"; then \
	    echo "$$link exists and is not ours: remove that package (pip uninstall locust) and run 'make install' again" >&2; \
	    exit 1; \
	  fi; \
	  echo " linking $$link"; \
	  ln -srfn "$(DESTDIR)$(pkgpydir)/$$p" "$$link" || exit 1; \
	done

uninstall-local:
	for f in $(PYMOD); do \
	  rm -f "$(DESTDIR)$(pkgpydir)/$${f#pymod/}" || exit 1; \
	done
	@for p in $(LINKED_PACKAGES); do \
	  link="$(DESTDIR)$(pythondir)/$$p"; \
	  if test -L "$$link"; then rm -f "$$link"; fi; \
	done
	@for p in $(PYTHON_PACKAGES); do \
	  if test -d "$(DESTDIR)$(pkgpydir)/$$p"; then \
	    (cd "$(DESTDIR)$(pkgpydir)/$$p" && \
	    find . -name __pycache__ -prune -exec rm -rf {} + && \
	    find . -depth -type d -empty -delete) || exit 1; \
	  fi; \
	done

# Caches that a test in the source tree may have left.
dist-hook:
	find "$(distdir)" -name __pycache__ -prune -exec rm -rf {} +
