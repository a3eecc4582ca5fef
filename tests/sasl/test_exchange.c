/* SPDX-License-Identifier: BSD-2-Clause */
/* Every message of the tables through libsasl, to the byte of the answer. */
#include "tests/sasl/exchange.h"
#include "tests/sasl/stage.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stage *stage;
static char *good;
static char *tampered;
static char *expired;

/* A case with the mechanism that it is of. */
struct run {
    const char *mechanism;
    const struct exchange_case *expected;
};

/* The bytes of a message with everything filled in; to be freed. */
static struct bytes fill(struct bytes message, size_t pad)
{
    const struct {
        const char *name;
        const char *text;
    } names[] = {{"@good@", good}, {"@tampered@", tampered}, {"@expired@", expired}};
    size_t room = message.len + pad + 8 * strlen(good);
    char *out = malloc(room);
    size_t used = 0;

    assert_non_null(out);
    for (size_t at = 0; at < message.len;) {
        size_t skipped = 0;

        if (message.len - at >= 5 && memcmp(message.data + at, "@pad@", 5) == 0) {
            memset(out + used, 'x', pad);
            used += pad;
            skipped = 5;
        }
        for (size_t i = 0; skipped == 0 && i < COUNT_OF(names); i++) {
            size_t len = strlen(names[i].name);

            if (message.len - at >= len && memcmp(message.data + at, names[i].name, len) == 0) {
                memcpy(out + used, names[i].text, strlen(names[i].text));
                used += strlen(names[i].text);
                skipped = len;
            }
        }
        if (skipped == 0)
            out[used++] = message.data[at];
        at += skipped > 0 ? skipped : 1;
    }
    return (struct bytes){out, used};
}

static void assert_error(const char *mechanism, const char *status, const char *got, unsigned len)
{
    char *expected =
        strcmp(mechanism, "XOAUTH2") == 0
            ? test_format("{\"status\":\"%s\",\"schemes\":\"bearer\",\"scope\":\"mail openid\"}",
                          status)
            : test_format("{\"status\":\"%s\",\"scope\":\"mail openid\",\"openid-configuration\":"
                          "\"https://idp.lab/.well-known/openid-configuration\"}",
                          status);

    assert_int_equal(len, strlen(expected));
    assert_memory_equal(got, expected, len);
    free(expected);
}

static void assert_user(sasl_conn_t *conn, const char *user)
{
    const void *name = NULL;

    if (user == NULL) {
        assert_int_not_equal(sasl_getprop(conn, SASL_USERNAME, &name), SASL_OK);
        return;
    }
    assert_int_equal(sasl_getprop(conn, SASL_USERNAME, &name), SASL_OK);
    assert_string_equal(name, user);
    assert_int_equal(sasl_getprop(conn, SASL_AUTHUSER, &name), SASL_OK);
    assert_string_equal(name, "alice");
}

/* After a failure nothing succeeds, not even what would have. */
static void assert_over(sasl_conn_t *conn, const char *mechanism)
{
    const char *text = strcmp(mechanism, "XOAUTH2") == 0
                           ? "user=alice\001auth=Bearer @good@\001\001"
                           : "n,,\001auth=Bearer @good@\001\001";
    struct bytes message = fill((struct bytes){text, strlen(text)}, 0);
    const char *out = NULL;
    unsigned len = 0;

    assert_int_equal(sasl_server_step(conn, message.data, (unsigned)message.len, &out, &len),
                     SASL_BADPROT);
    assert_user(conn, NULL);
    free((void *)message.data);
}

static void run_case(void **state)
{
    const struct run *run = *state;
    const struct exchange_case *expected = run->expected;
    struct bytes message = fill(expected->message, expected->pad);
    sasl_conn_t *conn = stage_server("imap");
    const char *out = "untouched";
    unsigned len = 77;
    int status =
        sasl_server_start(conn, run->mechanism, message.data, (unsigned)message.len, &out, &len);

    assert_int_equal(status, expected->first);
    if (status == SASL_CONTINUE) {
        assert_error(run->mechanism, expected->error, out, len);
    } else {
        assert_null(out);
        assert_int_equal(len, 0);
    }
    assert_user(conn, expected->user);
    if (expected->answer.data != NULL) {
        struct bytes answer = fill(expected->answer, 0);

        status = sasl_server_step(conn, answer.data, (unsigned)answer.len, &out, &len);
        assert_int_equal(status, expected->second);
        free((void *)answer.data);
    }
    if (expected->first != SASL_OK)
        assert_over(conn, run->mechanism);
    sasl_dispose(&conn);
    free((void *)message.data);
}

static int set_up(void **state)
{
    const struct claims claims = {.roles = "[\"mail-admin\"]"};
    const struct claims old = {.roles = "[\"mail-admin\"]", .expires_in = -90};
    char *digit = NULL;

    (void)state;
    stage = stage_open();
    stage_proxy_policy(true);
    stage_start(stage);
    good = stage_token(stage, &claims);
    tampered = stage_token(stage, &claims);
    expired = stage_token(stage, &old);
    digit = strrchr(tampered, '.') + 10;
    *digit = *digit == 'A' ? 'B' : 'A';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(good);
    free(tampered);
    free(expired);
    stage_close(&stage);
    return 0;
}

int main(void)
{
    const struct exchange_table *const tables[] = {&exchange_oauthbearer,
                                                   &exchange_oauthbearer_faults, &exchange_xoauth2};
    struct CMUnitTest tests[512];
    struct run runs[512];
    size_t count = 0;
    int failed = 0;

    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        for (size_t j = 0; j < tables[i]->count && count < COUNT_OF(tests); j++) {
            runs[count] = (struct run){tables[i]->mechanism, &tables[i]->item[j]};
            tests[count] = (struct CMUnitTest){
                .name = test_format("%s: %s", tables[i]->mechanism, tables[i]->item[j].name),
                .test_func = run_case,
                .initial_state = &runs[count]};
            count++;
        }
    }
    failed = _cmocka_run_group_tests("sasl exchange", tests, count, set_up, tear_down);
    for (size_t i = 0; i < count; i++)
        free((void *)tests[i].name);
    return failed;
}
