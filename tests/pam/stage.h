/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a login needs, in a folder of its own: PAM stacks, a configuration, a key set, users. No
 * file of the machine is read or changed, and no privilege needed.
 *
 *   DIR/pam.d/SERVICE   DIR/jwtauth.yaml   DIR/jwks.json   DIR/passwd   DIR/group
 *
 * In texts that are written, @dir@ stands for the folder, @jwt@ for the module with its config=,
 * @module@ for the module alone, @recorder@ for tests/pam/recorder.c.
 *
 * Users: root (0), mail (8), alice (2000), bob (2001); there is no user ghost.
 */
#ifndef TEST_STAGE_H
#define TEST_STAGE_H

#include "tests/unit/token.h"

#include <security/pam_appl.h>
#include <sys/types.h>

struct stage {
    char *dir;
    char *pam_dir;
    struct test_key *key; /* ES256, kid "lab-1", in the key set */
};

/*
 * To be called first in main(): runs the program again with these libraries preloaded (names,
 * separated by spaces) and users from a file. The file is the stage's, made by stage_open. With
 * libuid_wrapper.so the program is root for itself; with libpam_wrapper.so pam_start() finds the
 * stacks of login and strict.
 */
void stage_preload(char **argv, const char *libraries);

/* Makes the folder and the usual files. Ends the program if it cannot. */
struct stage *stage_open(void);
/* Removes everything. */
void stage_close(struct stage **stage);

/* Writes one file of the folder, by a path inside it, with these permissions. */
void stage_write(const struct stage *stage, const char *path, mode_t mode, const char *text);
/* Writes the stack of a service. */
void stage_stack(const struct stage *stage, const char *service, const char *text);
/* Puts the usual configuration, keys and permissions in place again. */
void stage_restore(const struct stage *stage);
/* Whose the folder is: the user who runs the tests, whatever uid_wrapper says. */
uid_t stage_owner(const struct stage *stage);
/* Gives the whole folder to another user (root may). */
void stage_give(const struct stage *stage, uid_t uid);

/* A valid token for the user. */
char *stage_token(const struct stage *stage, const char *user);
/* The same, with another audience and an expiry so many seconds from now. */
char *stage_token_for(const struct stage *stage, const char *user, const char *audience,
                      long expires_in);

#endif
