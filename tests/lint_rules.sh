# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The rules that hold the house up. Each function rule_NAME looks at the source tree in the current
# folder, or at the binaries in $lint_build, and prints one line for each thing that breaks the rule.
# What cannot be looked at is a line on stderr, which counts as much. tests/lint.sh runs the rules,
# tests/lint_bad.sh breaks each once.

: "${lint_build:=build/gcc}"

readonly product_folders='common|pam_jwt|sasl_jwt|nss_jwt|sudo_jwt|fetch|cli|issuer'

# What is never code of ours: data of the tests, and what npm writes.
readonly data_files='^tests/(vectors|policy|fuzz)/.*\.(json|jwt|yaml|txt|in|ok)$|(^|/)package-lock\.json$'

# Every file of the tree, or those whose path matches the regular expression $1.
tree_files()
{
    if [[ -e .git ]]; then
        git ls-files --cached --others --exclude-standard
    else
        find . -type f -printf '%P\n'
    fi | while read -r path; do
        [[ ! -e $path ]] || printf '%s\n' "$path"
    done | grep -E "${1:-.}" | sort
}

product_sources()
{
    tree_files "^($product_folders)/.*\.[ch]\$"
}

# Every text of ours, data and licence left out.
own_files()
{
    tree_files | grep -Ev "$data_files|^LICENSE\$"
}

shell_scripts()
{
    local path
    own_files | while read -r path; do
        if [[ $path == *.sh ]] || head -n 1 "$path" | grep -qaE '^#!.*\b(ba)?sh\b'; then
            printf '%s\n' "$path"
        fi
    done
}

# C code without its comments, each line after "path:line:".
without_comments()
{
    awk '
        function strip(text,    out, at) {
            while (text != "") {
                if (inside) {
                    at = index(text, "*/")
                    if (at == 0) return out
                    text = substr(text, at + 2)
                    inside = 0
                } else {
                    at = index(text, "/*")
                    if (at == 0) return out text
                    out = out substr(text, 1, at - 1) " "
                    text = substr(text, at + 2)
                    inside = 1
                }
            }
            return out
        }
        FNR == 1 { inside = 0 }
        { print FILENAME ":" FNR ":" strip($0) }
    ' "$@"
}

# ---- the house ----

