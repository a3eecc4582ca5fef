/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom the auth step of a stack with the real module lets in, and whom not. Each row is a login
 * through libpam (pam_start_confdir); every number that PAM gives back is compared exactly.
 */
#include "tests/pam/journal.h"
#include "tests/pam/stage.h"
#include "tests/pam/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the user answers, or an earlier module left in PAM_AUTHTOK. */
enum credential {
    NOTHING, /* no answer at all */
    EMPTY,
    PASSWORD,
    TOKEN,          /* the user's own, valid */
    ANOTHERS,       /* bob's */
    FORGED,         /* signed by another key */
    EXPIRED,        /* by more than clock_skew */
    OTHER_AUDIENCE, /* of the same issuer */
    ENCRYPTED,      /* a JWE */
    ALMOST,         /* begins like a token, but has no header */
    TRAILING_BLANK  /* a good token, and a blank that was pasted with it */
};

static struct stage *stage;

struct scenario {
    const char *name;
    const char *stack;
    enum credential answer;
    int expected;
    const char *reason;   /* of the only audit line; NULL: there is none */
    size_t prompts;       /* how often JWT: was asked */
    const char *user;     /* NULL: alice; "ANY": the name of 256 characters */
    enum credential left; /* in PAM_AUTHTOK, where the stack begins with GIVE */
    const char *recorded; /* what RECORD finds in PAM_AUTHTOK */
    int conversation;     /* what the conversation returns */
    const char *service;  /* NULL: login */
    void (*spoil)(void);
};

#define GIVE "auth required @recorder@ give_token ignore\n"
#define RECORD "auth required @recorder@ record\n"
#define PERMIT "auth required pam_permit.so\n"
#define DENY "auth required pam_deny.so\n"
#define ALONE "auth required @jwt@\n"
#define SUFFICIENT "auth sufficient @jwt@\n"
#define USE "auth required @jwt@ use_first_pass\n"
#define TRY "auth required @jwt@ try_first_pass\n"

static void spoil_missing(void)
{
    char *path = test_format("%s/jwtauth.yaml", stage->dir);

    assert_int_equal(unlink(path), 0);
    free(path);
}

static void change_mode(const char *name, mode_t mode)
{
    char *path = test_format("%s/%s", stage->dir, name);

    assert_int_equal(chmod(path, mode), 0);
    free(path);
}

static void spoil_broken(void)
{
    stage_write(stage, "jwtauth.yaml", 0644, "issuers: [\n");
}

static void spoil_unknown_word(void)
{
    stage_write(stage, "jwtauth.yaml", 0644, "colour: blue\n");
}

static void spoil_empty(void)
{
    stage_write(stage, "jwtauth.yaml", 0644, "");
}

static void spoil_world_writable(void)
{
    change_mode("jwtauth.yaml", 0646);
}

static void spoil_group_writable(void)
{
    change_mode("jwtauth.yaml", 0664);
}

static void spoil_folder_writable(void)
{
    change_mode(".", 0777);
}

static void spoil_keys_missing(void)
{
    char *path = test_format("%s/jwks.json", stage->dir);

    assert_int_equal(unlink(path), 0);
    free(path);
}

static void spoil_keys_writable(void)
{
    change_mode("jwks.json", 0666);
}

static void spoil_keys_no_set(void)
{
    stage_write(stage, "jwks.json", 0644, "{}");
}

static void spoil_keys_other(void)
{
    struct test_key *other = test_key_new("ES256");
    char *keys = test_key_jwks(other, "another", NULL);

    stage_write(stage, "jwks.json", 0644, keys);
    free(keys);
    test_key_free(&other);
}

