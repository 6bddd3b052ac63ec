#!/bin/sh
# Records what a docker compose binary makes of the cases of this corpus: see README.md.
# usage: record.sh DOCKER_COMPOSE [GROUP[/CASE]]…
set -u

compose=$1
shift
cd "$(dirname "$0")" || exit 1
corpus=$PWD
[ $# -gt 0 ] || set -- $(find * -maxdepth 0 -type d | sort)

# Replaces the folders of the case that is run, of its group and of the corpus.
portable() {
    sed -e "s|$case_dir|\$DIR|g" -e "s|$(dirname "$case_dir")|\$GROUP|g" -e "s|$corpus|\$CORPUS|g"
}

# Prints the answer for the case in $1: `json` or `rejected` on the first line, then the text.
answer() (
    case_dir=$1
    set -- "HOME=/home/user"
    if [ -f "$case_dir/env" ]; then
        while IFS= read -r line; do set -- "$@" "$line"; done <"$case_dir/env"
    fi
    stdin=/dev/null
    [ -f "$case_dir/stdin" ] && stdin=$case_dir/stdin
    cd "$case_dir/$(cat "$case_dir/cwd" 2>/dev/null)" || exit 1
    arguments=$(cat "$case_dir/args" 2>/dev/null)
    flags=$(cat "$case_dir/config-args" 2>/dev/null)
    output=$(mktemp) errors=$(mktemp)
    set -f
    # shellcheck disable=SC2086 # arguments are split into words, and not globbed
    if timeout -s KILL 20 env -i "$@" "$compose" $arguments config --format json $flags \
        <"$stdin" >"$output" 2>"$errors"; then
        echo json
        portable <"$output"
        echo
    else
        echo rejected
        # Of a panic only the first line says something.
        sed -e '/^time=/d' -e '/^goroutine /,$d' "$errors" | portable
    fi
    rm -f "$output" "$errors"
)

status=0
for name; do
    case $name in
    */*) cases=$name ;;
    *) cases=$(find "$name" -mindepth 1 -maxdepth 1 -type d | sort) ;;
    esac
    for case in $cases; do
        dir=$corpus/$case
        first=$(answer "$dir")
        for _ in 2 3; do
            # Which of two mistakes is named may change; what is printed may not.
            again=$(answer "$dir")
            if [ "$again" != "$first" ] && [ "${first%%
*}" != rejected ] || [ "${again%%
*}" != "${first%%
*}" ]; then
                echo "$case: not the same answer each time" >&2
                status=1
            fi
        done
        rm -f "$dir/expected.json" "$dir/rejected"
        kind=$(printf '%s\n' "$first" | head -n 1)
        [ "$kind" = json ] && kind=expected.json
        printf '%s\n' "$first" | tail -n +2 >"$dir/$kind"
    done
done
exit $status