# A file includes only what stands on its own floor or a lower one (floors: HACKING.md).
rule_floors()
{
    local path
    product_sources | while read -r path; do
        awk -v path="$path" '
            BEGIN {
                split("err buf log b64 text url,json alg host file yaml conf,jwk jws claims policy," \
                      "message cache fetch keyset keys status grant,auth", floors, ",")
                for (number in floors) {
                    count = split(floors[number], names, " ")
                    for (at = 1; at <= count; at++) floor_of["common/" names[at]] = number
                }
                own = floor(path)
                if (own == 0) print path ": stands on no floor"
            }
            # conf_set.c and conf_private.h belong to conf; every host stands on floor 6.
            function floor(name) {
                sub(/\.[ch]$/, "", name)
                if (name !~ /^common\//) return 6
                sub(/_.*/, "", name)
                return floor_of[name] + 0
            }
            /^#[ \t]*include[ \t]*"/ {
                split($0, part, "\"")
                other = part[2]
                if (other !~ /\//) print path ":" FNR ": not from the top of the tree: " other
                else if (floor(other) == 0) print path ":" FNR ": stands on no floor: " other
                else if (floor(other) > own) print path ":" FNR ": from a higher floor: " other
                else if (own == 6 && floor(other) == 6 && folder(other) != folder(path))
                    print path ":" FNR ": from another host: " other
            }
            function folder(name) { sub(/\/.*/, "", name); return name }
        ' "$path"
    done
}

# Floors 0 to 2 read no clock and do no network, floor 2 opens no file; only the hosts know theirs.
rule_floor_calls()
{
    local low='^common/(err|buf|log|b64|text|json|alg|host|file|yaml|conf|jwk|jws|claims|policy)[_.]'
    local second='^common/(jwk|jws|claims|policy)[_.]'
    local clock='\b(time|clock_gettime|gettimeofday|clock)[[:space:]]*\('
    local network='\b(socket|connect|getaddrinfo|gethostbyname)[[:space:]]*\('
    local open='\b(open|openat|fopen|opendir|mmap)[[:space:]]*\('
    lines_with "$low" "$clock|$network" "clock or network below floor 3"
    lines_with "$second" "$open" "a file is opened on floor 2"
    lines_with '^common/' '#[[:space:]]*include[[:space:]]*<(security|sasl)/' \
        "a host's header in common"
    lines_with "^($product_folders)/" '#[[:space:]]*include[[:space:]]*<curl/' \
        "libcurl belongs in fetch/http.c alone" | grep -v '^fetch/http\.c:'
}

# lines_with PATHS CODE COMPLAINT: the lines of C files whose code matches.
lines_with()
{
    local files
    mapfile -t files < <(tree_files "$1" | grep -E '\.[ch]$')
    ((${#files[@]} == 0)) || without_comments "${files[@]}" | grep -E -- "$2" |
        sed "s|^\([^:]*:[0-9]*\):.*|\1: $3|"
}

rule_forbidden_calls()
{
    lines_with "^($product_folders)/" \
        '\b(strtok|sscanf|atoi|atol|atoll|sprintf|vsprintf|strcpy|strcat|gets|system|popen|execvp|execlp)[[:space:]]*\(' \
        "a call that is not used here"
}

# Each header compiles alone, with both compilers.
rule_headers_alone()
{
    local header compiler flags
    flags=$(pkg-config --cflags libcrypto jansson yaml-0.1) || return
    tree_files "^($product_folders|tests/unit)/.*\.h\$" | while read -r header; do
        for compiler in gcc clang; do
            # shellcheck disable=SC2086 # the flags are words
            printf '#include "%s"\n' "$header" |
                "$compiler" -I. -D_GNU_SOURCE -DJWTA_SYSCONFDIR='"/etc"' $flags -std=gnu11 -Wall \
                    -Wextra -Werror -fsyntax-only -x c - >/dev/null 2>&1 ||
                printf '%s: does not compile alone with %s\n' "$header" "$compiler"
        done
    done
}

# Every source is built and distributed, and each noun of common has a unit test or a suite.
rule_listed()
{
    local path noun
    tree_files "^($product_folders|tests/unit|tests/pam|tests/sasl)/.*\.[ch]\$" | while read -r path; do
        grep -qE "(^|[[:space:]])(\\\$\(srcdir\)/)?${path%.c}(\.c)?([[:space:]]|\$)" Makefile.am ||
            printf '%s: not in Makefile.am\n' "$path"
    done
    tree_files '^common/.*\.c$' | while read -r path; do
        noun=$(basename "${path%.c}")
        [[ -e tests/unit/test_$noun.c || -e tests/unit/test_${noun%%_*}.c || -e tests/$noun/run ]] ||
            printf '%s: has no test of its own\n' "$path"
    done
}

# ---- what is built ----

# Modules give their host its entry points and nothing else.
rule_exports()
{
    exports_of pam_jwt/.libs/pam_jwt.so "${pam_exports[@]}"
    exports_of sasl_jwt/.libs/libjwtauth_sasl.so "${sasl_exports[@]}"
}

readonly pam_exports=(
    pam_sm_acct_mgmt pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred
)
readonly sasl_exports=(sasl_client_plug_init sasl_server_plug_init)

# exports_of MODULE SYMBOL…: what it lacks of these, or has beside them.
exports_of()
{
    local module=$1 name=${1##*/}
    shift
    diff <(printf '%s\n' "$@" | sort) \
        <(nm -D --defined-only "$lint_build/$module" | awk '$2 != "A" { print $3 }' | sort) |
        sed -n "s/^< \(.*\)/$name: lacks \1/p; s/^> \(.*\)/$name: exports \1/p"
}

# Modules load what they need and no more: never libcurl, and of libsasl nothing, which calls us.
rule_needed()
{
    needed_by pam_jwt/.libs/pam_jwt.so 'libc|libcrypto|libjansson|libpam|libyaml-0'
    needed_by sasl_jwt/.libs/libjwtauth_sasl.so 'libc|libcrypto|libjansson|libyaml-0'
    readelf -d "$lint_build/cli/jwtauth" | sed -n 's/.*(NEEDED).*\[\(libcurl.*\)\.so.*/\1/p' |
        sed 's/^/jwtauth: needs /'
}

# needed_by MODULE LIBRARIES: the libraries that it needs beside these.
needed_by()
{
    readelf -d "$lint_build/$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p' | grep -vxE "$2" |
        sed "s/^/${1##*/}: needs /"
}

# Full RELRO, no lazy binding, no executable stack, no text relocation, no search path; PIE.
rule_hardening()
{
    local path
    for path in "$lint_build"/{pam_jwt/.libs/pam_jwt.so,sasl_jwt/.libs/libjwtauth_sasl.so,cli/jwtauth,fetch/jwtauth-fetch}; do
        readelf -W -d -l -h "$path" | awk -v path="${path##*/}" '
            /^ +Type:/ && $2 != "DYN" { print path ": position is fixed" }
            /GNU_RELRO/ { relro = 1 }
            /\(FLAGS(_1)?\)/ && /NOW/ { now = 1 }
            /NODELETE/ { stays = 1 }
            /GNU_STACK/ { stack = 1; if (/RWE/) print path ": executable stack" }
            /\(TEXTREL\)/ { print path ": text relocation" }
            /\((RPATH|RUNPATH)\)/ { print path ": search path" }
            END {
                if (!relro) print path ": no RELRO"
                if (!now) print path ": lazy binding"
                if (!stack) print path ": stack may be executable"
                if (!stays && path ~ /\.so$/) print path ": can be unloaded before what it left"
            }'
    done
}

# ---- the pages ----

# expand_table TABLE…: the first member of each line of X-macro tables of conf.h and err.h.
expand_table()
{
    local table
    {
        printf '#include "common/conf.h"\n#include "common/err.h"\n#define FIRST(name, ...) @name@\n'
        for table; do
            printf '%s(FIRST)\n' "$table"
        done
    } | gcc -E -P -I. -DJWTA_SYSCONFDIR='""' -x c - | grep -o '@ *[a-z_]* *@' | tr -d '@ '
}

# Every keyword of the configuration has an item of its own in jwtauth.yaml(5).
rule_keywords_documented()
{
    local page=common/jwtauth.yaml.5 keyword
    [[ -e $page ]] || printf '%s: missing\n' "$page"
    expand_table JWTA_CONF_KEYWORDS JWTA_ISSUER_KEYWORDS JWTA_SERVICE_KEYWORDS JWTA_SERVICE_LATER |
        sort -u | while read -r keyword; do
        grep -qE "^\.It (Cm|Ic) $keyword( |\$)" "$page" ||
            printf '%s: does not document %s\n' "$page" "$keyword"
    done
}

# Every reason that a log line can give is in jwtauth(8).
rule_reasons_documented()
{
    local page=cli/jwtauth.8 reason
    [[ -e $page ]] || printf '%s: missing\n' "$page"
    printf '#include "common/err.h"\n#define NAME(symbol, class, name, text) @name\nJWTA_CODES(NAME)\n' |
        gcc -E -P -I. -x c - | grep -o '@ *"[a-z0-9-]*"' | tr -d '@" ' | while read -r reason; do
        grep -qE "(^|[^a-z0-9-])$reason([^a-z0-9-]|\$)" "$page" ||
            printf '%s: does not document %s\n' "$page" "$reason"
    done
}

rule_man_pages()
{
    local page
    tree_files '\.[1-8]$' | while read -r page; do
        # Whether other pages are installed is no matter of ours.
        mandoc -T lint -W warning "$page" | grep -v 'outdated mandoc.db'
    done
}

# ---- form ----

rule_clang_format()
{
    local files
    mapfile -t files < <(tree_files '\.[ch]$')
    clang-format --dry-run -Werror "${files[@]}" 2>&1 | sed -n 's/: error: .*/: form/p'
}

rule_spdx()
{
    local path
    own_files | while read -r path; do
        [[ -x $path || $path =~ \.(c|h|sh|py|js|mjs|am|ac|m4|map|[1-8])$ ]] || continue
        head -n 3 "$path" | grep -qF 'SPDX-License-Identifier: BSD-2-Clause' ||
            printf '%s: no SPDX line\n' "$path"
    done
}

rule_length()
{
    local path lines
    own_files | grep -Ev '\.(md|[1-8])$' | while read -r path; do
        lines=$(wc -l <"$path")
        ((lines <= 500)) || printf '%s: %d lines\n' "$path" "$lines"
    done
}

rule_white_space()
{
    local path
    own_files | while read -r path; do
        grep -InE '[[:blank:]]+$' "$path" | sed "s|^\([0-9]*\):.*|$path:\1: trailing white space|"
        [[ -z $(tail -c 1 "$path") ]] || printf '%s: no newline at the end\n' "$path"
    done
    lines_with '\.[ch]$' $'\t' "a tab"
}

# Nothing is left for later in the code, and nothing is of one machine only.
rule_words()
{
    local path
    own_files | while read -r path; do
        # The brackets keep this file out of its own sight.
        grep -InwE 'T[O]DO|F[I]XME|X[X]X|HA[C]K' "$path" |
            sed "s|^\([0-9]*\):.*|$path:\1: left for later|"
        grep -InE '(^|[^[:alnum:]_.}])/(wo[r]k|Us[e]rs|t[m]p/w|ro[o]t/\.[a-z]+|ho[m]e/[a-z]+/\.[a-z]+)/' "$path" |
            sed "s|^\([0-9]*\):.*|$path:\1: a path of one machine|"
    done
    lines_with "^($product_folders)/" '\b[Ss]tub' "left for later"
    tree_files 'package-lock\.json$' | while read -r path; do
        grep -nE '"resolved"' "$path" | sed "s|^\([0-9]*\):.*|$path:\1: names a registry|"
    done
}

rule_shellcheck()
{
    local files
    mapfile -t files < <(shell_scripts)
    shellcheck --external-sources --format=gcc "${files[@]}"
}

# What the README prints to be copied is, word for word, what the end-to-end tests use: a line
# `<!-- PATH -->`, then a code block that is the file.
rule_readme_files()
{
    local path
    sed -n 's/^<!-- \(.*\) -->$/\1/p' README.md | while read -r path; do
        if [[ ! -f $path ]]; then
            printf 'README.md: %s is no file\n' "$path"
        elif ! awk -v mark="<!-- $path -->" '
                $0 == mark { found = 1; next }
                found == 1 && /^```/ { found = 2; next }
                found == 2 && /^```/ { exit }
                found == 2' README.md | cmp -s - "$path"; then
            printf 'README.md: %s is not what it prints\n' "$path"
        fi
    done
    grep -q '^<!-- tests/e2e/conf/' README.md || printf 'README.md: prints no file of the tests\n'
}
