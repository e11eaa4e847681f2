# shellcheck shell=bash
# shellcheck disable=SC2034 # the lists are for those who source this
# What the project needs from Debian and the Swift toolchain. To be sourced, after stages.sh.

# The libraries that the product is built on; NIO's HTTP compression wants zlib.
product_packages=(
    libngtcp2-dev libngtcp2-crypto-gnutls-dev libgnutls28-dev libssl-dev libsqlite3-dev zlib1g-dev pkg-config
    openssl curl
)
# The example's target is Python's web server.
example_packages=("${product_packages[@]}" python3)
# The interoperability peers run in a Python environment of their own; the network tests use `ip` and `ss`.
test_packages=("${product_packages[@]}" python3-venv iproute2)

swift_minimum=6.2

# install_missing PACKAGE…: installs what is not installed yet. Asks the package lists only when something is missing.
install_missing() {
    if ! command -v dpkg-query apt-get >/dev/null; then
        fail "this is not Debian or Ubuntu: install the counterparts of these packages by hand: $*"
    fi

    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        echo "all ${#} packages are there"
        return
    fi

    echo "missing: ${missing[*]}"
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            fail "cannot install without root or sudo: run 'apt-get install ${missing[*]}' as root, then this again"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update ||
        fail "apt-get update failed (see above): check the network and the package sources, then run this again"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get could not install ${missing[*]} (see above)"
}

# is_installed PACKAGE: whether Debian's package is installed and configured.
is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# require_swift: checks that a Swift toolchain is on the PATH and new enough.
require_swift() {
    local remedy="install Swift $swift_minimum or newer (swift.org/install/linux) and put its usr/bin on PATH"
    command -v swift >/dev/null || fail "there is no 'swift' on PATH: $remedy"

    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' | head -n 1)
    [[ -n $version ]] || fail "'swift --version' names no version: $remedy"
    [[ $(printf '%s\n' "$swift_minimum" "$version" | sort --version-sort | head -n 1) == "$swift_minimum" ]] ||
        fail "Swift $version at $(command -v swift) is too old: $remedy"
    echo "Swift $version at $(command -v swift)"
}
