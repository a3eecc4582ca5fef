/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pinned verifiers in a process that enters a jail or becomes another user. Each test is a child
 * that does so for good; what happens outside meanwhile is done by its parent. Only root can.
 */
#include "tests/unit/check.h"
#include "tests/unit/jail.h"
#include "tests/unit/site.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Programs that were started. The host's own call is this one: the library is part of the test. */
static int started;

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *restrict actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                char *const environment[restrict])
{
    (void)pid;
    (void)path;
    (void)actions;
    (void)attributes;
    (void)argv;
    (void)environment;
    started++;
    return ENOENT;
}

static struct jwta_verifier *open_pinned(void)
{
    struct jwta_conf *conf = test_conf(scene.conf_text);
    static const struct jwta_fetch fetch = {.helper = "/bin/true", .user = "nobody"};
    struct jwta_verifier_options options = {
        .expected = geteuid(), .fetch = &fetch, .refresher = "/bin/true", .pinned = true};
    struct jwta_verifier *verifier = NULL;

    assert_code(jwta_verifier_from_conf(&conf, &options, JWTA_FILE_TRUSTED, &verifier), JWTA_OK);
    return verifier;
}

/* ------------------------------------------------------------------ in a jail */

static void replace_keys(void)
{
    put_key_file(scene.root, scene.new_key, 0644, 0);
    put_cached(scene.root, scene.new_key, 0, 0);
}

static void open_folders(void)
{
    char *etc = test_format("%s/etc", scene.root);
    char *cache = test_format("%s/cache", scene.root);

    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 0);
    assert_int_equal(chmod(etc, 0777), 0);
    assert_int_equal(chmod(cache, 0777), 0);
    free(etc);
    free(cache);
}

static void jailed_child(void)
{
    struct jwta_verifier *verifier = open_pinned();

    CHECK_CODE(judge(verifier, "idp", scene.old_key, 0), JWTA_OK);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 0), JWTA_OK);
    enter_jail();
    become_other();
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 1), JWTA_OK);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 1), JWTA_OK);
    CHECK_CODE(judge(verifier, "idp", scene.decoy_key, 2), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "net", scene.decoy_key, 2), JWTA_SIGNATURE);
    outside(0);
    CHECK_CODE(judge(verifier, "idp", scene.new_key, 3), JWTA_OK);
    CHECK_CODE(judge(verifier, "net", scene.new_key, 3), JWTA_OK);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 4), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 4), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "idp", scene.decoy_key, 4), JWTA_SIGNATURE);
    /* Others could write there now: what the file says is refused, the cache is not looked into. */
    outside(1);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 5), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(verifier, "idp", scene.new_key, 5), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 5), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "net", scene.new_key, 5), JWTA_OK);
    CHECK(started == 0);
    jwta_verifier_close(&verifier);
}

static void test_jail(void **state)
{
    static void (*const steps[])(void) = {replace_keys, open_folders};

    (void)state;
    test_need_view();
    make_jail();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 0);
    run_child(jailed_child, steps);
}

/* Without pinning the same process reads the decoys: so this is what pinning keeps from it. */
static void unpinned_child(void)
{
    struct jwta_conf *conf = test_conf(scene.conf_text);
    const struct jwta_verifier_options options = {.expected = geteuid(), .host = &test_host};
    struct jwta_verifier *verifier = NULL;

    CHECK_CODE(jwta_verifier_from_conf(&conf, &options, JWTA_FILE_TRUSTED, &verifier), JWTA_OK);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 0), JWTA_OK);
    enter_jail();
    CHECK_CODE(judge(verifier, "idp", scene.decoy_key, 1), JWTA_OK);
    CHECK_CODE(judge(verifier, "net", scene.decoy_key, 1), JWTA_OK);
    jwta_verifier_close(&verifier);
}

static void test_unpinned(void **state)
{
    (void)state;
    test_need_root();
    make_jail();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 0);
    run_child(unpinned_child, NULL);
}

/* A set of some age, what comes of it, and how many programs are started for it outside a jail. */
static const struct {
    int64_t age;
    enum jwta_code code;
    int started;
} ages[] = {
    {FRESH / 2, JWTA_OK, 0},
    {FRESH - 60, JWTA_OK, 1},
    {FRESH + 60, JWTA_OK, 1},
    {FRESH + 86400 + 60, JWTA_KEYS_UNAVAILABLE, 1},
};
static size_t which;
static bool jailed;