static const struct scenario scenarios[] = {
    /* who gets in */
    {"alone, a valid token", ALONE, TOKEN, PAM_SUCCESS, "ok", .prompts = 1},
    {"sufficient before deny, a valid token", SUFFICIENT DENY, TOKEN, PAM_SUCCESS, "ok",
     .prompts = 1},
    {"required before permit, a valid token", ALONE PERMIT, TOKEN, PAM_SUCCESS, "ok", .prompts = 1},
    {"service= chooses the section", "auth required @jwt@ service=login\n", TOKEN, PAM_SUCCESS,
     "ok", .prompts = 1, .service = "elsewhere"},
    {"debug changes nothing", "auth required @jwt@ debug\n", TOKEN, PAM_SUCCESS, "ok",
     .prompts = 1},

    /* required before permit lets in nobody without one */
    {"permit: a password", ALONE PERMIT, PASSWORD, PAM_AUTH_ERR, NULL, .prompts = 1},
    {"permit: an empty answer", ALONE PERMIT, EMPTY, PAM_AUTH_ERR, NULL, .prompts = 1},
    {"permit: no answer", ALONE PERMIT, NOTHING, PAM_CONV_ERR, NULL, .prompts = 1},
    {"permit: a forged token", ALONE PERMIT, FORGED, PAM_AUTH_ERR, "signature", .prompts = 1},
    {"permit: an expired token", ALONE PERMIT, EXPIRED, PAM_AUTH_ERR, "expired", .prompts = 1},
    {"permit: another's token", ALONE PERMIT, ANOTHERS, PAM_AUTH_ERR, "user-mismatch",
     .prompts = 1},
    {"permit: the conversation fails", ALONE PERMIT, TOKEN, PAM_CONV_ERR, NULL, .prompts = 1,
     .conversation = PAM_CONV_ERR},
    {"permit: the conversation says PAM_IGNORE", ALONE PERMIT, TOKEN, PAM_CONV_ERR, NULL,
     .prompts = 1, .conversation = PAM_IGNORE},
    {"permit: the conversation has no memory", ALONE PERMIT, TOKEN, PAM_BUF_ERR, NULL, .prompts = 1,
     .conversation = PAM_BUF_ERR},
    {"permit: the configuration is missing", ALONE PERMIT, TOKEN, PAM_SERVICE_ERR, "conf-missing",
     .prompts = 0, .spoil = spoil_missing},

    /* nor alone */
    {"alone: a password", ALONE, PASSWORD, PAM_AUTH_ERR, NULL, .prompts = 1},
    {"alone: an empty answer", ALONE, EMPTY, PAM_AUTH_ERR, NULL, .prompts = 1},
    {"alone: no answer", ALONE, NOTHING, PAM_CONV_ERR, NULL, .prompts = 1},
    {"alone: a forged token", ALONE, FORGED, PAM_AUTH_ERR, "signature", .prompts = 1},
    {"alone: an expired token", ALONE, EXPIRED, PAM_AUTH_ERR, "expired", .prompts = 1},
    {"alone: a token for another audience", ALONE, OTHER_AUDIENCE, PAM_AUTH_ERR, "audience",
     .prompts = 1},
    {"alone: another's token", ALONE, ANOTHERS, PAM_AUTH_ERR, "user-mismatch", .prompts = 1},
    {"alone: an encrypted token", ALONE, ENCRYPTED, PAM_AUTH_ERR, "jwe", .prompts = 1},

    /* nor sufficient before deny */
    {"deny: a password", SUFFICIENT DENY, PASSWORD, PAM_AUTH_ERR, NULL, .prompts = 1},
    {"deny: an empty answer", SUFFICIENT DENY, EMPTY, PAM_AUTH_ERR, NULL, .prompts = 1},
    {"deny: a forged token", SUFFICIENT DENY, FORGED, PAM_AUTH_ERR, "signature", .prompts = 1},
    {"deny: the configuration is missing", SUFFICIENT DENY, TOKEN, PAM_AUTH_ERR, "conf-missing",
     .prompts = 0, .spoil = spoil_missing},

    /* the class map */
    {"class: root", ALONE, TOKEN, PAM_MAXTRIES, "user-system", .prompts = 1, .user = "root"},
    {"class: a system user", ALONE, TOKEN, PAM_MAXTRIES, "user-system", .prompts = 1,
     .user = "mail"},
    {"class: a user unknown here", ALONE, TOKEN, PAM_USER_UNKNOWN, "user-unknown", .prompts = 1,
     .user = "ghost"},
    {"class: the service observes", ALONE, TOKEN, PAM_AUTH_ERR, "ok observe=yes", .prompts = 1,
     .service = "watch"},
    {"class: no key fits", ALONE, TOKEN, PAM_AUTH_ERR, "no-key", .prompts = 1,
     .spoil = spoil_keys_other},
    {"class: the keys are missing", ALONE, TOKEN, PAM_AUTHINFO_UNAVAIL, "keys-unavailable",
     .prompts = 1, .spoil = spoil_keys_missing},
    {"class: the keys are no key set", ALONE, TOKEN, PAM_AUTHINFO_UNAVAIL, "keys-unavailable",
     .prompts = 1, .spoil = spoil_keys_no_set},
    {"class: others may write the keys", ALONE, TOKEN, PAM_SERVICE_ERR, "keys-insecure",
     .prompts = 1, .spoil = spoil_keys_writable},

    /* the configuration */
    {"configuration: missing", ALONE, TOKEN, PAM_SERVICE_ERR, "conf-missing", .prompts = 0,
     .spoil = spoil_missing},
    {"configuration: broken", ALONE, TOKEN, PAM_SERVICE_ERR, "conf-invalid", .prompts = 0,
     .spoil = spoil_broken},
    {"configuration: an unknown word", ALONE, TOKEN, PAM_SERVICE_ERR, "conf-invalid", .prompts = 0,
     .spoil = spoil_unknown_word},
    {"configuration: empty", ALONE, TOKEN, PAM_AUTH_ERR, "no-service", .prompts = 1,
     .spoil = spoil_empty},
    {"configuration: others may write it", ALONE, TOKEN, PAM_SERVICE_ERR, "conf-insecure",
     .prompts = 0, .spoil = spoil_world_writable},
    {"configuration: its group may write it", ALONE, TOKEN, PAM_SERVICE_ERR, "conf-insecure",
     .prompts = 0, .spoil = spoil_group_writable},
    {"configuration: others may write its folder", ALONE, TOKEN, PAM_SERVICE_ERR, "conf-insecure",
     .prompts = 0, .spoil = spoil_folder_writable},
    {"configuration: a service without a section", ALONE, TOKEN, PAM_AUTH_ERR, "no-service",
     .prompts = 1, .service = "elsewhere"},

    /* arguments and names */
    {"argument: unknown", "auth required @jwt@ use_frist_pass\n", TOKEN, PAM_SERVICE_ERR, NULL,
     .prompts = 0},
    {"argument: debug is no prefix", "auth required @jwt@ debugging\n", TOKEN, PAM_SERVICE_ERR,
     NULL, .prompts = 0},
    {"argument: a relative config=", "auth required @module@ config=jwtauth.yaml\n", TOKEN,
     PAM_SERVICE_ERR, NULL, .prompts = 0},
    {"argument: an empty config=", "auth required @module@ config=\n", TOKEN, PAM_SERVICE_ERR, NULL,
     .prompts = 0},
    {"argument: an empty service=", "auth required @jwt@ service=\n", TOKEN, PAM_SERVICE_ERR, NULL,
     .prompts = 0},
    {"user: empty", ALONE, TOKEN, PAM_USER_UNKNOWN, "user-unknown", .prompts = 0, .user = ""},
    {"user: 256 bytes", ALONE, TOKEN, PAM_USER_UNKNOWN, "user-invalid", .prompts = 0,
     .user = "ANY"},
    {"user: a line end", ALONE, TOKEN, PAM_USER_UNKNOWN, "user-invalid", .prompts = 0,
     .user = "alice\n"},
    {"user: a case of its own", ALONE, ANOTHERS, PAM_AUTH_ERR, "user-mismatch", .prompts = 1,
     .user = "Bob"},

    /* a mixed stack: what the next module finds in PAM_AUTHTOK */
    {"mixed: a password goes on", SUFFICIENT RECORD, PASSWORD, PAM_SUCCESS, NULL, .prompts = 1,
     .recorded = "<s3cret>"},
    {"mixed: what is almost a token goes on", SUFFICIENT RECORD, ALMOST, PAM_SUCCESS, NULL,
     .prompts = 1, .recorded = "<eyJ.a.b!>"},
    {"mixed: a token with a blank behind it does not", SUFFICIENT RECORD, TRAILING_BLANK,
     PAM_SUCCESS, "not-jwt", .prompts = 1, .recorded = "none"},
    {"mixed: an encrypted token does not", SUFFICIENT RECORD, ENCRYPTED, PAM_SUCCESS, "jwe",
     .prompts = 1, .recorded = "none"},
    {"mixed: an empty answer does not", SUFFICIENT RECORD, EMPTY, PAM_SUCCESS, NULL, .prompts = 1,
     .recorded = "none"},
    {"mixed: a refused token does not", SUFFICIENT RECORD, FORGED, PAM_SUCCESS, "signature",
     .prompts = 1, .recorded = "none"},
    {"mixed: an accepted token does not", ALONE RECORD, TOKEN, PAM_SUCCESS, "ok", .prompts = 1,
     .recorded = "none"},
    {"mixed: required, a password is still an error", ALONE RECORD, PASSWORD, PAM_AUTH_ERR, NULL,
     .prompts = 1, .recorded = "<s3cret>"},
    {"mixed: a refused token takes an earlier password along", GIVE SUFFICIENT RECORD, FORGED,
     PAM_SUCCESS, "signature", .prompts = 1, .left = PASSWORD, .recorded = "none"},

    /* use_first_pass never asks */
    {"use_first_pass: a token", GIVE USE RECORD, PASSWORD, PAM_SUCCESS, "ok", .prompts = 0,
     .left = TOKEN, .recorded = "none"},
    {"use_first_pass: a forged token", GIVE USE RECORD, TOKEN, PAM_AUTH_ERR, "signature",
     .prompts = 0, .left = FORGED, .recorded = "none"},
    {"use_first_pass: a token, and a broken configuration", GIVE USE RECORD, PASSWORD,
     PAM_SERVICE_ERR, "conf-invalid", .prompts = 0, .left = TOKEN, .recorded = "none",
     .spoil = spoil_broken},
    {"use_first_pass: a password", GIVE USE RECORD, TOKEN, PAM_AUTH_ERR, NULL, .prompts = 0,
     .left = PASSWORD, .recorded = "<s3cret>"},
    {"use_first_pass: an empty one", GIVE USE PERMIT, TOKEN, PAM_AUTHTOK_RECOVERY_ERR, NULL,
     .prompts = 0, .left = EMPTY},
    {"use_first_pass: none", USE PERMIT, TOKEN, PAM_AUTHTOK_RECOVERY_ERR, NULL, .prompts = 0},
    {"use_first_pass: none, sufficient", "auth sufficient @jwt@ use_first_pass\n" DENY, TOKEN,
     PAM_AUTH_ERR, NULL, .prompts = 0},

    /* try_first_pass asks unless it finds a token */
    {"try_first_pass: a token", GIVE TRY RECORD, PASSWORD, PAM_SUCCESS, "ok", .prompts = 0,
     .left = TOKEN, .recorded = "none"},
    {"try_first_pass: a forged token", GIVE TRY RECORD, TOKEN, PAM_AUTH_ERR, "signature",
     .prompts = 0, .left = FORGED, .recorded = "none"},
    {"try_first_pass: a password, then a token", GIVE TRY RECORD, TOKEN, PAM_SUCCESS, "ok",
     .prompts = 1, .left = PASSWORD, .recorded = "none"},
    {"try_first_pass: nothing, then a token", TRY RECORD, TOKEN, PAM_SUCCESS, "ok", .prompts = 1,
     .recorded = "none"},
    {"try_first_pass: nothing, then a password", TRY PERMIT, PASSWORD, PAM_AUTH_ERR, NULL,
     .prompts = 1},

    /* without either, what an earlier module asked for does not count */
    {"no first pass: a token is left, a password answered", GIVE ALONE PERMIT, PASSWORD,
     PAM_AUTH_ERR, NULL, .prompts = 1, .left = TOKEN},
};

