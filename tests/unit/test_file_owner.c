/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose files count, in processes of root's that took on another identity in part. */
#include "common/file.h"
#include "tests/unit/check.h"

#include <sys/wait.h>
#include <unistd.h>

#define ROOT 0
#define OTHER 65534
#define THIRD 65533

static const struct {
    gid_t group[2]; /* really, effectively */
    uid_t user[2];
    bool between;
    uid_t owner;
} rows[] = {
    {{ROOT, ROOT}, {ROOT, ROOT}, false, ROOT},   {{ROOT, OTHER}, {ROOT, ROOT}, true, ROOT},
    {{OTHER, ROOT}, {OTHER, OTHER}, true, ROOT}, {{ROOT, ROOT}, {ROOT, OTHER}, true, ROOT},
    {{OTHER, OTHER}, {OTHER, ROOT}, true, ROOT}, {{OTHER, OTHER}, {OTHER, OTHER}, false, OTHER},
    {{OTHER, OTHER}, {ROOT, ROOT}, false, ROOT},
};

static void test_between(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int status = 0;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            _exit(setresgid(rows[i].group[0], rows[i].group[1], (gid_t)-1) == 0 &&
                          setresuid(rows[i].user[0], rows[i].user[1], (uid_t)-1) == 0 &&
                          jwta_between_identities() == rows[i].between &&
                          jwta_file_owner() == rows[i].owner
                      ? 0
                      : 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static void test_between_users(void **state)
{
    static const struct {
        uid_t user[3]; /* really, effectively, saved */
        bool between;
    } users[] = {
        {{ROOT, ROOT, ROOT}, false},   {{OTHER, OTHER, OTHER}, false},
        {{OTHER, ROOT, ROOT}, false},  {{OTHER, OTHER, ROOT}, false},
        {{ROOT, OTHER, THIRD}, false}, {{OTHER, THIRD, THIRD}, true},
        {{OTHER, OTHER, THIRD}, true}, {{OTHER, THIRD, OTHER}, true},
    };

    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < COUNT_OF(users); i++) {
        int status = 0;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            _exit(setresuid(users[i].user[0], users[i].user[1], users[i].user[2]) == 0 &&
                          jwta_between_users() == users[i].between
                      ? 0
                      : 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_between_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
