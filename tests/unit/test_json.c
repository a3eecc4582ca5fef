/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/json.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static enum jwta_code parse(struct jwta_span text, unsigned depth, json_t **out)
{
    return jwta_json_parse(text, depth, JWTA_PAYLOAD_JSON, out, NULL);
}

static json_t *parsed(const char *text)
{
    json_t *root = NULL;

    assert_code(parse(jwta_span_of(text), 16, &root), JWTA_OK);
    return root;
}

static void test_objects(void **state)
{
    static const char *const rows[] = {
        "{}",
        " \t\r\n{ } \n",
        "{\"a\":1,\"A\":2}",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}",
        "{\"\":0}",
        "{\"e\":\"\\u00e9\xc3\xa9\\uD83D\\uDE00\"}",
        "{\"n\":9223372036854775807,\"m\":-9223372036854775808}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        json_decref(parsed(rows[i]));
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        enum jwta_code code;
    } rows[] = {
        {"", JWTA_PAYLOAD_JSON},
        {" ", JWTA_PAYLOAD_JSON},
        {"null", JWTA_PAYLOAD_JSON},
        {"[]", JWTA_PAYLOAD_JSON},
        {"[{\"a\":1}]", JWTA_PAYLOAD_JSON},
        {"1", JWTA_PAYLOAD_JSON},
        {"\"{}\"", JWTA_PAYLOAD_JSON},
        {"{", JWTA_PAYLOAD_JSON},
        {"{}}", JWTA_PAYLOAD_JSON},
        {"{} {}", JWTA_PAYLOAD_JSON},
        {"{}x", JWTA_PAYLOAD_JSON},
        {"\xef\xbb\xbf{}", JWTA_PAYLOAD_JSON},
        {"{'a':1}", JWTA_PAYLOAD_JSON},
        {"{a:1}", JWTA_PAYLOAD_JSON},
        {"{\"a\":1,}", JWTA_PAYLOAD_JSON},
        {"{\"a\":01}", JWTA_PAYLOAD_JSON},
        {"{\"a\":+1}", JWTA_PAYLOAD_JSON},
        {"{\"a\":0x1}", JWTA_PAYLOAD_JSON},
        {"{\"a\":NaN}", JWTA_PAYLOAD_JSON},
        {"{\"a\":Infinity}", JWTA_PAYLOAD_JSON},
        {"{\"a\":1e400}", JWTA_PAYLOAD_JSON},
        {"{\"a\":1000000000000000000000000000000}", JWTA_PAYLOAD_JSON},
        {"{\"a\":TRUE}", JWTA_PAYLOAD_JSON},
        {"{\"a\":1 /* no */}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\n\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\\u0000\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\\u0000b\":1}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\\ud800\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\\udc00\\ud800\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\\x41\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\xff\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\xc0\xaf\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\xe0\x80\xaf\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\xed\xa0\x80\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\xf4\x90\x80\x80\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":\"\xc3\"}", JWTA_PAYLOAD_JSON},
        {"{\"a\":1,\"a\":1}", JWTA_DUPLICATE_MEMBER},
        {"{\"a\":1,\"\\u0061\":2}", JWTA_DUPLICATE_MEMBER},
        {"{\"b\":{\"a\":1,\"c\":2,\"a\":1}}", JWTA_DUPLICATE_MEMBER},
        {"{\"b\":[{\"a\":1,\"a\":1}]}", JWTA_DUPLICATE_MEMBER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *root = NULL;

        assert_code(parse(jwta_span_of(rows[i].text), 16, &root), rows[i].code);
        assert_null(root);
    }
}

/* A NUL ends nothing: what follows it is looked at, and refused. */
static void test_nul(void **state)
{
    json_t *root = NULL;

    (void)state;
    assert_code(parse(jwta_span("{}\0", 3), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("{\"a\":\"\0\"}", 9), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("{\"\0a\":1}", 8), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("{\"a\":1\0}", 8), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("{\"a\":1.5\0}", 10), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("{\"a\":true\0}", 11), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("\0{}", 3), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span(NULL, 0), 16, &root), JWTA_PAYLOAD_JSON);
    assert_code(parse(jwta_span("{\"a\":1}trailing", 7), 16, &root), JWTA_OK);
    json_decref(root);
}

