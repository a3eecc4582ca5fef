#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# tests/lint.sh [BUILD]: checks the source tree, and the binaries in the build folder BUILD, by the
# rules of lint_rules.sh. Speaks TAP: two tests for each rule, that the tree keeps it and that a
# tree that does not is found out.
set -u -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
# shellcheck source=tests/lint_rules.sh
. tests/lint_rules.sh
# shellcheck source=tests/lint_bad.sh
. tests/lint_bad.sh

readonly tree=$PWD
build=$(realpath "${1:-build/gcc}") || exit 2
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

number=0
failures=0

# report OK NAME [TEXT]: one line of TAP, and the text as a comment where it failed.
report()
{
    number=$((number + 1))
    if [[ $1 == yes ]]; then
        printf 'ok %d - %s\n' "$number" "$2"
    else
        printf 'not ok %d - %s\n' "$number" "$2"
        printf '%s\n' "${3:-}" | sed 's/^/# /'
        failures=$((failures + 1))
    fi
}

# complaints RULE: what the rule says of the tree in the current folder.
complaints()
{
    "rule_$1" 2>&1
}

# The tree keeps the rule.
check_rule()
{
    local said
    said=$(lint_build=$build complaints "$1")
    if [[ -z $said ]]; then
        report yes "$1"
    else
        report no "$1" "$said"
    fi
}

# A copy of the tree, spoilt, does not, and the rule says what is wrong.
check_rule_bites()
{
    local copy=$scratch/$1 expected said
    mkdir -p "$copy" "$copy.build"
    tree_files | tar -cf - -T - | tar -xf - -C "$copy"
    expected=$(cd "$copy" && lint_build=$copy.build "bad_$1")
    said=$(cd "$copy" && lint_build=$copy.build complaints "$1" | tr '\n' ' ')
    if [[ -n $expected && $said =~ $expected ]]; then
        report yes "$1 finds a violation"
    else
        report no "$1 finds a violation" "expected: $expected; got: $said"
    fi
    rm -rf "$copy" "$copy.build"
}

cd "$tree" || exit 2
mapfile -t rules < <(declare -F | sed -n 's/^declare -f rule_//p')
printf '1..%d\n' $((2 * ${#rules[@]}))
for rule in "${rules[@]}"; do
    check_rule "$rule"
    check_rule_bites "$rule"
done
((failures == 0))
