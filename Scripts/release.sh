# shellcheck shell=bash
# The release build, for the scripts that try and measure the programs. To be sourced.

# build_release ARGUMENT…: swift build, with Swift's libraries inside the programs. They start sooner and spend less on
# calls, and run on machines that have no Swift toolchain.
build_release() {
    swift build -c release --static-swift-stdlib "$@"
}