static void test_why(void **state)
{
    struct jwta_why why = {0};
    json_t *root = NULL;

    (void)state;
    assert_code(jwta_json_parse(jwta_span_of("[1]"), 4, JWTA_HEADER_JSON, &root, &why),
                JWTA_HEADER_JSON);
    assert_non_null(strstr(why.text, "got array"));
    /* jansson names what it found: only quoted may it go into the detail. */
    assert_code(jwta_json_parse(jwta_span_of("{\"a\":\"\x1b\"}"), 4, JWTA_HEADER_JSON, &root, &why),
                JWTA_HEADER_JSON);
    for (const char *p = why.text; *p != '\0'; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
    assert_code(
        jwta_json_parse(jwta_span_of("{eyJhbGciOiJub25lIn0}"), 4, JWTA_HEADER_JSON, &root, &why),
        JWTA_HEADER_JSON);
    assert_null(strstr(why.text, "eyJ"));
}

/* Nested n levels deep: objects, arrays, and both. */
static char *nested(size_t levels, bool arrays, size_t *len)
{
    size_t size = levels * 6 + 8;
    char *text = calloc(1, size);

    assert_non_null(text);
    strncat(text, "{\"a\":", size - strlen(text) - 1);
    for (size_t i = 1; i < levels; i++)
        strncat(text, arrays ? "[" : "{\"a\":", size - strlen(text) - 1);
    strncat(text, "1", size - strlen(text) - 1);
    for (size_t i = 1; i < levels; i++)
        strncat(text, arrays ? "]" : "}", size - strlen(text) - 1);
    strncat(text, "}", size - strlen(text) - 1);
    *len = strlen(text);
    return text;
}

static void test_depth(void **state)
{
    (void)state;
    for (int arrays = 0; arrays < 2; arrays++) {
        for (size_t levels = 1; levels <= 40; levels++) {
            json_t *root = NULL;
            size_t len = 0;
            char *text = nested(levels, arrays == 1, &len);

            assert_code(parse(jwta_span(text, len), 16, &root),
                        levels <= 16 ? JWTA_OK : JWTA_TOO_DEEP);
            json_decref(root);
            free(text);
        }
    }
}

/* Brackets in strings and beside each other are not depth. */
static void test_depth_is_not_count(void **state)
{
    json_t *root = NULL;

    (void)state;
    assert_code(
        parse(jwta_span_of("{\"a\":\"[[[[[[[{{{{{\",\"b\":[],\"c\":[],\"d\":{}}"), 2, &root),
        JWTA_OK);
    json_decref(root);
    root = NULL;
    assert_code(parse(jwta_span_of("{\"a\":[[]]}"), 2, &root), JWTA_TOO_DEEP);
    assert_null(root);
}

/* Deeper than any stack: refused without using it up. */
static void test_very_deep(void **state)
{
    size_t len = 1000000;
    char *text = malloc(len);
    json_t *root = NULL;
    struct jwta_why why = {0};

    (void)state;
    assert_non_null(text);
    memset(text, '[', len);
    memcpy(text, "{\"a\":", 5);
    assert_code(jwta_json_parse(jwta_span(text, len), 16, JWTA_PAYLOAD_JSON, &root, &why),
                JWTA_TOO_DEEP);
    free(text);
}

static void test_string(void **state)
{
    json_t *root = parsed("{\"s\":\"text\",\"e\":\"\",\"n\":1,\"z\":null,\"a\":[\"text\"]}");
    static const char *const wrong[] = {"n", "z", "a"};
    struct jwta_span out = {0};
    struct jwta_why why = {0};

    (void)state;
    assert_code(jwta_json_string(root, "s", JWTA_CLAIM_TYPE, &out, NULL), JWTA_OK);
    assert_true(jwta_span_is(out, "text"));
    assert_code(jwta_json_string(root, "e", JWTA_CLAIM_TYPE, &out, NULL), JWTA_OK);
    assert_true(jwta_span_is(out, ""));
    assert_code(jwta_json_string(root, "missing", JWTA_CLAIM_TYPE, &out, NULL), JWTA_OK);
    assert_null(out.data);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_code(jwta_json_string(root, wrong[i], JWTA_HEADER_TYPE, &out, &why),
                    JWTA_HEADER_TYPE);
    assert_string_equal(why.text, "a: expected a string, got array");
    assert_null(jwta_json_text(NULL).data);
    assert_null(jwta_json_text(json_object_get(root, "n")).data);
    json_decref(root);
}

static void test_type_names(void **state)
{
    static const char *const names[] = {"string", "number",  "number",  "array",
                                        "object", "boolean", "boolean", "null"};
    json_t *root = parsed("{\"v\":[\"\",1,1.5,[],{},true,false,null]}");
    const json_t *values = json_object_get(root, "v");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(jwta_json_type_name(json_array_get(values, i)), names[i]);
    assert_string_equal(jwta_json_type_name(NULL), "absent");
    json_decref(root);
}

static void test_pointer_valid(void **state)
{
    static const char *const valid[] = {"/", "/a", "/a/b", "/a~0b", "/a~1b", "//", "/0", "/ "};
    static const char *const invalid[] = {"", "a", "a/b", "~0", "/~", "/a~", "/a~2", "/~/a", "$.a"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(valid); i++)
        assert_true(jwta_json_pointer_valid(valid[i]));
    for (size_t i = 0; i < COUNT_OF(invalid); i++)
        assert_false(jwta_json_pointer_valid(invalid[i]));
}

/* RFC 6901 section 5, its document and its examples, and what leads nowhere. */
static void test_pointer(void **state)
{
    static const struct {
        const char *pointer;
        const char *text; /* in JSON; NULL: leads nowhere */
    } rows[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/~01", "9"},
        {"/o/p/0/q", "10"},
        {"/missing", NULL},
        {"/foo/2", NULL},
        {"/foo/-", NULL},
        {"/foo/00", NULL},
        {"/foo/01", NULL},
        {"/foo/+1", NULL},
        {"/foo/-1", NULL},
        {"/foo/1e0", NULL},
        {"/foo/", NULL},
        {"/foo/0/0", NULL},
        {"/foo/99999999999999999999", NULL},
        {"/a~1b/x", NULL},
        {"/o/p", "[{\"q\":10}]"},
        {"/o/P", NULL},
    };
    json_t *root =
        parsed("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
               "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,"
               "\"o\":{\"p\":[{\"q\":10}]}}");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const json_t *value = jwta_json_pointer(root, rows[i].pointer);
        char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

        if (rows[i].text == NULL)
            assert_null(value);
        else
            assert_string_equal(text, rows[i].text);
        free(text);
    }
    json_decref(root);
}

