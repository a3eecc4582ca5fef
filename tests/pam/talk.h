/* SPDX-License-Identifier: BSD-2-Clause */
/* The application's side of a PAM conversation: answers as told and counts what it was asked. */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include <security/pam_appl.h>
#include <stddef.h>

struct talk {
    const char *answer; /* NULL: a success without an answer */
    const char *user;   /* the answer to a question with echo: who logs in */
    long thinks;        /* seconds that pass before an answer */
    int status;         /* what the conversation returns */
    int once;           /* returned by the first call instead, where not PAM_SUCCESS */
    size_t prompts;     /* asked without echo, by exactly "JWT: " */
    size_t questions;   /* asked with echo */
    size_t others;      /* any other message: there must be none */
};

/* What pam_start takes; borrows talk. */
struct pam_conv talk_conversation(struct talk *talk);

#endif
