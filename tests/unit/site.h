/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host with a configuration and keys, made up for a test: users, groups and clock are ours, only
 * the key files are real, in a temporary folder. Whatever cannot be made ends the test program.
 */
#ifndef TEST_SITE_H
#define TEST_SITE_H

#include "common/auth.h"

/*
 * Users alice (1001), bob (1002), Carol (1003), postgres (105), daemon (1), root (0), toor (0);
 * the look-up of flaky fails. Groups root (0), adm (4), postgres (105), ops (2001), dba (2002).
 * The name is host.example.
 */
extern const struct jwta_host test_host;

/* A configuration of this text, whose lines count from 1. The caller's: jwta_conf_free. */
struct jwta_conf *test_conf(const char *text);
const struct jwta_issuer *test_issuer(const struct jwta_conf *conf, const char *name);

/* A new temporary folder; the paths of files in it. test_folder_remove empties and frees it. */
char *test_folder(void);
void test_folder_remove(char **folder);
/* A file of this name and mode in place of one that is there; returns its path, to be freed. */
char *test_write(const char *folder, const char *name, const char *text, mode_t mode);

/* A verifier of a configuration that must be right. log may be NULL. */
struct jwta_verifier *test_verifier(const char *text, const struct jwta_log *log);

#endif