/* A name too long for the look-up is not found; it is never cut to a shorter one. */
static void test_pointer_long(void **state)
{
    char pointer[400] = "/";
    json_t *root = json_object();

    (void)state;
    memset(pointer + 1, 'x', 300);
    assert_int_equal(json_object_set_new(root, "x", json_true()), 0);
    pointer[256] = '\0';
    assert_int_equal(json_object_set_new(root, pointer + 1, json_true()), 0);
    assert_non_null(jwta_json_pointer(root, pointer));
    pointer[256] = 'x';
    assert_null(jwta_json_pointer(root, pointer));
    json_decref(root);
}

static void test_words(void **state)
{
    static const struct {
        const char *value;
        const char *words; /* each followed by a bar */
    } rows[] = {
        {"{\"v\":\"openid profile\"}", "openid|profile|"},
        {"{\"v\":\"  openid   profile \"}", "openid|profile|"},
        {"{\"v\":\"\"}", ""},
        {"{\"v\":\"   \"}", ""},
        {"{\"v\":\"one\"}", "one|"},
        {"{\"v\":\"tab\\there\"}", "tab\there|"},
        {"{\"v\":[]}", ""},
        {"{\"v\":[\"one\",\"two words\",\"\"]}", "one|two words||"},
        {"{}", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *root = parsed(rows[i].value);
        struct jwta_words words;
        struct jwta_span word = {0};
        struct jwta_buf all = {0};

        assert_code(jwta_words_start(&words, json_object_get(root, "v")), JWTA_OK);
        while (jwta_words_next(&words, &word)) {
            assert_code(jwta_buf_append(&all, word), JWTA_OK);
            assert_code(jwta_buf_append(&all, jwta_span_of("|")), JWTA_OK);
        }
        assert_false(jwta_words_next(&words, &word));
        assert_int_equal(all.len, strlen(rows[i].words));
        if (all.len > 0)
            assert_memory_equal(all.data, rows[i].words, all.len);
        jwta_buf_free(&all);
        json_decref(root);
    }
}

static void test_words_refused(void **state)
{
    static const char *const rows[] = {
        "{\"v\":1}",   "{\"v\":null}",         "{\"v\":true}",      "{\"v\":{}}",
        "{\"v\":[1]}", "{\"v\":[\"a\",null]}", "{\"v\":[[\"a\"]]}", "{\"v\":{\"ops\":true}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *root = parsed(rows[i]);
        struct jwta_words words;
        struct jwta_span word = {0};

        assert_code(jwta_words_start(&words, json_object_get(root, "v")), JWTA_CLAIM_TYPE);
        assert_false(jwta_words_next(&words, &word));
        json_decref(root);
    }
}

/* What was a secret is overwritten at every depth, so that it is not left in freed memory. */
static void test_wipe(void **state)
{
    json_t *root = parsed("{\"k\":\"secret\",\"keys\":[{\"k\":\"hidden\"},\"word\",7],\"n\":1}");

    (void)state;
    jwta_json_wipe(root);
    assert_memory_equal(json_string_value(jwta_json_pointer(root, "/k")), "\0\0\0\0\0\0", 6);
    assert_memory_equal(json_string_value(jwta_json_pointer(root, "/keys/0/k")), "\0\0\0\0\0\0", 6);
    assert_memory_equal(json_string_value(jwta_json_pointer(root, "/keys/1")), "\0\0\0\0", 4);
    assert_int_equal(json_integer_value(jwta_json_pointer(root, "/keys/2")), 7);
    jwta_json_wipe(NULL);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul),        cmocka_unit_test(test_why),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_depth_is_not_count),
        cmocka_unit_test(test_very_deep),  cmocka_unit_test(test_string),
        cmocka_unit_test(test_type_names), cmocka_unit_test(test_pointer_valid),
        cmocka_unit_test(test_pointer),    cmocka_unit_test(test_pointer_long),
        cmocka_unit_test(test_words),      cmocka_unit_test(test_words_refused),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
