/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client side of the fetch helper (jwtauth-fetch), for hosts that libcurl must not enter. The
 * helper is started by its absolute path with an empty environment and nothing but a socket, and
 * bounds itself; the host relies on a whole reply within a deadline, on no signal and no exit
 * status, and leaves no descriptor, child or signal setting behind.
 */
#ifndef JWTA_FETCH_H
#define JWTA_FETCH_H

#include "common/message.h"

#define JWTA_FETCH_SECONDS 10  /* that the helper gives itself in all */
#define JWTA_FETCH_DEADLINE 12 /* seconds that a host waits for it */

struct jwta_fetch {
    const char *helper; /* absolute path of jwtauth-fetch */
    const char *user;   /* whom a helper started by root becomes */
};

/* The helper that was installed with this library. */
extern const struct jwta_fetch jwta_fetch_installed;

/*
 * Sends request, and reads the reply into buf (the caller's to free), of which *reply then borrows.
 * KEYS_UNAVAILABLE with a line in why: no helper, no user for it, no whole reply in time. A reply
 * of FAILED is OK here. MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_fetch(const struct jwta_fetch *fetch,
                                        const struct jwta_fetch_request *request,
                                        struct jwta_buf *buf, struct jwta_fetch_reply *reply,
                                        struct jwta_why *why);

/*
 * Starts a program (absolute path in argv[0]) that outlives the call and the host, with an empty
 * environment, default signals and no descriptor but socket as its standard input (-1: /dev/null);
 * it must fork and let its first process exit at once, which is reaped here. false if it cannot be
 * started.
 */
JWTA_MUST_USE bool jwta_spawn_detached(char *const argv[], int socket);

/*
 * The same with a socket pair (AF_UNIX, of this type), one end of which is the program's standard
 * input, the other *socket, the caller's to close.
 */
JWTA_MUST_USE bool jwta_spawn_talking(char *const argv[], int type, int *socket);

/* Milliseconds of CLOCK_MONOTONIC, and a wait for poll(2)'s events until then; false when it has
 * come. */
int64_t jwta_monotonic_ms(void);
JWTA_MUST_USE bool jwta_wait_ready(int socket, short events, int64_t deadline);

#endif