static void age_child(void)
{
    struct jwta_verifier *verifier = open_pinned();

    if (jailed)
        enter_jail();
    CHECK_CODE(judge(verifier, "net", scene.old_key, 0), ages[which].code);
    CHECK(started == (jailed ? 0 : ages[which].started));
    /* A kid that nobody knows sends nobody either. */
    if (jailed && ages[which].code == JWTA_OK)
        CHECK_CODE(judge_kid(verifier, "net", scene.old_key, "none", 0), JWTA_NO_KEY);
    CHECK(started == (jailed ? 0 : ages[which].started));
    jwta_verifier_close(&verifier);
}

/* Fresh, about to expire, stale, and gone: in a jail nobody is sent for newer ones. */
static void test_ages(void **state)
{
    (void)state;
    test_need_root();
    make_jail();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    for (size_t i = 0; i < 2 * COUNT_OF(ages); i++) {
        char *remembered = test_format("%s/cache/net.lock", scene.root);

        /* An attempt that failed keeps the next from trying for a while. */
        (void)unlink(remembered);
        free(remembered);
        which = i / 2;
        jailed = i % 2 == 1;
        put_cached(scene.root, scene.old_key, 0, ages[which].age);
        run_child(age_child, NULL);
    }
}

/* ------------------------------------------------------------------ as another user */

/* A newer set in the other user's own directory, and a key file of his. */
static void give_own(void)
{
    put_cached(scene.root, scene.new_key, OTHER_UID, 0);
    put_key_file(scene.root, scene.new_key, 0644, OTHER_UID);
}

static void give_third(void)
{
    char *path = test_format("%s/cache/65534/net.jwks", scene.root);

    put_cached(scene.root, scene.decoy_key, OTHER_UID, -1);
    assert_int_equal(chown(path, THIRD_UID, (gid_t)-1), 0);
    put_key_file(scene.root, scene.decoy_key, 0644, THIRD_UID);
    free(path);
}

static void other_child(void)
{
    struct jwta_verifier *verifier = open_pinned();
    struct jwta_verifier *as_root = NULL;

    CHECK_CODE(judge(verifier, "idp", scene.old_key, 0), JWTA_OK);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 0), JWTA_OK);
    outside(0);
    /* Root trusts nobody's files but its own. */
    as_root = open_pinned();
    CHECK_CODE(judge(as_root, "idp", scene.new_key, 1), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(as_root, "net", scene.new_key, 1), JWTA_SIGNATURE);
    jwta_verifier_close(&as_root);
    become_other();
    /* A key file is root's, and stays so. */
    CHECK_CODE(judge(verifier, "idp", scene.new_key, 2), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(verifier, "net", scene.new_key, 2), JWTA_OK);
    outside(1);
    CHECK_CODE(judge(verifier, "idp", scene.decoy_key, 3), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(verifier, "net", scene.decoy_key, 3), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "net", scene.new_key, 3), JWTA_OK);
    CHECK(started == 0);
    jwta_verifier_close(&verifier);
}

static void test_other_user(void **state)
{
    static void (*const steps[])(void) = {give_own, give_third};

    (void)state;
    test_need_root();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 60);
    run_child(other_child, steps);
}

/* The lock of an attempt is made where that user writes, and not in root's directory. */
static void writing_child(void)
{
    struct jwta_verifier *verifier = open_pinned();
    char *own = test_format("%s/cache/65534/net.lock", scene.root);
    char *roots = test_format("%s/cache/net.lock", scene.root);
    struct stat st;

    become_other();
    CHECK_CODE(judge(verifier, "net", scene.old_key, 0), JWTA_KEYS_UNAVAILABLE);
    CHECK(started == 1);
    CHECK(stat(own, &st) == 0 && st.st_uid == OTHER_UID);
    CHECK(stat(roots, &st) != 0 && errno == ENOENT);
    jwta_verifier_close(&verifier);
    free(own);
    free(roots);
}

static void test_writes_as_other(void **state)
{
    (void)state;
    test_need_root();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    run_child(writing_child, NULL);
}

static void replace_secret(void)
{
    put_key_file(scene.root, scene.new_key, 0600, 0);
}

/* A file that only root may read serves as root read it, as long as it stays what it was. */
static void secret_child(void)
{
    struct jwta_verifier *verifier = open_pinned();

    become_other();
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 1), JWTA_OK);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 100), JWTA_OK);
    outside(0);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 101), JWTA_KEYS_UNAVAILABLE);
    CHECK_CODE(judge(verifier, "idp", scene.new_key, 101), JWTA_KEYS_UNAVAILABLE);
    jwta_verifier_close(&verifier);
}

static void test_secret(void **state)
{
    static void (*const steps[])(void) = {replace_secret};

    (void)state;
    test_need_root();
    put_key_file(scene.root, scene.old_key, 0600, 0);
    run_child(secret_child, steps);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, test_scene_make, test_scene_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_jail),       CASE(test_unpinned),        CASE(test_ages),
        CASE(test_other_user), CASE(test_writes_as_other), CASE(test_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
