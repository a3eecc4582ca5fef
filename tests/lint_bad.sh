# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Breaks each rule of tests/lint_rules.sh once. bad_NAME spoils the copy of the tree in the current
# folder (or makes a bad binary in $lint_build) and prints the regular expression that the rule's
# complaint must match.

: "${lint_build:?}"

bad_floors()
{
    printf '#include "common/auth.h"\n' >>common/b64.h
    printf 'common/b64.h:[0-9]+: from a higher floor: common/auth.h'
}

bad_floor_calls()
{
    printf 'int now(void) { return (int)time(NULL); }\n' >>common/claims.c
    printf 'common/claims.c:[0-9]+: clock'
}

bad_forbidden_calls()
{
    printf 'int number(const char *text) { return /* why */ atoi(text); }\n' >>common/conf.c
    printf 'common/conf.c:[0-9]+: a call'
}

bad_headers_alone()
{
    printf 'struct jwta_missing jwta_incomplete(uint31_t number);\n' >>common/err.h
    printf 'common/err.h: does not compile alone with clang'
}

bad_listed()
{
    printf 'int unlisted;\n' >common/unlisted.c
    printf 'common/unlisted.c: not in Makefile.am.*common/unlisted.c: has no test'
}

# bad_module MODULE FLAG…: a module of C from stdin.
bad_module()
{
    local module=$lint_build/$1
    shift
    mkdir -p "${module%/*}"
    gcc -shared -fPIC -x c - -o "$module" "$@"
}

readonly bad_pam=pam_jwt/.libs/pam_jwt.so bad_sasl=sasl_jwt/.libs/libjwtauth_sasl.so

bad_exports()
{
    bad_module $bad_pam \
        <<<'int pam_sm_authenticate(void) { return 0; } int jwt_decode(void) { return 0; }'
    bad_module $bad_sasl \
        <<<'int sasl_server_plug_init(void) { return 0; } int jwta_auth(void) { return 0; }'
    printf 'pam_jwt.so: exports jwt_decode.*lacks pam_sm_setcred.*'
    printf 'sasl.so: lacks sasl_client_plug_init.*sasl.so: exports jwta_auth'
}

bad_needed()
{
    # Libraries of that name, empty, so that the rule does not depend on what is installed.
    local curl=$lint_build/libcurl.so.4 sasl=$lint_build/libsasl2.so.2
    gcc -shared -fPIC -x c /dev/null -o "$curl" -Wl,-soname,libcurl.so.4
    gcc -shared -fPIC -x c /dev/null -o "$sasl" -Wl,-soname,libsasl2.so.2
    bad_module $bad_pam -x none -Wl,--no-as-needed "$curl" </dev/null
    bad_module $bad_sasl -x none -Wl,--no-as-needed "$sasl" </dev/null
    mkdir -p "$lint_build/cli"
    gcc -x c - -x none -o "$lint_build/cli/jwtauth" -Wl,--no-as-needed "$curl" \
        <<<'int main(void) { return 0; }'
    printf 'pam_jwt.so: needs libcurl.*sasl.so: needs libsasl2.*jwtauth: needs libcurl'
}

bad_hardening()
{
    bad_module $bad_pam -Wl,-z,lazy,-z,norelro,-z,execstack </dev/null
    bad_module $bad_sasl -Wl,-z,relro,-z,lazy </dev/null
    mkdir -p "$lint_build"/{cli,fetch}
    gcc -no-pie -x c - -o "$lint_build/cli/jwtauth" <<<'int main(void) { return 0; }'
    cp "$lint_build/cli/jwtauth" "$lint_build/fetch/jwtauth-fetch"
    printf 'pam_jwt.so: executable stack.*pam_jwt.so: no RELRO.*pam_jwt.so: lazy binding.*unloaded.*sasl.so: lazy binding.*sasl.so: can be unloaded.*jwtauth: position'
}

bad_keywords_documented()
{
    sed -i '/^\.It Cm max_lifetime/d' common/jwtauth.yaml.5
    printf 'does not document max_lifetime'
}

bad_reasons_documented()
{
    sed -i 's/key-ambiguous/keyambiguous/' cli/jwtauth.8
    printf 'does not document key-ambiguous'
}

bad_man_pages()
{
    printf '.Bl -tag\n.It Cm open\n' >>common/jwtauth.yaml.5
    printf 'jwtauth.yaml.5:[0-9]+:'
}

bad_clang_format()
{
    printf 'int  form (void) {return 0;}\n' >>common/err.c
    printf 'common/err.c:[0-9]+:[0-9]+: form'
}

bad_spdx()
{
    sed -i 1d common/err.c
    printf 'common/err.c: no SPDX line'
}

bad_length()
{
    yes '/* one more line */' | head -n 501 >>common/err.c
    printf 'common/err.c: [0-9]+ lines'
}

bad_white_space()
{
    printf 'int space; \nint\ttab;\nint end;' >>common/err.c
    printf 'common/err.c:[0-9]+: trailing.*common/err.c: no newline.*common/err.c:[0-9]+: a tab'
}

bad_words()
{
    printf '/* %s: later */\n' "TO""DO" >>common/err.c
    printf 'see /%s/notes\n' work >>NEWS.md
    mkdir -p tests/other
    printf '{\n"resolved": "https://registry.example/"\n}\n' >tests/other/package-lock.json
    printf 'NEWS.md:[0-9]+: a path.*common/err.c:[0-9]+: left for later.*names a registry'
}

bad_shellcheck()
{
    # shellcheck disable=SC2016 # the dollar is for the script
    printf 'rm $1\n' >>autogen.sh
    printf 'autogen.sh:[0-9]+:[0-9]+: .*SC2086'
}

bad_readme_files()
{
    printf '# one more line\n' >>tests/e2e/conf/jwtauth.yaml
    printf 'README.md: tests/e2e/conf/jwtauth.yaml is not what it prints'
}
