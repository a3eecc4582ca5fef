/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/message.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static const struct jwta_fetch_request asked = {.config = {"/etc/c", 6},
                                                .issuer = {"corp", 4},
                                                .uri = {"https://a/b", 11},
                                                .etag = {"\"v1\"", 4},
                                                .no_cache = true};

static struct jwta_buf request_of(const struct jwta_fetch_request *request)
{
    struct jwta_buf buf = {0};

    assert_code(jwta_request_write(request, &buf), JWTA_OK);
    return buf;
}

static struct jwta_buf reply_of(const struct jwta_fetch_reply *reply)
{
    struct jwta_buf buf = {0};

    assert_code(jwta_reply_write(reply, &buf), JWTA_OK);
    return buf;
}

static void test_request(void **state)
{
    struct jwta_buf buf = request_of(&asked);
    struct jwta_fetch_request read;

    (void)state;
    assert_int_equal(jwta_message_length(jwta_buf_span(&buf)), buf.len);
    assert_true(jwta_request_read(jwta_buf_span(&buf), &read));
    assert_true(jwta_span_is(read.config, "/etc/c"));
    assert_true(jwta_span_is(read.issuer, "corp"));
    assert_true(jwta_span_is(read.uri, "https://a/b"));
    assert_true(jwta_span_is(read.etag, "\"v1\""));
    assert_null(read.modified.data);
    assert_true(read.no_cache);
    jwta_buf_free(&buf);
}

static void test_reply(void **state)
{
    const struct jwta_fetch_reply said = {.status = JWTA_FETCH_NEW,
                                          .body = {"{\"keys\":[]}", 11},
                                          .uri = {"https://a/b", 11},
                                          .freshness = 0xfedcba98};
    const struct jwta_fetch_reply failed = {.status = JWTA_FETCH_FAILED, .reason = {"no", 2}};
    struct jwta_buf buf = reply_of(&said);
    struct jwta_fetch_reply read;

    (void)state;
    assert_true(jwta_reply_read(jwta_buf_span(&buf), &read));
    assert_int_equal(read.status, JWTA_FETCH_NEW);
    assert_true(jwta_span_is(read.body, "{\"keys\":[]}"));
    assert_true(jwta_span_is(read.uri, "https://a/b"));
    assert_true(read.freshness == 0xfedcba98);
    assert_null(read.reason.data);
    jwta_buf_free(&buf);

    buf = reply_of(&failed);
    assert_true(jwta_reply_read(jwta_buf_span(&buf), &read));
    assert_int_equal(read.status, JWTA_FETCH_FAILED);
    assert_true(jwta_span_is(read.reason, "no"));
    jwta_buf_free(&buf);
}

/* A body with "new" and only with it. */
static void test_reply_contradicts(void **state)
{
    const struct jwta_fetch_reply cases[] = {
        {.status = JWTA_FETCH_NEW},
        {.status = JWTA_FETCH_UNCHANGED, .body = {"{}", 2}},
        {.status = JWTA_FETCH_FAILED, .body = {"{}", 2}},
        {.status = (enum jwta_fetch_status)3},
    };
    struct jwta_fetch_reply read;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct jwta_buf buf = reply_of(&cases[i]);

        assert_false(jwta_reply_read(jwta_buf_span(&buf), &read));
        jwta_buf_free(&buf);
    }
}

/* Neither is the other, and neither is whole with a byte less, or with one more. */
static void test_not_whole(void **state)
{
    const struct jwta_fetch_reply said = {.status = JWTA_FETCH_NEW, .body = {"{}", 2}};
    struct jwta_buf request = request_of(&asked);
    struct jwta_buf reply = reply_of(&said);
    struct jwta_fetch_request read_request;
    struct jwta_fetch_reply read_reply;

    (void)state;
    assert_false(jwta_request_read(jwta_buf_span(&reply), &read_request));
    assert_false(jwta_reply_read(jwta_buf_span(&request), &read_reply));
    for (size_t len = 0; len < request.len; len++)
        assert_false(jwta_request_read(jwta_span(request.data, len), &read_request));
    for (size_t len = 0; len < reply.len; len++)
        assert_false(jwta_reply_read(jwta_span(reply.data, len), &read_reply));
    assert_code(jwta_buf_append(&reply, jwta_span_of("x")), JWTA_OK);
    assert_false(jwta_reply_read(jwta_buf_span(&reply), &read_reply));
    jwta_buf_free(&request);
    jwta_buf_free(&reply);
}

/* Whatever one bit does to a message, what is read lies within it, on memory of its exact size. */
static void test_flipped(void **state)
{
    const struct jwta_fetch_reply said = {
        .status = JWTA_FETCH_NEW, .body = {"{}", 2}, .etag = {"e", 1}};
    struct jwta_buf reply = reply_of(&said);
    char *copy = malloc(reply.len);
    size_t accepted = 0;

    (void)state;
    assert_non_null(copy);
    for (size_t bit = 0; bit < reply.len * 8; bit++) {
        struct jwta_fetch_reply read = {0};

        memcpy(copy, reply.data, reply.len);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        if (!jwta_reply_read(jwta_span(copy, reply.len), &read))
            continue;
        accepted++;
        assert_true(read.body.data >= copy && read.body.len <= reply.len);
    }
    /* Bits of values change values; those of the frame spoil it. */
    assert_in_range(accepted, 1, reply.len * 8 / 2);
    free(copy);
    jwta_buf_free(&reply);
}

static void test_length(void **state)
{
    static const char huge[] = {1, 2, 0x7f, 0, 0, 0};
    static const char other[] = {2, 1, 0, 0, 0, 0};

    (void)state;
    assert_int_equal(jwta_message_length(jwta_span(huge, sizeof(huge))), 0);
    assert_int_equal(jwta_message_length(jwta_span(other, sizeof(other))), 0);
    assert_int_equal(jwta_message_length(jwta_span("\1\1\0\0\0", 5)), 0);
    assert_int_equal(jwta_message_length(jwta_span("\1\1\0\0\0\7", 6)), 17);
}

/* More than a request may be, and a reply that cannot be sent. */
static void test_too_large(void **state)
{
    char *text = calloc(1, JWTA_REPLY_MAX + 1);
    struct jwta_fetch_request request = asked;
    struct jwta_fetch_request read;
    struct jwta_fetch_reply reply = {.status = JWTA_FETCH_NEW};
    struct jwta_buf buf = {0};

    (void)state;
    assert_non_null(text);
    request.config = jwta_span(text, JWTA_REQUEST_MAX);
    buf = request_of(&request);
    assert_false(jwta_request_read(jwta_buf_span(&buf), &read));
    jwta_buf_free(&buf);
    reply.body = jwta_span(text, JWTA_REPLY_MAX + 1);
    assert_code(jwta_reply_write(&reply, &buf), JWTA_INTERNAL);
    jwta_buf_free(&buf);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),   cmocka_unit_test(test_reply),
        cmocka_unit_test(test_not_whole), cmocka_unit_test(test_reply_contradicts),
        cmocka_unit_test(test_flipped),   cmocka_unit_test(test_length),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
