/* SPDX-License-Identifier: BSD-2-Clause */
/* What a login says in the log only: that keys are used beyond their time, or not kept, and why. */
#ifndef JWTA_CLI_KEPT_H
#define JWTA_CLI_KEPT_H

#include "common/keys.h"

#define KEPT_SIZE 1024

struct kept {
    struct jwta_log log;      /* for jwta_keys_options; set by kept_begin */
    char stale[KEPT_SIZE];    /* why newer keys cannot be had; empty: they are not used stale */
    char uncached[KEPT_SIZE]; /* why the cache lacks what is used; empty: it has it */
};

/* Call it before each issuer, and kept_look after its keys were asked for with success. */
void kept_begin(struct kept *kept);
void kept_look(struct kept *kept, const struct jwta_conf *conf, struct jwta_keys *keys,
               const struct jwta_issuer *issuer, int64_t now);

#endif
