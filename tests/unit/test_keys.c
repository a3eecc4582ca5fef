/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/keys.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static struct test_key *ec;
static struct test_key *secret;

static int setup(void **state)
{
    (void)state;
    folder = test_folder();
    ec = test_key_new("ES256");
    secret = test_key_new("HS256");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_key_free(&ec);
    test_key_free(&secret);
    test_folder_remove(&folder);
    return 0;
}

/* A configuration of one issuer whose keys are at this place. */
static struct jwta_conf *conf_for(const char *place)
{
    char *text = test_format("issuers:\n"
                             "  corp:\n"
                             "    issuer: https://idp.example\n"
                             "    jwks: %s\n"
                             "    audience: a\n"
                             "    username: ${sub}\n"
                             "services:\n"
                             "  sshd: {issuers: [corp]}\n",
                             place);
    struct jwta_conf *conf = test_conf(text);

    free(text);
    return conf;
}

static struct jwta_conf *conf_for_file(const char *name)
{
    char *place = test_format("file:%s/%s", folder, name);
    struct jwta_conf *conf = conf_for(place);

    free(place);
    return conf;
}

static struct jwta_keys *keys_of(const struct jwta_conf *conf, enum jwta_file_trust trust)
{
    struct jwta_keys *keys = NULL;

    assert_code(jwta_keys_new(conf,
                              &(struct jwta_keys_options){
                                  .config = "/nonexistent", .expected = geteuid(), .trust = trust},
                              &keys),
                JWTA_OK);
    return keys;
}

static void write_key(const char *name, const struct test_key *key, const char *kid, mode_t mode)
{
    char *text = test_key_jwks(key, kid, NULL);
    char *path = test_write(folder, name, text, mode);

    free(path);
    free(text);
}

/* The verdict on the only issuer's keys. */
static enum jwta_code get(struct jwta_keys *keys, const struct jwta_conf *conf, int64_t now,
                          struct jwta_keyset **out)
{
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    enum jwta_code code = jwta_keys_get(keys, test_issuer(conf, "corp"), now, &set, &why);

    assert_int_equal(set != NULL, code == JWTA_OK);
    if (code != JWTA_OK) {
        assert_code(why.code, code);
        assert_true(strlen(why.text) > 0);
    }
    if (out != NULL)
        *out = set;
    else
        jwta_keyset_unref(&set);
    return code;
}

static bool has_kid(struct jwta_keyset *set, const char *kid)
{
    struct jwta_keyset_entry entry;

    return jwta_keyset_at(set, 0, &entry) && jwta_span_is(entry.jwk.kid, kid);
}

/* One file, its mode, the trust asked for, and what comes of it. */
static void test_trust(void **state)
{
    static const struct {
        bool secret;
        mode_t mode;
        enum jwta_file_trust trust;
        enum jwta_code code;
    } rows[] = {
        {false, 0644, JWTA_FILE_TRUSTED, JWTA_OK},
        {false, 0600, JWTA_FILE_TRUSTED, JWTA_OK},
        {false, 0664, JWTA_FILE_TRUSTED, JWTA_KEYS_INSECURE},
        {false, 0646, JWTA_FILE_TRUSTED, JWTA_KEYS_INSECURE},
        {false, 0666, JWTA_FILE_ANY, JWTA_OK},
        {true, 0600, JWTA_FILE_TRUSTED, JWTA_OK},
        {true, 0400, JWTA_FILE_TRUSTED, JWTA_OK},
        {true, 0640, JWTA_FILE_TRUSTED, JWTA_KEYS_INSECURE},
        {true, 0604, JWTA_FILE_TRUSTED, JWTA_KEYS_INSECURE},
        {true, 0644, JWTA_FILE_ANY, JWTA_OK},
    };
    struct jwta_conf *conf = conf_for_file("trust.json");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_keys *keys = keys_of(conf, rows[i].trust);

        write_key("trust.json", rows[i].secret ? secret : ec, "k", rows[i].mode);
        assert_code(get(keys, conf, 1, NULL), rows[i].code);
        jwta_keys_free(&keys);
        assert_null(keys);
        jwta_keys_free(&keys);
    }
    jwta_conf_free(&conf);
}

static void test_unavailable(void **state)
{
    static const char *const texts[] = {"", "no JSON", "{}", "[]", "{\"keys\":7}"};
    struct jwta_conf *conf = conf_for_file("broken.json");
    struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);
    char *path = NULL;
    int64_t now = 1;

    (void)state;
    assert_code(get(keys, conf, now++, NULL), JWTA_KEYS_UNAVAILABLE);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        path = test_write(folder, "broken.json", texts[i], 0600);
        assert_code(get(keys, conf, now++, NULL), JWTA_KEYS_UNAVAILABLE);
        free(path);
    }
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
}

static void test_too_large(void **state)
{
    struct jwta_conf *conf = conf_for_file("large.json");
    struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);
    char *text = test_format("{\"keys\":[]}%*s", JWTA_KEYS_MAX, "");
    char *path = NULL;

    (void)state;
    text[JWTA_KEYS_MAX] = '\0';
    path = test_write(folder, "large.json", text, 0600);
    assert_code(get(keys, conf, 1, NULL), JWTA_OK);
    free(path);
    text[JWTA_KEYS_MAX] = ' ';
    path = test_write(folder, "large.json", text, 0600);
    assert_code(get(keys, conf, 2, NULL), JWTA_KEYS_UNAVAILABLE);
    free(path);
    free(text);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
}

