/* SPDX-License-Identifier: BSD-2-Clause */
/* System users remembered: of a file that is not this host's, and that is gone when they are asked
 * for. */
#include "common/host.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char passwd[] = "root:x:0:0::/root:/bin/sh\n"
                             "postfix:x:89:89::/:/bin/false\n"
                             "WWW-data:x:33:33::/:/bin/false\n"
                             "edge:x:999:999::/:/bin/sh\n"
                             "alice:x:1000:1000::/:/bin/sh\n"
                             "nobody:x:65534:65534::/:/bin/sh\n";

static struct jwta_host_snapshot *snapshot_of(const char *text, uid_t below)
{
    char *folder = test_folder();
    char *path = test_write(folder, "passwd", text, 0644);
    struct jwta_host_snapshot *snapshot = NULL;

    assert_code(jwta_host_snapshot_new(path, below, &snapshot), JWTA_OK);
    free(path);
    test_folder_remove(&folder);
    return snapshot;
}

static void test_users(void **state)
{
    static const struct {
        const char *name;
        enum jwta_found found;
        uid_t uid;
    } rows[] = {
        {"root", JWTA_FOUND, 0},       {"Root", JWTA_FOUND, 0},
        {"postfix", JWTA_FOUND, 89},   {"www-data", JWTA_FOUND, 33},
        {"POSTFIX", JWTA_FOUND, 89},   {"edge", JWTA_FOUND, 999},
        {"alice", JWTA_NOT_FOUND, 0},  {"nobody", JWTA_NOT_FOUND, 0},
        {"postfi", JWTA_NOT_FOUND, 0}, {"postfixx", JWTA_NOT_FOUND, 0},
        {"daemon", JWTA_NOT_FOUND, 0}, /* of this host, not of the file */
        {"", JWTA_NOT_FOUND, 0},       {NULL, JWTA_NOT_FOUND, 0},
    };
    struct jwta_host_snapshot *snapshot = snapshot_of(passwd, 1000);
    const struct jwta_host *host = jwta_host_snapshot_users(snapshot);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uid_t uid = 4711;

        assert_int_equal(host->user(host, rows[i].name, &uid), rows[i].found);
        assert_int_equal(uid, rows[i].found == JWTA_FOUND ? rows[i].uid : 4711);
    }
    jwta_host_snapshot_free(&snapshot);
    assert_null(snapshot);
    jwta_host_snapshot_free(&snapshot);
}

/* Whom the snapshot does not know NSS may; whom it knows NSS is not asked about. */
static void test_accounts(void **state)
{
    struct jwta_host_snapshot *snapshot = snapshot_of("daemon:x:77:77::/:/bin/sh\n", 1000);
    const struct jwta_host *host = jwta_host_snapshot_accounts(snapshot);
    const struct passwd *me = getpwuid(getuid());
    uid_t uid = 4711;

    (void)state;
    assert_int_equal(host->user(host, "daemon", &uid), JWTA_FOUND);
    assert_int_equal(uid, 77);
    assert_int_equal(host->user(host, "no-such-user-here", &uid), JWTA_NOT_FOUND);
    if (me != NULL && strcmp(me->pw_name, "daemon") != 0) {
        assert_int_equal(host->user(host, me->pw_name, &uid), JWTA_FOUND);
        assert_int_equal(uid, getuid());
    }
    jwta_host_snapshot_free(&snapshot);
}

/* Groups and name are the machine's. */
static void test_rest(void **state)
{
    struct jwta_host_snapshot *snapshot = snapshot_of("", 1000);
    const struct jwta_host *host = jwta_host_snapshot_users(snapshot);
    char name[256] = "";
    char same[256] = "";
    gid_t gid = 4711;
    uid_t uid = 0;

    (void)state;
    assert_int_equal(host->user(host, "root", &uid), JWTA_NOT_FOUND);
    assert_int_equal(host->group(host, "root", &gid), JWTA_FOUND);
    assert_int_equal(gid, 0);
    assert_true(host->name(host, name, sizeof(name)));
    assert_true(jwta_host_system.name(&jwta_host_system, same, sizeof(same)));
    assert_string_equal(name, same);
    jwta_host_snapshot_free(&snapshot);
}

/* A line longer than any first guess at the room for one, with system users before and behind. */
static void test_long_line(void **state)
{
    char *gecos = calloc(1, 100001);
    char *text = NULL;
    struct jwta_host_snapshot *snapshot = NULL;
    const struct jwta_host *host = NULL;
    uid_t uid = 0;

    (void)state;
    assert_non_null(gecos);
    memset(gecos, 'x', 100000);
    text = test_format("one:x:1:1::/:/bin/sh\ntwo:x:2:2:%s:/:/bin/sh\nthree:x:3:3::/:/bin/sh\n",
                       gecos);
    snapshot = snapshot_of(text, 1000);
    host = jwta_host_snapshot_users(snapshot);
    assert_int_equal(host->user(host, "one", &uid), JWTA_FOUND);
    assert_int_equal(host->user(host, "two", &uid), JWTA_FOUND);
    assert_int_equal(uid, 2);
    assert_int_equal(host->user(host, "three", &uid), JWTA_FOUND);
    jwta_host_snapshot_free(&snapshot);
    free(text);
    free(gecos);
}

/* Without the file nobody knows who is a system user: there is no such host then. */
static void test_unreadable(void **state)
{
    struct jwta_host_snapshot *snapshot = NULL;

    (void)state;
    assert_code(jwta_host_snapshot_new("/nonexistent/passwd", 1000, &snapshot),
                JWTA_USER_UNAVAILABLE);
    assert_int_equal(errno, ENOENT);
    assert_null(snapshot);
    assert_code(jwta_host_snapshot_new("/", 1000, &snapshot), JWTA_USER_UNAVAILABLE);
    assert_null(snapshot);
}

/* That of this machine is the default. */
static void test_this_machine(void **state)
{
    struct jwta_host_snapshot *snapshot = NULL;
    const struct jwta_host *host = NULL;
    uid_t uid = 4711;

    (void)state;
    assert_code(jwta_host_snapshot_new(NULL, 1000, &snapshot), JWTA_OK);
    host = jwta_host_snapshot_users(snapshot);
    assert_int_equal(host->user(host, "root", &uid), JWTA_FOUND);
    assert_int_equal(uid, 0);
    jwta_host_snapshot_free(&snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),      cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_rest),       cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
