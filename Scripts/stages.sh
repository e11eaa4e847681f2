# shellcheck shell=bash
# Headings with elapsed times and clear endings for the commands of this project. To be sourced.

stage_name=""
stage_started=0

# stage NAME: ends the stage before, saying how long it took, and begins another.
stage() {
    end_stage
    stage_name=$1
    stage_started=$SECONDS
    printf '\n==> %s\n' "$stage_name"
}

# end_stage: says how long the current stage took, if there is one.
end_stage() {
    if [[ -n $stage_name ]]; then
        printf -- '--- %s: %s s (%s s in all)\n' "$stage_name" "$((SECONDS - stage_started))" "$SECONDS"
        stage_name=""
    fi
}

# fail MESSAGE: one clear line on stderr, then the end.
fail() {
    printf '\nFailed: %s\n' "$1" >&2
    exit 1
}
