/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define WHAT_TO_DECIDE                                                                          \
    "  --config FILE --service NAME --user NAME [--authzid NAME]   by the rules of a service\n" \
    "  --passwd FILE --group FILE --host-name NAME   as another host would\n"                   \
    "  --jwks FILE --issuer ISS --audience AUD [--algorithms LIST]   without one\n"             \
    "  --now EPOCH   as if it were then\n"

static const struct {
    const char *name;
    const char *synopsis;
    const char *options;
    enum jwta_exit (*run)(int argc, char **argv);
} commands[] = {
    {"verify", "decide about the token on standard input",
     WHAT_TO_DECIDE "  --signature-only --jwks FILE   look at nothing but the signature\n"
                    "  --json   answer with a JSON object\n",
     jwta_cli_verify},
    {"explain", "decide, and say each step in words", WHAT_TO_DECIDE, jwta_cli_explain},
    {"config", "config check: every problem of the configuration", "  check [--config FILE]\n",
     jwta_cli_config},
    {"keys", "keys list, keys refresh: the issuers' keys",
     "  list [--config FILE] [--issuer NAME]\n"
     "  list --jwks FILE\n"
     "  refresh [--config FILE] [--issuer NAME] [--force]\n",
     jwta_cli_keys},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

enum jwta_exit jwta_cli_exit(enum jwta_class class)
{
    switch (class) {
    case JWTA_CLASS_OK:
        return JWTA_EXIT_ACCEPTED;
    case JWTA_CLASS_DENIED:
        return JWTA_EXIT_DENIED;
    case JWTA_CLASS_CONFIG:
        return JWTA_EXIT_USAGE;
    case JWTA_CLASS_UNAVAILABLE:
    case JWTA_CLASS_INTERNAL:
        break;
    }
    return JWTA_EXIT_UNAVAILABLE;
}

const char *jwta_cli_decision(enum jwta_code code)
{
    if (code == JWTA_OBSERVED)
        return "observed";
    return code == JWTA_OK ? "accepted" : jwta_class_name(jwta_code_class(code));
}

enum jwta_exit jwta_cli_usage(const char *format, ...)
{
    va_list arguments;

    (void)fputs("jwtauth: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return JWTA_EXIT_USAGE;
}

static void print_help(FILE *to)
{
    (void)fputs("usage: jwtauth COMMAND [OPTION]...\n\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].synopsis);
    (void)fputs("\nSee jwtauth(8). Tokens are read from standard input, never from arguments.\n",
                to);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (is_help(argv[i]))
            return true;
    }
    return false;
}

static enum jwta_exit run_command(size_t index, int argc, char **argv)
{
    if (!asks_for_help(argc, argv))
        return commands[index].run(argc - 1, argv + 1);
    (void)printf("usage: jwtauth %s ...   %s\n\n%s\nSee jwtauth(8).\n", commands[index].name,
                 commands[index].synopsis, commands[index].options);
    return JWTA_EXIT_ACCEPTED;
}

static enum jwta_exit dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return JWTA_EXIT_USAGE;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return JWTA_EXIT_ACCEPTED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("jwtauth " JWTA_VERSION);
        return JWTA_EXIT_ACCEPTED;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(i, argc, argv);
    }
    return jwta_cli_usage("there is no such command; see jwtauth --help");
}

int main(int argc, char **argv)
{
    enum jwta_exit code = JWTA_EXIT_USAGE;

    /* A token is read into memory below: not into a core file. */
    (void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
    /* Nor may whoever calls choose, by OPENSSL_CONF, what verifies. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return JWTA_EXIT_UNAVAILABLE;
    code = dispatch(argc, argv);
    /* An answer that was not written is no answer: a script must not take it for accepted. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)jwta_cli_usage("cannot write to standard output");
        return code == JWTA_EXIT_ACCEPTED ? JWTA_EXIT_USAGE : (int)code;
    }
    return (int)code;
}
