/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients, as slim as can be, of the servers beside which our exchange is measured, and a syslog.
 */
#ifndef BENCH_SASL_PEER_H
#define BENCH_SASL_PEER_H

#include <stdbool.h>

/*
 * Dovecot's auth process, as Dovecot's own login processes talk to it: one connection, kept.
 * path is its socket.
 */
int dovecot_open(const char *path);
/* One exchange of OAUTHBEARER with this first message; whether it lets user in. */
bool dovecot_exchange(int descriptor, const char *message, const char *user);

/* One login on a connection of its own to the IMAP server at this port of 127.0.0.1. */
bool imap_login(unsigned short port, const char *mechanism, const char *message);

/*
 * A syslog at /dev/log that takes every line and throws it away, a thousand times a second: a
 * process of its own, which ends with this one. On a machine with two CPUs a busier one would be
 * measured, too, and one that is woken for each line.
 */
void syslog_start(void);

/* base64 of RFC 4648 section 4. The caller frees it. */
char *peer_base64(const char *bytes, unsigned len);

#endif
