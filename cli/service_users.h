/* SPDX-License-Identifier: BSD-2-Clause */
/* service_users: the users, other than root, that services run as and keep keys for. */
#ifndef JWTA_CLI_SERVICE_USERS_H
#define JWTA_CLI_SERVICE_USERS_H

#include "cli/cli.h"
#include "common/conf.h"

#include <stddef.h>

/*
 * Prints a warning for each that this host does not know, that is named twice or that is root, and
 * returns their number. Only a warning: the service's package may not be installed yet.
 */
size_t service_users_check(const struct jwta_conf *conf, const struct jwta_host *host);

/*
 * As root: makes the directory of each that this host knows. USAGE, with a line on standard error,
 * where another stands in its place; UNAVAILABLE where it cannot be made.
 */
enum jwta_exit service_users_make(const struct jwta_conf *conf, const struct jwta_host *host);

#endif