static char *make(enum credential credential, const char *user)
{
    struct test_key *other = NULL;
    char *payload = NULL;
    char *token = NULL;

    switch (credential) {
    case NOTHING:
        return NULL;
    case EMPTY:
        return test_format("%s", "");
    case PASSWORD:
        return test_format("s3cret");
    case TOKEN:
        return stage_token(stage, user);
    case ANOTHERS:
        return stage_token(stage, "bob");
    case FORGED:
        other = test_key_new("ES256");
        payload = test_format("{\"iss\":\"https://idp.lab\",\"preferred_username\":\"%s\"}", user);
        token = test_sign(other, "{\"alg\":\"ES256\",\"kid\":\"lab-1\"}", payload);
        test_key_free(&other);
        free(payload);
        return token;
    case EXPIRED:
        return stage_token_for(stage, user, "https://login.lab", -31);
    case OTHER_AUDIENCE:
        return stage_token_for(stage, user, "https://login.lab.example", 300);
    case ENCRYPTED:
        return test_format("eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d");
    case ALMOST:
        return test_format("eyJ.a.b!");
    case TRAILING_BLANK:
        token = stage_token_for(stage, user, "https://login.lab", 300);
        payload = test_format("%s ", token);
        free(token);
        return payload;
    }
    return NULL;
}

