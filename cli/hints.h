/* SPDX-License-Identifier: BSD-2-Clause */
/* What `config check` cannot know to be wrong, but would be a pity not to mention. */
#ifndef JWTA_CLI_HINTS_H
#define JWTA_CLI_HINTS_H

#include "common/conf.h"

/*
 * Prints a hint for each service that has no file of PAM while one of nearly that name is there:
 * `ssh` for `sshd`. Services of SASL have none and are none the worse for it.
 */
void hints_print(const struct jwta_conf *conf);

#endif
