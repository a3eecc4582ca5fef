/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps after auth: account decides from the login that auth kept in the same PAM handle, or
 * from its absence; setcred and the session steps let the stack go on.
 *
 * libpam makes PAM_PERM_DENIED of a stack in which every module answers PAM_IGNORE, so PAM_IGNORE
 * is told from PAM_SUCCESS by the stack of the module alone, and from a denial by the one with
 * permit.
 */
#include "tests/pam/journal.h"
#include "tests/pam/stage.h"
#include "tests/pam/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define AUTH "auth required @jwt@\n"
#define ACCOUNT "account required @jwt@\n"
#define PERMIT "account required pam_permit.so\n"

static struct stage *stage;
static struct talk talk;
static pam_handle_t *pamh;

/* Begins as alice, who will answer with a valid token of her own. */
static void begin(const char *service, const char *stack)
{
    struct pam_conv conversation = talk_conversation(&talk);

    journal_reset();
    free((void *)(uintptr_t)talk.answer);
    talk = (struct talk){.answer = stage_token(stage, "alice")};
    stage_restore(stage);
    stage_stack(stage, service, stack);
    assert_int_equal(pam_start_confdir(service, "alice", &conversation, stage->pam_dir, &pamh),
                     PAM_SUCCESS);
}

static int end(void **state)
{
    (void)state;
    if (pamh != NULL)
        (void)pam_end(pamh, PAM_SUCCESS);
    pamh = NULL;
    return 0;
}

static void login(void)
{
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    journal_reset();
}

/* Exactly one audit line, of that reason. */
static void assert_denied(int status, int expected, const char *reason)
{
    if (journal_line(" elapsed=", reason) == NULL)
        fail_msg("status %d, no line with %s in:\n%s", status, reason, journal_text());
    assert_non_null(journal_line(" elapsed=", ""));
    assert_int_equal(status, expected);
}

static void assert_silent(int status, int expected)
{
    assert_int_equal(status, expected);
    assert_null(strstr(journal_text(), "result="));
}

static void a_login_lets_in(void **state)
{
    (void)state;
    begin("strict", AUTH ACCOUNT);
    login();
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
}

static void an_expired_login_does_not(void **state)
{
    (void)state;
    begin("strict", AUTH ACCOUNT PERMIT);
    login();
    journal_clock(329); /* the token has 300 s, clock_skew is 30 s */
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    journal_clock(331);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=expired");
}

static void nor_where_a_grant_is_optional(void **state)
{
    (void)state;
    begin("login", AUTH ACCOUNT PERMIT);
    login();
    journal_clock(331);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=expired");
}

static void a_login_is_its_users_only(void **state)
{
    (void)state;
    begin("login", AUTH ACCOUNT PERMIT);
    login();
    assert_int_equal(pam_set_item(pamh, PAM_USER, "bob"), PAM_SUCCESS);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=user-mismatch");
}

static void a_module_between_may_change_the_user(void **state)
{
    (void)state;
    begin("login", AUTH "account required @recorder@ give_user ignore\n" ACCOUNT PERMIT);
    assert_int_equal(pam_putenv(pamh, "GIVE_USER=mail"), PAM_SUCCESS);
    login();
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=user-mismatch");
}

static void a_failed_login_forgets_the_one_before(void **state)
{
    (void)state;
    begin("strict", AUTH ACCOUNT PERMIT);
    login();
    free((void *)(uintptr_t)talk.answer);
    talk.answer = test_format("s3cret");
    assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
}

static void so_does_one_that_could_not_begin(void **state)
{
    (void)state;
    begin("strict", AUTH ACCOUNT PERMIT);
    login();
    stage_write(stage, "jwtauth.yaml", 0644, "issuers: [\n");
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SERVICE_ERR);
    journal_reset();
    stage_restore(stage);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
}

static void without_a_login_required_denies(void **state)
{
    (void)state;
    begin("strict", AUTH ACCOUNT PERMIT);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
    assert_non_null(strstr(journal_text(), "user=\"alice\""));
    assert_non_null(strstr(journal_text(), "detail=no login with a token"));
    assert_non_null(strstr(journal_text(), "jwtauth.yaml:18")); /* the line of `grant: required` */
}

static void sudo_requires_one_unless_told_otherwise(void **state)
{
    (void)state;
    begin("sudo", AUTH ACCOUNT PERMIT);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
}

static void without_a_login_optional_ignores(void **state)
{
    (void)state;
    begin("login", AUTH ACCOUNT PERMIT);
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    (void)end(state);
    begin("login", AUTH ACCOUNT);
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
}