static pam_handle_t *start(const struct scenario *scenario, const char *user, struct talk *talk)
{
    struct pam_conv conversation = talk_conversation(talk);
    const char *service = scenario->service != NULL ? scenario->service : "login";
    char *left = make(scenario->left, user);
    pam_handle_t *pamh = NULL;

    stage_stack(stage, service, scenario->stack);
    assert_int_equal(pam_start_confdir(service, user, &conversation, stage->pam_dir, &pamh),
                     PAM_SUCCESS);
    assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.7"), PAM_SUCCESS);
    if (left != NULL) {
        char *setting = test_format("GIVE_TOKEN=%s", left);

        assert_int_equal(pam_putenv(pamh, setting), PAM_SUCCESS);
        free(setting);
    }
    free(left);
    return pamh;
}

/* The only audit line, which has the expected reason; or none. */
static void check_audit(const struct scenario *scenario)
{
    char *reason = NULL;

    if (scenario->reason == NULL) {
        assert_null(strstr(journal_text(), " elapsed="));
        return;
    }
    reason = test_format(" reason=%s ", scenario->reason);
    if (journal_line(" elapsed=", reason) == NULL)
        fail_msg("not exactly one line with%s in:\n%s", reason, journal_text());
    assert_non_null(journal_line(" elapsed=", ""));
    free(reason);
}

