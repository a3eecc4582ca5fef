/* SPDX-License-Identifier: BSD-2-Clause */
/* Our exchange, as a server has it: libsasl with the installed plug-in, one connection for each. */
#ifndef BENCH_SASL_EXCHANGE_H
#define BENCH_SASL_EXCHANGE_H

#include <stdbool.h>

/*
 * Once in a process: configuration and service are the plug-in's options. Threads may exchange at
 * once from then on.
 */
void exchange_init(const char *configuration, const char *service);

/*
 * The client's first message of OAUTHBEARER with this token, which names the user: Dovecot wants
 * that. The caller frees it.
 */
char *exchange_message(const char *token, const char *user);

/* One exchange on a connection of its own, over TLS as the plug-in is told; whether user is in. */
bool exchange(const char *message, const char *user);

#endif