static void test_not_a_file(void **state)
{
    struct jwta_conf *conf = conf_for_file("link.json");
    struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);
    char *target = test_format("%s/target.json", folder);
    char *link = test_format("%s/link.json", folder);

    (void)state;
    write_key("target.json", ec, "k", 0600);
    assert_int_equal(symlink(target, link), 0);
    assert_code(get(keys, conf, 1, NULL), JWTA_KEYS_INSECURE);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkdir(link, 0700), 0);
    assert_int_not_equal(get(keys, conf, 2, NULL), JWTA_OK);
    assert_int_equal(rmdir(link), 0);
    assert_int_equal(mkfifo(link, 0600), 0);
    assert_int_not_equal(get(keys, conf, 3, NULL), JWTA_OK);
    free(target);
    free(link);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
}

/* Written over in place, as fast as can be, the file is never taken for what it was. */
static void test_quick_changes(void **state)
{
    struct jwta_conf *conf = conf_for_file("quick.json");
    struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);
    char *path = test_format("%s/quick.json", folder);

    (void)state;
    for (int i = 0; i < 200; i++) {
        const char *kid = i % 2 == 0 ? "even" : "odds";
        struct jwta_keyset *set = NULL;
        char *text = test_key_jwks(ec, kid, NULL);
        FILE *file = fopen(path, i == 0 ? "w" : "r+");

        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, 0600), 0);
        assert_code(get(keys, conf, i, &set), JWTA_OK);
        assert_true(has_kid(set, kid));
        jwta_keyset_unref(&set);
        free(text);
    }
    free(path);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
}

/* The same snapshot as long as nothing changed; another after the file was replaced. */
static void test_changes(void **state)
{
    struct jwta_conf *conf = conf_for_file("changing.json");
    struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);
    struct jwta_keyset *first = NULL;
    struct jwta_keyset *second = NULL;
    char *path = test_format("%s/changing.json", folder);

    (void)state;
    write_key("changing.json", ec, "one", 0600);
    assert_code(get(keys, conf, 8, &first), JWTA_OK);
    /* So young a file may change once more without looking changed: it is read again. */
    assert_code(get(keys, conf, 9, &second), JWTA_OK);
    assert_ptr_not_equal(first, second);
    jwta_keyset_unref(&first);
    jwta_keyset_unref(&second);
    (void)sleep(3);
    assert_code(get(keys, conf, 10, &first), JWTA_OK);
    assert_code(get(keys, conf, 11, &second), JWTA_OK);
    assert_ptr_equal(first, second);
    jwta_keyset_unref(&second);
    assert_int_equal(unlink(path), 0);
    write_key("changing.json", ec, "second", 0600);
    /* Within one second the file is not looked at again. */
    assert_code(get(keys, conf, 11, &second), JWTA_OK);
    assert_true(has_kid(second, "one"));
    jwta_keyset_unref(&second);
    assert_code(get(keys, conf, 12, &second), JWTA_OK);
    assert_true(has_kid(second, "second"));
    /* Whoever holds the old snapshot still has it. */
    assert_true(has_kid(first, "one"));
    jwta_keyset_unref(&first);
    jwta_keyset_unref(&second);
    /* A file that is gone serves no longer, one that is back does. */
    assert_int_equal(unlink(path), 0);
    assert_code(get(keys, conf, 13, NULL), JWTA_KEYS_UNAVAILABLE);
    write_key("changing.json", ec, "third", 0600);
    assert_code(get(keys, conf, 14, &first), JWTA_OK);
    assert_true(has_kid(first, "third"));
    jwta_keyset_unref(&first);
    /* Made writable by others, it is not trusted any longer, although its contents are the same. */
    assert_int_equal(chmod(path, 0666), 0);
    assert_code(get(keys, conf, 15, NULL), JWTA_KEYS_INSECURE);
    /* A clock that is set back is a change of the time, too. */
    assert_int_equal(chmod(path, 0600), 0);
    assert_code(get(keys, conf, 5, NULL), JWTA_OK);
    free(path);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
}

/* Keys from the web are for later: nobody gets in by them, and the reason says so. */
static void test_other_places(void **state)
{
    static const char *const places[] = {"discover", "https://idp.example/jwks"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct jwta_conf *conf = conf_for(places[i]);
        struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);

        assert_code(get(keys, conf, 1, NULL), JWTA_KEYS_UNAVAILABLE);
        jwta_keys_free(&keys);
        jwta_conf_free(&conf);
    }
}

static void test_mixed(void **state)
{
    struct jwta_conf *conf = conf_for_file("mixed.json");
    struct jwta_keys *keys = keys_of(conf, JWTA_FILE_TRUSTED);
    char *one = test_key_jwk(ec, "e", NULL);
    char *two = test_key_jwk(secret, "s", NULL);
    char *text = test_format("{\"keys\":[%s,%s]}", one, two);
    char *path = test_write(folder, "mixed.json", text, 0600);

    (void)state;
    assert_code(get(keys, conf, 1, NULL), JWTA_KEY_SET_MIXED);
    free(path);
    free(text);
    free(two);
    free(one);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),        cmocka_unit_test(test_unavailable),
        cmocka_unit_test(test_too_large),    cmocka_unit_test(test_not_a_file),
        cmocka_unit_test(test_changes),      cmocka_unit_test(test_quick_changes),
        cmocka_unit_test(test_other_places), cmocka_unit_test(test_mixed),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
