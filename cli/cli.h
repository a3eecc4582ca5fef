/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subcommands of jwtauth share: exit codes, and the entry point of each. */
#ifndef JWTA_CLI_H
#define JWTA_CLI_H

#include "common/err.h"

/* The exit codes are a contract (jwtauth(8)). */
enum jwta_exit {
    JWTA_EXIT_ACCEPTED = 0,
    JWTA_EXIT_DENIED = 1,
    JWTA_EXIT_USAGE = 2, /* bad usage or configuration */
    JWTA_EXIT_UNAVAILABLE = 3
};

/* The exit code of a class of reasons. */
enum jwta_exit jwta_cli_exit(enum jwta_class class);

/* The decision in a word for people: "accepted", "observed", or the name of the reason's class. */
const char *jwta_cli_decision(enum jwta_code code);

/* Prints "jwtauth: …" to standard error and returns JWTA_EXIT_USAGE. */
enum jwta_exit jwta_cli_usage(const char *format, ...) JWTA_PRINTF(1, 2);

/* The subcommands; argv[0] is the subcommand's name. */
enum jwta_exit jwta_cli_verify(int argc, char **argv);
enum jwta_exit jwta_cli_explain(int argc, char **argv);
enum jwta_exit jwta_cli_config(int argc, char **argv);
enum jwta_exit jwta_cli_keys(int argc, char **argv);

#endif