static void a_password_leaves_no_login(void **state)
{
    (void)state;
    begin("strict", "auth sufficient @jwt@\nauth required pam_permit.so\n" ACCOUNT PERMIT);
    free((void *)(uintptr_t)talk.answer);
    talk.answer = test_format("s3cret");
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
}

static void a_service_without_a_section_is_denied(void **state)
{
    (void)state;
    begin("elsewhere", AUTH ACCOUNT PERMIT);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-service");
}

static void a_login_counts_for_its_service_only(void **state)
{
    (void)state;
    begin("strict", "auth required @jwt@ service=login\n" ACCOUNT PERMIT);
    login();
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
}

static void service_names_one_for_both(void **state)
{
    (void)state;
    begin("elsewhere",
          "auth required @jwt@ service=strict\naccount required @jwt@ service=strict\n");
    login();
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
}

static void a_service_that_observes_blocks_no_one(void **state)
{
    (void)state;
    begin("watch", AUTH ACCOUNT PERMIT);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_SUCCESS, "reason=no-grant");
    assert_non_null(strstr(journal_text(), "observe=yes"));
    (void)end(state);
    begin("watch", AUTH ACCOUNT);
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED, "reason=no-grant");
}

static void a_configuration_that_cannot_be_used_denies(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        const char *reason;
    } cases[] = {
        {"issuers: [\n", 0644, "reason=conf-invalid"},
        {"clock_skew: 1s\n", 0646, "reason=conf-insecure"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin("login", AUTH ACCOUNT PERMIT);
        login();
        stage_write(stage, "jwtauth.yaml", cases[i].mode, cases[i].text);
        assert_denied(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR, cases[i].reason);
        (void)end(state);
    }
    begin("login", AUTH "account required @module@ config=@dir@/none.yaml\n" PERMIT);
    login();
    assert_denied(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR, "reason=conf-missing");
}

static void an_unknown_argument_denies(void **state)
{
    (void)state;
    begin("login", AUTH "account required @jwt@ debug grants\n" PERMIT);
    login();
    assert_silent(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR);
    assert_non_null(journal_line("unknown argument", "\"grants\""));
}

static void setcred_succeeds_on_the_way_that_auth_took(void **state)
{
    (void)state;
    begin("login", "auth sufficient @jwt@\nauth required pam_deny.so\n" ACCOUNT);
    login();
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    assert_int_equal(pam_setcred(pamh, PAM_REINITIALIZE_CRED), PAM_SUCCESS);
    assert_int_equal(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
}

/* As in the parent of the sshd process that ran auth. */
static void setcred_succeeds_in_a_handle_that_saw_no_auth(void **state)
{
    static const char *const stacks[] = {AUTH,
                                         "auth sufficient @jwt@\nauth required pam_deny.so\n"};

    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        begin("strict", stacks[i]);
        assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        (void)end(state);
    }
}

static void sessions_open_and_close(void **state)
{
    (void)state;
    begin("login", AUTH "session required @jwt@\n");
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    (void)end(state);
    begin("login", AUTH "session required @jwt@\n");
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
}

static int set_up(void **state)
{
    (void)state;
    stage = stage_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free((void *)(uintptr_t)talk.answer);
    stage_close(&stage);
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_login_lets_in),
        TEST(an_expired_login_does_not),
        TEST(nor_where_a_grant_is_optional),
        TEST(a_login_is_its_users_only),
        TEST(a_module_between_may_change_the_user),
        TEST(a_failed_login_forgets_the_one_before),
        TEST(so_does_one_that_could_not_begin),
        TEST(without_a_login_required_denies),
        TEST(sudo_requires_one_unless_told_otherwise),
        TEST(without_a_login_optional_ignores),
        TEST(a_password_leaves_no_login),
        TEST(a_service_without_a_section_is_denied),
        TEST(a_login_counts_for_its_service_only),
        TEST(service_names_one_for_both),
        TEST(a_service_that_observes_blocks_no_one),
        TEST(a_configuration_that_cannot_be_used_denies),
        TEST(an_unknown_argument_denies),
        TEST(setcred_succeeds_on_the_way_that_auth_took),
        TEST(setcred_succeeds_in_a_handle_that_saw_no_auth),
        TEST(sessions_open_and_close),
    };

    (void)argc;
    stage_preload(argv, "libnss_wrapper.so");
    return cmocka_run_group_tests_name("pam account", tests, set_up, tear_down);
}