static void run_scenario(void **state)
{
    const struct scenario *scenario = *state;
    char *any = test_format("%0256d", 0);
    const char *user = scenario->user != NULL ? scenario->user : "alice";
    struct talk talk = {.status = scenario->conversation};
    pam_handle_t *pamh = NULL;
    char *answer = NULL;
    int status = 0;

    journal_reset();
    stage_restore(stage);
    if (strcmp(user, "ANY") == 0)
        user = any;
    answer = make(scenario->answer, user);
    talk.answer = answer;
    pamh = start(scenario, user, &talk);
    if (scenario->spoil != NULL)
        scenario->spoil();
    status = pam_authenticate(pamh, 0);
    if (status != scenario->expected)
        fail_msg("PAM says %d (%s), expected %d; the log:\n%s", status, pam_strerror(pamh, status),
                 scenario->expected, journal_text());
    assert_int_equal(talk.prompts, scenario->prompts);
    assert_int_equal(talk.questions, 0);
    assert_int_equal(talk.others, 0);
    check_audit(scenario);
    if (scenario->recorded != NULL) {
        assert_non_null(pam_getenv(pamh, "RECORDED"));
        assert_string_equal(pam_getenv(pamh, "RECORDED"), scenario->recorded);
    }
    assert_int_equal(pam_end(pamh, status), PAM_SUCCESS);
    free(answer);
    free(any);
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
    stage_close(&stage);
    return 0;
}

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

int main(int argc, char **argv)
{
    struct CMUnitTest tests[SCENARIOS] = {{0}};

    (void)argc;
    stage_preload(argv, "libnss_wrapper.so");
    for (size_t i = 0; i < SCENARIOS; i++)
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = run_scenario,
                                       .initial_state = (void *)(uintptr_t)&scenarios[i]};
    return cmocka_run_group_tests_name("pam auth", tests, set_up, tear_down);
}
