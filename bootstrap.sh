#!/bin/sh
# From a fresh clone on Debian to a running program, in one command.
set -eu

usage() {
    cat <<'EOF'
Usage: ./bootstrap.sh demo | test

  demo  install what is needed to build, build in build/, start the demo site
        of examples/quickstart and run its load test against it
  test  install what is needed to test, build in build/ and (with sanitizers)
        in build-san/, and run all tests in both; build with clang in
        build-clang/; make lint; test the switching of stacks for aarch64.
        The last line is "N passed, N failed"; above it is what failed, and
        the log of each run is in BUILD/check.log
EOF
}

BUILD_PACKAGES="gcc make autoconf automake libtool pkg-config libc6-dev
    python3 python3-dev libpython3-dev python3-requests
    python3-configargparse
    libcurl4-openssl-dev libev-dev libcivetweb-dev libssl-dev zlib1g-dev"
TEST_PACKAGES="python3-pytest python3-pytest-xdist python3-venv libcmocka-dev
    nginx-light openssl
    man-db groff-base mandoc procps iproute2 zsh
    chromium chromium-driver fonts-dejavu-core
    redis-server postgresql mariadb-server mosquitto
    python3-redis python3-psycopg2 python3-psycopg python3-pymysql
    python3-pymongo python3-paho-mqtt python3-socketio python3-grpcio
    python3-websocket python3-websockets python3-paramiko
    python3-dnspython python3-flask
    python3-gevent-websocket python3-psycogreen python3-zmq"
LINT_PACKAGES="clang clang-tidy cppcheck shellcheck gcc-aarch64-linux-gnu
    libc6-dev-arm64-cross qemu-user"

# What the charts of the report come by; any npm will do.
npm_packages() {
    command -v npm >/dev/null || [ -f static/report/report.html ] ||
        echo nodejs npm
}

say() {
    echo "bootstrap: $*"
}

fail() {
    echo "bootstrap: $*" >&2
    exit 1
}

# Runs a command silently; what it printed is shown if it fails.
quietly() {
    log=$1
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        fail "'$*' failed; all it printed is in $PWD/$log"
    fi
}

missing_packages() {
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) echo "$package" ;;
        esac
    done
}

