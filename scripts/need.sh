# Sourced by the other scripts: `need COMMAND PACKAGE` makes sure that a command is there.

need() {
    command -v "$1" >/dev/null 2>&1 && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing $2 (for $1)"
        { [ -n "${apt_is_fresh:-}" ] || apt-get update -q >/dev/null; } &&
            apt_is_fresh=yes && DEBIAN_FRONTEND=noninteractive apt-get install -q -y "$2" >/dev/null && return 0
    fi
    echo "$1 is missing: apt-get install $2" >&2
    return 1
}

need_rust() {
    command -v cargo >/dev/null 2>&1 && return 0
    echo "cargo is missing: install the Rust toolchain from https://rustup.rs" >&2
    return 1
}

# A browser and its driver, for the stories of the pages. Ubuntu has them only as snaps, which need more than apt.
need_browser() {
    local any
    any=$(command -v chromium || command -v google-chrome || command -v chrome) || any=
    [ -z "$any" ] || ! chromedriver --version >/dev/null 2>&1 || return 0
    if [ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" = ubuntu ]; then
        echo "Chrome or its driver is missing: https://googlechromelabs.github.io/chrome-for-testing/ has both" >&2
        return 1
    fi
    local status=0
    need chromium chromium || status=1
    need chromedriver chromium-driver || status=1
    return $status
}
