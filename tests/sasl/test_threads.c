/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight threads log in through one libsasl and one verifier, as in slapd, while the key set is
 * replaced under them. A key that is in every set is always good, one that is in none never.
 */
#include "tests/sasl/stage.h"
#include "tests/sasl/talk.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 8
#define LOGINS 150   /* at least, of each thread, of each kind of token */
#define ROTATIONS 40 /* at least */

static struct stage *stage;

/*
 * The program's own symbol, which the loader prefers to that of the C library. A verifier looks at
 * a key file when the clock has moved on: with this one, all the time.
 */
__attribute__((visibility("default"))) time_t time(time_t *out)
{
    static atomic_uint calls;
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += atomic_fetch_add(&calls, 1) % 16;
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* libsasl locks what it shares by functions that the application gives. */
static void *make_lock(void)
{
    pthread_mutex_t *lock = malloc(sizeof(*lock));

    if (lock != NULL && pthread_mutex_init(lock, NULL) != 0) {
        free(lock);
        lock = NULL;
    }
    return lock;
}

static int take_lock(void *lock)
{
    return pthread_mutex_lock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static int give_lock(void *lock)
{
    return pthread_mutex_unlock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static void end_lock(void *lock)
{
    (void)pthread_mutex_destroy(lock);
    free(lock);
}

/* Three keys: always in the set, now and then, never. */
enum kind { ALWAYS, SOMETIMES, NEVER, KINDS };

static struct test_key *keys[KINDS];
static char *tokens[KINDS];
static atomic_bool done;
static atomic_uint counts[KINDS][2]; /* accepted, refused */
static atomic_uint strange;          /* any other answer, or another name */
static atomic_uint rounds;
static atomic_uint rotations;

static char *token_of(const struct test_key *key, const char *kid)
{
    long now = (long)time(NULL);
    char *header = test_format("{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    char *payload = test_format(
        "{\"iss\":\"https://idp.lab\",\"sub\":\"s-1\",\"aud\":\"https://login.lab\",\"iat\":%ld,"
        "\"exp\":%ld,\"preferred_username\":\"alice\",\"roles\":[\"mail\"]}",
        now - 5, now + 600);
    char *token = test_sign(key, header, payload);

    free(header);
    free(payload);
    return token;
}

static void *log_in(void *unused)
{
    (void)unused;
    for (int i = 0; i < LOGINS || atomic_load(&rotations) < ROTATIONS; i++) {
        atomic_fetch_add(&rounds, 1);
        for (int kind = 0; kind < KINDS; kind++) {
            const struct talk talk = {.mechanism = i % 2 == 0 ? "OAUTHBEARER" : "XOAUTH2",
                                      .service = "plain",
                                      .authcid = "alice",
                                      .token = tokens[kind]};
            struct outcome outcome;

            talk_exchange(&talk, &outcome);
            if (outcome.server == SASL_OK && strcmp(outcome.authzid, "alice") == 0)
                atomic_fetch_add(&counts[kind][0], 1);
            else if (outcome.server == SASL_BADAUTH && outcome.authzid[0] == '\0')
                atomic_fetch_add(&counts[kind][1], 1);
            else
                atomic_fetch_add(&strange, 1);
            sasl_dispose(&outcome.conn);
        }
    }
    return NULL;
}

/* The set with, or without, the key that is there now and then. */
static void publish(bool sometimes)
{
    char *first = test_key_jwk(keys[SOMETIMES], "sometimes", "ES256");
    char *second = test_key_jwk(keys[ALWAYS], "always", "ES256");
    char *set = sometimes ? test_format("{\"keys\":[%s,%s]}", first, second)
                          : test_format("{\"keys\":[%s]}", second);

    stage_write(stage, "jwks.json", set);
    free(first);
    free(second);
    free(set);
}

static void *rotate_keys(void *unused)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    (void)unused;
    while (!atomic_load(&done)) {
        publish(atomic_fetch_add(&rotations, 1) % 2 == 0);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void threads_log_in_while_keys_rotate(void **state)
{
    pthread_t rotating;
    pthread_t threads[THREADS];

    (void)state;
    assert_int_equal(pthread_create(&rotating, NULL, rotate_keys, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_in, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    atomic_store(&done, true);
    assert_int_equal(pthread_join(rotating, NULL), 0);
    assert_int_equal(atomic_load(&strange), 0);
    assert_true(atomic_load(&rounds) >= THREADS * LOGINS);
    assert_int_equal(atomic_load(&counts[ALWAYS][0]), atomic_load(&rounds));
    assert_int_equal(atomic_load(&counts[NEVER][1]), atomic_load(&rounds));
    /* The set did change while they were at it. */
    assert_true(atomic_load(&counts[SOMETIMES][0]) > 0);
    assert_true(atomic_load(&counts[SOMETIMES][1]) > 0);
    assert_string_equal(stage_log(), "");
}

static int set_up(void **state)
{
    (void)state;
    sasl_set_mutex(make_lock, take_lock, give_lock, end_lock);
    stage = stage_open();
    for (int kind = 0; kind < KINDS; kind++) {
        keys[kind] = test_key_new("ES256");
        tokens[kind] = token_of(keys[kind], kind == SOMETIMES ? "sometimes" : "always");
    }
    publish(false);
    stage_start(stage);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        test_key_free(&keys[kind]);
        free(tokens[kind]);
    }
    stage_close(&stage);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_log_in_while_keys_rotate),
    };

    return cmocka_run_group_tests_name("sasl threads", tests, set_up, tear_down);
}
