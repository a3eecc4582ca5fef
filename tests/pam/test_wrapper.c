/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole logins as a program makes them, by pam_start() and the steps after it: pam_wrapper puts our
 * folder in the place of /etc/pam.d, nss_wrapper our users in that of the machine's, and with
 * uid_wrapper the program runs as the user whose files they are.
 */
#include "tests/pam/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <libpamtest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct stage *stage;

/* Runs steps as a program would that gives this answer to its prompts. */
static void run(const char *service, const char *user, const char *answer,
                struct pam_testcase *steps, size_t count)
{
    const char *answers[] = {answer, answer, NULL};
    struct pamtest_conv_data talk = {.in_echo_off = answers};
    enum pamtest_err error = _pamtest(service, user, &talk, steps, count, NULL);

    if (error == PAMTEST_ERR_CASE) {
        const struct pam_testcase *failed = _pamtest_failed_case(steps, count);

        fail_msg("step %d gives %d, expected %d", failed->pam_operation, failed->op_rv,
                 failed->expected_rv);
    }
    assert_int_equal(error, PAMTEST_ERR_OK);
}

#define COUNT(steps) (sizeof(steps) / sizeof((steps)[0]))

static void a_whole_login(void **state)
{
    struct pam_testcase steps[] = {
        pam_test(PAMTEST_AUTHENTICATE, PAM_SUCCESS),
        pam_test(PAMTEST_ACCOUNT, PAM_SUCCESS),
        pam_test(PAMTEST_SETCRED, PAM_SUCCESS),
        pam_test(PAMTEST_OPEN_SESSION, PAM_SUCCESS),
        pam_test(PAMTEST_SETCRED, PAM_SUCCESS),
        pam_test(PAMTEST_CLOSE_SESSION, PAM_SUCCESS),
        pam_test_flags(PAMTEST_SETCRED, PAM_SUCCESS, PAM_DELETE_CRED),
    };
    char *token = stage_token(stage, "alice");

    (void)state;
    stage_stack(stage, "strict",
                "auth required @jwt@\naccount required @jwt@\nsession required @jwt@\n");
    run("strict", "alice", token, steps, COUNT(steps));
    free(token);
}

static void another_users_token(void **state)
{
    struct pam_testcase steps[] = {pam_test(PAMTEST_AUTHENTICATE, PAM_AUTH_ERR)};
    char *token = stage_token(stage, "bob");

    (void)state;
    stage_stack(stage, "login", "auth required @jwt@\nauth required pam_permit.so\n");
    run("login", "alice", token, steps, COUNT(steps));
    free(token);
}

static void account_without_auth(void **state)
{
    struct pam_testcase steps[] = {pam_test(PAMTEST_ACCOUNT, PAM_PERM_DENIED)};

    (void)state;
    stage_stack(stage, "strict", "account required @jwt@\naccount required pam_permit.so\n");
    run("strict", "alice", "", steps, COUNT(steps));
}

/* pam_matrix, the module of passwords that pam_wrapper brings, lies beside its libraries. */
static char *find_matrix(void)
{
    Dl_info place = {0};
    void *symbol = dlsym(RTLD_DEFAULT, "_pamtest");

    assert_non_null(symbol);
    assert_true(dladdr(symbol, &place) != 0);
    return test_format("%.*s/pam_wrapper/pam_matrix.so",
                       (int)(strrchr(place.dli_fname, '/') - place.dli_fname), place.dli_fname);
}

/* Tokens and passwords share a stack: one prompt, and the next module takes the password from it.
 */
static void a_mixed_stack(void **state)
{
    struct pam_testcase well[] = {pam_test(PAMTEST_AUTHENTICATE, PAM_SUCCESS),
                                  pam_test(PAMTEST_SETCRED, PAM_SUCCESS)};
    struct pam_testcase wrong[] = {pam_test(PAMTEST_AUTHENTICATE, PAM_AUTH_ERR)};
    char *token = stage_token(stage, "alice");
    char *expired = stage_token_for(stage, "alice", "https://login.lab", -90);
    char *matrix = find_matrix();
    char *stack = NULL;

    (void)state;
    stage_write(stage, "passdb", 0600, "alice:s3cret:login\n");
    stack = test_format("auth sufficient @jwt@\nauth required %s passdb=@dir@/passdb\n", matrix);
    stage_stack(stage, "login", stack);
    run("login", "alice", "s3cret", well, COUNT(well));
    run("login", "alice", "wrong", wrong, COUNT(wrong));
    run("login", "alice", token, well, COUNT(well));
    run("login", "alice", expired, wrong, COUNT(wrong));
    free(token);
    free(expired);
    free(matrix);
    free(stack);
}

static int set_up(void **state)
{
    uid_t owner = 0;

    (void)state;
    stage = stage_open();
    /* uid_wrapper leaves the owners of files as they are, and root trusts only root's. */
    owner = stage_owner(stage);
    return setresuid(owner, owner, owner);
}

static int tear_down(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_login),
        cmocka_unit_test(another_users_token),
        cmocka_unit_test(account_without_auth),
        cmocka_unit_test(a_mixed_stack),
    };

    (void)argc;
    stage_preload(argv, "libpam_wrapper.so libuid_wrapper.so libnss_wrapper.so");
    return cmocka_run_group_tests_name("pam wrapper", tests, set_up, tear_down);
}
