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
        build-clang/; make lint; test the switching of stacks for aarch64
EOF
}

BUILD_PACKAGES="gcc make autoconf automake libtool pkg-config libc6-dev
    python3 python3-dev libpython3-dev python3-requests
    python3-configargparse
    libcurl4-openssl-dev libev-dev libcivetweb-dev libssl-dev zlib1g-dev"
TEST_PACKAGES="python3-pytest python3-venv libcmocka-dev nginx-light openssl
    man-db groff-base procps iproute2"
LINT_PACKAGES="clang clang-tidy cppcheck shellcheck gcc-aarch64-linux-gnu
    libc6-dev-arm64-cross qemu-user"

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
    mkdir -p "$directory"
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
    # shellcheck disable=SC2086 # one word for each package
    install_packages $BUILD_PACKAGES
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
    {
        code=0
        "$@" || code=$?
        echo $code >"$log.status"
    } 2>&1 </dev/null | tee "$log"
    read -r code <"$log.status"
    return "$code"
}

# check DIRECTORY: runs the tests there, those in Python even if one in C fails.
check() {
    say "testing in $1/"
    logged "$1/check.log" make -k -C "$1" check VERBOSE=1 PYTEST_FLAGS=-q
}

# lint DIRECTORY: what needs no test run.
lint() {
    say "looking for what tools can find"
    logged "$1/lint.log" make -k -C "$1" lint check-aarch64
}

# Adds up what cmocka and pytest say.
count() {
    {
        find build/tests build-san/tests -name '*.log' -exec cat {} +
        cat build/check.log build/lint.log build-san/check.log
    } | awk -v status="$1" '
        /^\[  PASSED  \] [0-9]+ test/ { c_passed += $4 }
        /^\[  FAILED  \] [0-9]+ test/ { c_failed += $4 }
        / in [0-9.]+s/ && /passed|failed|error/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^(failed|error)/) failed += $(i - 1)
            }
        }
        END {
            passed += c_passed
            failed += c_failed
            if (status != 0 && failed == 0) failed = 1
            printf "%d passed, %d failed\n", passed, failed
        }'
}

run_tests() {
    # shellcheck disable=SC2086 # one word for each package
    install_packages $BUILD_PACKAGES $TEST_PACKAGES $LINT_PACKAGES
    status=0
    configure_in build --enable-werror
    build_in build
    check build || status=1
    lint build || status=1
    configure_in build-clang --enable-werror CC=clang
    build_in build-clang
    configure_in build-san --enable-werror --enable-sanitizers
    build_in build-san
    check build-san || status=1
    count $status
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
