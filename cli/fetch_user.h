/* SPDX-License-Identifier: BSD-2-Clause */
/* The user that jwtauth-fetch becomes, which must read the configuration and ca_file itself. */
#ifndef JWTA_CLI_FETCH_USER_H
#define JWTA_CLI_FETCH_USER_H

#include "common/conf.h"

/* How many problems a check has found. */
struct findings {
    size_t errors;
    size_t warnings;
};

/*
 * Prints what the helper could not read, and each ca_file without a certificate, with file and
 * line. path is the configuration's, as conf was loaded from it. As root it is tried as the
 * helper's user; else as the caller, whom a helper that he starts stays, and of root's files their
 * modes are looked at. Nothing is done where all keys come from files.
 */
void fetch_user_check(const char *path, const struct jwta_conf *conf, struct findings *findings);

#endif