install_packages() {
    command -v apt-get >/dev/null ||
        fail "this installs packages with apt-get, and there is none; docs/install.md says what is needed"
    # shellcheck disable=SC2046 # one word for each package
    set -- $(missing_packages "$@")
    if [ $# -eq 0 ]; then
        say "all packages are installed"
        return
    fi
    if [ "$(id -u)" -eq 0 ]; then
        as_root="env"
    elif command -v sudo >/dev/null; then
        as_root=sudo
    else
        fail "these packages are missing, and neither are we root nor is there sudo: $*"
    fi
    say "installing with apt: $*"
    # The first try may do without the network, if the lists are there.
    if ! $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends "$@" >bootstrap.log 2>&1 </dev/null; then
        quietly bootstrap.log $as_root apt-get update
        quietly bootstrap.log $as_root DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "$@"
    fi
    rm -f bootstrap.log
}

# configure_in DIRECTORY OPTION...: configures there, unless it is done.
configure_in() {
    directory=$1
    shift
    # shellcheck disable=SC3013  # every sh on Linux has -nt
    if [ ! -x configure ] || [ configure.ac -nt configure ]; then
        say "making configure"
        quietly autoreconf.log autoreconf -fi
        rm -f autoreconf.log
    fi
    mkdir -p "$directory" || fail "cannot make $directory/"
    cd "$directory"
    if [ ! -f config.status ] || [ ! -f "configured-with${*:+ $*}" ]; then
        say "configuring in $directory/${*:+ with $*}"
        quietly configure.log ../configure "$@"
        rm -f configured-with*
        : >"configured-with${*:+ $*}"
    fi
    cd ..
}

build_in() {
    say "building in $1/"
    quietly "$1/make.log" make -C "$1" -j"$(nproc)"
}

stop_site() {
    kill "$site" 2>/dev/null || true
    wait "$site" || say "the demo site ended with $?"
}

demo() {
    # shellcheck disable=SC2046,SC2086 # one word for each package
    install_packages $BUILD_PACKAGES $(npm_packages)
    # A build that is there will do, however it was configured.
    [ -f build/config.status ] || configure_in build
    build_in build
    : >build/demo-site.out
    build/demo-site --port 0 >build/demo-site.out &
    site=$!
    trap stop_site EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    tries=0
    until url=$(sed -n 's/^listening on //p' build/demo-site.out) && [ -n "$url" ]; do
        tries=$((tries + 1))
        # shellcheck disable=SC2015  # neither half changes what the other means
        kill -0 "$site" 2>/dev/null && [ $tries -lt 100 ] ||
            fail "the demo site did not start"
        sleep 0.1
    done
    say "the demo site listens on $url"
    set -- build/locust --headless -u 100 -r 10 -t 15s \
        -f examples/quickstart/locustfile.py -H "$url"
    say "running $*"
    status=0
    "$@" || status=$?
    say "locust ended with $status"
    return $status
}

# logged LOG COMMAND...: runs it. What it prints is shown and kept.
logged() {
    log=$1
    shift
    rm -f "$log.status"
    {
        code=0
        "$@" || code=$?
        echo $code >"$log.status"
    } 2>&1 </dev/null | tee "$log"
    read -r code <"$log.status" || code=1
    return "$code"
}

# stage WHAT COMMAND...: runs a part of the test. One that fails is remembered, and what follows is done all the same.
stage() {
    what=$1
    shift
    # Of its own, so that fail ends no more than this.
    if ! ("$@"); then
        echo "$what" >>"$failed_stages"
        return 1
    fi
}

build_with() {
    configure_in "$@"
    build_in "$1"
}

# check DIRECTORY: runs the tests there, those in Python even if one in C fails.
check() {
    say "testing in $1/"
    find "$1/tests" -name '*.log' -delete
    logged "$1/check.log" timeout -k 30 34m \
        make -k -C "$1" check VERBOSE=1 PYTEST_FLAGS="-v -o console_output_style=classic"
}

# check_all DIRECTORY...: runs all tests at once, since most of their time goes by in waiting. What the first one prints is
# seen at once, and that of the others when it is done.
check_all() {
    [ $# -gt 0 ] || return 0
    first=$1
    shift
    (check_all "$@") >"$first/others.log" 2>&1 &
    stage "tests in $first" check "$first" || true
    wait $! || true
    cat "$first/others.log"
}

# lint DIRECTORY TARGET: what needs no test run.
lint() {
    say "make $2"
    logged "$1/$2.log" make -C "$1" "$2"
}

# c_results BUILD LOG: what a test in C did, as lines "passed N" and "FAILED which". Those that use cmocka name what
# failed; others count as one test.
c_results() {
    awk -v build="$1" '
        /^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
        /^\[  (FAILED|ERROR) +\] [A-Za-z_0-9]+(:|$)/ && !/ test\(s\)/ {
            sub(/:$/, "", $4)
            failed[$4] = named = 1
        }
        / \(exit status: [0-9]+\)$/ {
            ended = 1
            program = $2
            status = $NF + 0
        }
        END {
            if (!ended) program = FILENAME
            if (ended && status == 0 && passed == 0) passed = 1
            print "passed", passed + 0
            where = "FAILED " build ": " program
            for (name in failed) print where ": " name
            if (!ended)
                print where, "did not come to its end"
            else if (status == 124)
                print where, "took too long and was ended"
            else if (status > 128)
                print where, "was killed by signal", status - 128
            else if (status != 0 && !named)
                print where, "ended with", status
        }' "$2"
}

# pytest_results BUILD LOG: the same for all tests in Python. A pytest that is killed leaves no summary; then the lines
# that it wrote about each test must do. With several workers it writes one when a test begins and one when it has ended.
pytest_results() {
    awk -v build="$1" '
        /^\[gw[0-9]+\] (PASSED|FAILED|ERROR) / {
            if ($2 == "PASSED") passed++
            else { sub(/^[^ ]+ [A-Z]+ /, ""); sub(/ $/, ""); names[++n] = $0 }
            next
        }
        /^[^ ]+\.py::/ {
            last = $0
            sub(/ ([A-Z]+( \(.*\))?)?$/, "", last)
            if (/ PASSED$/) passed++
            if (/ (FAILED|ERROR)$/) names[++n] = last
        }
        /^INTERNALERROR> / { broken = 1 }
        /^=+ short test summary info =+$/ { listing = 1; n = 0; next }
        listing && /^(FAILED|ERROR) / { sub(/^[A-Z]+ /, ""); names[++n] = $0 }
        /^=+ .* in [0-9.]+s( \([0-9:]+\))? =+$/ {
            ended = 1
            listing = passed = 0
            for (i = 2; i <= NF; i++) if ($i ~ /^passed/) passed = $(i - 1)
        }
        END {
            print "passed", passed + 0
            for (i = 1; i <= n; i++) print "FAILED " build ": " names[i]
            if (broken || !ended) {
                print "FAILED " build ": pytest " (broken ? "had an internal error" \
                    : "crashed, was killed or never began") \
                    (last == "" ? "" : "; the test begun last: " last)
            }
        }' "$2"
}

# Says what failed, wherever that was, and ends with the count.
summarize() {
    {
        for build in build build-san; do
            [ -f "$build/check.log" ] || continue
            find "$build/tests" -name '*.log' | sort | while read -r log; do
                c_results "$build" "$log"
            done
            pytest_results "$build" "$build/check.log"
        done
        # The emulated test has no harness to say how it ended; its stage does.
        [ ! -f build/check-aarch64.log ] ||
            sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/passed \1/p' build/check-aarch64.log
        sed 's/^/STAGE /' "$failed_stages"
    } | awk '
        /^passed / { passed += $2 }
        /^FAILED / { failed++; named[$2] = 1; print }
        # A run of tests that fails has said which, unless they were not even built.
        /^STAGE / {
            sub(/^STAGE /, "")
            if (/^tests in / && ($NF ":") in named) next
            failed++
            print "FAILED", $0
        }
        END { printf "%d passed, %d failed\n", passed, failed }'
}

run_tests() {
    # shellcheck disable=SC2046,SC2086 # one word for each package
    install_packages $BUILD_PACKAGES $(npm_packages) $TEST_PACKAGES $LINT_PACKAGES
    failed_stages=$PWD/bootstrap-failed.log
    : >"$failed_stages"
    rm -f build/check.log build/check-aarch64.log build-san/check.log
    built=
    if stage "building in build" build_with build --enable-werror; then
        built=build
        stage "make lint in build" lint build lint || true
        stage "make check-aarch64 in build" lint build check-aarch64 || true
    fi
    stage "building in build-clang" build_with build-clang --enable-werror CC=clang || true
    if stage "building in build-san" build_with build-san --enable-werror --enable-sanitizers; then
        built="$built build-san"
    fi
    # shellcheck disable=SC2086 # one word for each build
    check_all $built
    summarize
    status=0
    [ ! -s "$failed_stages" ] || status=1
    rm -f "$failed_stages"
    return $status
}

cd "$(dirname "$0")"
case ${1-} in
demo) demo ;;
test) run_tests ;;
-h | --help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
