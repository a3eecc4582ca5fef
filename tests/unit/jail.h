/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scene for processes that give something up: keys and a cache in a folder, a jail below it in
 * which the same paths lead to decoys, and a child that does what cannot be undone, while its
 * parent changes things outside.
 */
#ifndef TEST_JAIL_H
#define TEST_JAIL_H

#include "common/auth.h"
#include "tests/unit/token.h"

#include <stdio.h>
#include <unistd.h>

#define OTHER_UID 65534
#define THIRD_UID 12345
#define FRESH 3600

/*
 * ROOT/etc/keys.json, ROOT/cache and, for OTHER_UID, ROOT/cache/65534. The keys of issuer idp come
 * from the file, those of issuer net from the network.
 */
struct test_scene {
    char *root;
    struct test_key *old_key;
    struct test_key *new_key;
    struct test_key *decoy_key;
    char *conf_text;
    int64_t now;
};
extern struct test_scene scene;

/* For cmocka_unit_test_setup_teardown. */
int test_scene_make(void **state);
int test_scene_remove(void **state);

/* What only root can do is skipped, and said to be. */
void test_need_root(void);
/* Not every container lets its root make the views of common/file_pin. */
void test_need_view(void);

/* The key file of the scene (top is its root) or of the jail. */
void put_key_file(const char *top, const struct test_key *key, mode_t mode, uid_t owner);
/* The set of a key in the cache of a writer, fetched so many seconds ago. */
void put_cached(const char *top, const struct test_key *key, uid_t writer, int64_t age);
void make_jail(void);

/* What comes of a token that this key has signed for an issuer, so many seconds later. */
enum jwta_code judge_kid(struct jwta_verifier *verifier, const char *issuer,
                         const struct test_key *key, const char *kid, int64_t later);
enum jwta_code judge(struct jwta_verifier *verifier, const char *issuer, const struct test_key *key,
                     int64_t later);

/* Runs a child to its end, and each of the steps that it asks for by outside(); its failure fails.
 */
void run_child(void (*child)(void), void (*const *steps)(void));
void outside(unsigned char step);

/* In a child an assertion cannot fail as a test does: it ends the child, and says where. */
#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                             \
        }                                                                         \
    } while (0)
#define CHECK_CODE(got, expected)                                                               \
    do {                                                                                        \
        const enum jwta_code code_got = (got);                                                  \
        if (code_got != (expected)) {                                                           \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, jwta_code_name(code_got)); \
            _exit(1);                                                                           \
        }                                                                                       \
    } while (0)

/* For a child only. */
void enter_jail(void);
void become_other(void);

#endif
