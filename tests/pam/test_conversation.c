/* SPDX-License-Identifier: BSD-2-Clause */
/* How the module asks: applications that answer late, in part, or not at all. */
#include "tests/pam/journal.h"
#include "tests/pam/stage.h"
#include "tests/pam/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

static struct stage *stage;

static pam_handle_t *start(const char *user, struct talk *talk)
{
    struct pam_conv conversation = talk_conversation(talk);
    pam_handle_t *pamh = NULL;

    assert_int_equal(pam_start_confdir("login", user, &conversation, stage->pam_dir, &pamh),
                     PAM_SUCCESS);
    return pamh;
}

/* An application that answers later (PAM_CONV_AGAIN) is waited for. */
static void an_answer_may_come_later(void **state)
{
    char *token = stage_token(stage, "alice");
    struct talk talk = {.answer = token, .once = PAM_CONV_AGAIN};
    pam_handle_t *pamh = start("alice", &talk);

    (void)state;
    assert_int_equal(pam_authenticate(pamh, 0), PAM_INCOMPLETE);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(talk.prompts, 2);
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    free(token);
}

/* One that does not say who logs in: PAM asks, and may have to wait for that, too. */
static void the_user_may_be_asked_for(void **state)
{
    char *token = stage_token(stage, "alice");
    struct talk talk = {.answer = token, .user = "alice", .once = PAM_CONV_AGAIN};
    pam_handle_t *pamh = start(NULL, &talk);

    (void)state;
    assert_int_equal(pam_authenticate(pamh, 0), PAM_INCOMPLETE);
    assert_int_equal(talk.prompts, 0);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(talk.prompts, 1);
    assert_int_equal(talk.questions, 2);
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    free(token);
}

/* What counts is the time of the answer, not that of the question. */
static void a_token_may_expire_while_the_user_thinks(void **state)
{
    char *token = stage_token(stage, "alice"); /* for 300 s, clock_skew is 30 s */
    struct talk talk = {.answer = token, .thinks = 329};
    pam_handle_t *pamh = start("alice", &talk);

    (void)state;
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    journal_reset();
    talk.thinks = 331;
    assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    assert_non_null(journal_line(" elapsed=", " reason=expired "));
    journal_reset();
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    free(token);
}

/* An application that gives no conversation function at all. */
static void without_a_conversation_nobody_gets_in(void **state)
{
    struct pam_conv none = {0};
    pam_handle_t *pamh = NULL;

    (void)state;
    assert_int_equal(pam_start_confdir("login", "alice", &none, stage->pam_dir, &pamh),
                     PAM_SUCCESS);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_CONV_ERR);
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* The flags of pam_authenticate open no way around. */
static void flags_change_nothing(void **state)
{
    char *token = stage_token(stage, "alice");
    struct talk talk = {.answer = ""};
    pam_handle_t *pamh = start("alice", &talk);

    (void)state;
    assert_int_equal(pam_authenticate(pamh, PAM_SILENT), PAM_AUTH_ERR);
    assert_int_equal(pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK), PAM_AUTH_ERR);
    talk.answer = token;
    assert_int_equal(pam_authenticate(pamh, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK), PAM_SUCCESS);
    assert_int_equal(talk.others, 0);
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    free(token);
}

static int set_up(void **state)
{
    (void)state;
    stage = stage_open();
    /* With pam_permit behind it: whatever is ignored would let in. */
    stage_stack(stage, "login", "auth required @jwt@\nauth required pam_permit.so\n");
    return 0;
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
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(the_user_may_be_asked_for),
        cmocka_unit_test(a_token_may_expire_while_the_user_thinks),
        cmocka_unit_test(without_a_conversation_nobody_gets_in),
        cmocka_unit_test(flags_change_nothing),
    };

    (void)argc;
    stage_preload(argv, "libnss_wrapper.so");
    return cmocka_run_group_tests_name("pam conversation", tests, set_up, tear_down);
}
