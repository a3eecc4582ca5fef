/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry points of pam_jwt.so: what PAM hands over becomes the one call, and its class of
 * outcome becomes PAM's number.
 *
 * auth verifies a token and remembers who logged in, until when, in the data of the PAM handle;
 * account decides from that. Nothing here answers PAM_IGNORE to a credential: a stack of nothing
 * but `required pam_jwt` and `required pam_permit` must let in nobody without a token.
 */
#include "common/auth.h"
#include "common/file.h"
#include "pam_jwt/arguments.h"
#include "pam_jwt/login.h"
#include "pam_jwt/prompt.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define ENTRY __attribute__((visibility("default")))
#define RULE_MAX_BYTES 512

/* One call of an entry point. Strings are borrowed from PAM. */
struct call {
    pam_handle_t *pamh;
    struct jwta_arguments arguments;
    struct jwta_log log;
    const char *service;
    const char *user;
    const char *remote; /* NULL where there is none */
    struct jwta_verifier *verifier;
    int64_t now;
};

/* The class map. auth cannot answer PAM_PERM_DENIED, account not PAM_AUTH_ERR. */
static const struct {
    int auth;
    int account;
} class_status[] = {
    /* No code of this class denies: were one to arrive here, it would be our own mistake. */
    [JWTA_CLASS_OK] = {PAM_SERVICE_ERR, PAM_SERVICE_ERR},
    [JWTA_CLASS_DENIED] = {PAM_AUTH_ERR, PAM_PERM_DENIED},
    [JWTA_CLASS_UNAVAILABLE] = {PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
    [JWTA_CLASS_CONFIG] = {PAM_SERVICE_ERR, PAM_SERVICE_ERR},
    [JWTA_CLASS_INTERNAL] = {PAM_SERVICE_ERR, PAM_SERVICE_ERR},
};

static int auth_status(enum jwta_code code)
{
    if (code == JWTA_USER_UNKNOWN)
        return PAM_USER_UNKNOWN;
    /* No other token would help: applications that heed it (sshd) stop asking. */
    if (code == JWTA_USER_SYSTEM)
        return PAM_MAXTRIES;
    return class_status[jwta_code_class(code)].auth;
}

/*
 * An expired login is PAM_PERM_DENIED like every other denial, not PAM_ACCT_EXPIRED: programs print
 * "your account has expired", which is wrong, and would tell one reason from the others.
 */
static int account_status(enum jwta_code code)
{
    if (code == JWTA_USER_UNKNOWN)
        return PAM_USER_UNKNOWN;
    return class_status[jwta_code_class(code)].account;
}

static void write_log(void *context, enum jwta_level level, const char *line)
{
    static const int priorities[] = {
        [JWTA_LOG_ERROR] = LOG_ERR,     [JWTA_LOG_WARNING] = LOG_WARNING,
        [JWTA_LOG_NOTICE] = LOG_NOTICE, [JWTA_LOG_INFO] = LOG_INFO,
        [JWTA_LOG_DEBUG] = LOG_DEBUG,
    };
    const struct call *call = context;

    /* pam_syslog adds the facility LOG_AUTHPRIV and names module and service. */
    if (level != JWTA_LOG_DEBUG || call->arguments.debug)
        pam_syslog(call->pamh, priorities[level], "%s", line);
}

/* Writes the audit line of a denial that was found here, not by jwta_auth. */
static void audit(const struct call *call, enum jwta_code reason,
                  const struct jwta_service *service)
{
    char rule[RULE_MAX_BYTES] = "";
    struct jwta_audit record = {
        .reason = reason,
        .observe = service != NULL && service->observe.value,
        .detail = jwta_code_text(reason),
        .service = jwta_span_of(call->service),
        .user = jwta_span_of(call->user),
        .remote = jwta_span_of(call->remote),
        .age = -1,
    };

    if (service != NULL) {
        const struct jwta_where *where =
            service->grant.where.line > 0 ? &service->grant.where : &service->where;

        if (where->file != NULL &&
            snprintf(rule, sizeof(rule), "%s:%u", where->file, where->line) > 0)
            record.rule = rule;
    }
    jwta_log_audit(&call->log, &record);
}

/* Whether a name from PAM can be one at all: not longer than any, without control characters. */
static bool plausible(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > JWTA_SERVICE_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

static int find_service(struct call *call)
{
    const void *item = call->arguments.service;
    struct jwta_quoted quoted;

    if (item == NULL &&
        (pam_get_item(call->pamh, PAM_SERVICE, &item) != PAM_SUCCESS || item == NULL))
        return PAM_SERVICE_ERR;
    if (!plausible(item)) {
        jwta_log(&call->log, JWTA_LOG_ERROR, "%s cannot be the name of a service",
                 jwta_quote(&quoted, jwta_span_of(item)));
        return PAM_SERVICE_ERR;
    }
    call->service = item;
    return PAM_SUCCESS;
}

static int find_user(struct call *call)
{
    const void *item = NULL;
    int status = pam_get_user(call->pamh, &call->user, NULL);

    if (pam_get_item(call->pamh, PAM_RHOST, &item) == PAM_SUCCESS && item != NULL &&
        *(const char *)item != '\0')
        call->remote = item;
    if (status == PAM_CONV_AGAIN)
        return PAM_INCOMPLETE;
    if (status != PAM_SUCCESS || call->user == NULL)
        return PAM_USER_UNKNOWN;
    if (plausible(call->user))
        return PAM_SUCCESS;
    audit(call, call->user[0] == '\0' ? JWTA_USER_UNKNOWN : JWTA_USER_INVALID, NULL);
    return PAM_USER_UNKNOWN;
}

/* What auth and account begin with. The verifier is the call's, to be closed whatever this says. */
static int begin(struct call *call, int argc, const char **argv)
{
    struct jwta_verifier_options options = {.log = &call->log, .expected = jwta_file_owner()};
    enum jwta_code code = JWTA_INTERNAL;
    struct jwta_quoted service;
    struct jwta_quoted user;
    int status = PAM_SERVICE_ERR;

    if (jwta_arguments_read(argc, argv, &call->log, &call->arguments) != JWTA_OK)
        return PAM_SERVICE_ERR;
    status = find_service(call);
    if (status == PAM_SUCCESS)
        status = find_user(call);
    if (status != PAM_SUCCESS)
        return status;
    call->now = (int64_t)time(NULL);
    options.path = call->arguments.config;
    jwta_log(&call->log, JWTA_LOG_DEBUG, "service %s, user %s, files of root and uid %ju",
             jwta_quote(&service, jwta_span_of(call->service)),
             jwta_quote(&user, jwta_span_of(call->user)), (uintmax_t)options.expected);
    code = jwta_verifier_open(&options, &call->verifier, NULL);
    if (code != JWTA_OK) {
        audit(call, code, NULL);
        return auth_status(code); /* CONFIG or INTERNAL: the same number in account */
    }
    return PAM_SUCCESS;
}

/* Verifies a token and keeps the login. */
static int verify(struct call *call, const char *token)
{
    struct jwta_result result = {0};
    struct jwta_request request = {
        .token = jwta_span_of(token),
        .service = call->service,
        .user = call->user,
        .remote = call->remote,
        .now = call->now,
        .need_account = true,
    };
    int status = PAM_SERVICE_ERR;

    jwta_auth(call->verifier, &request, &result);
    if (result.outcome == JWTA_ALLOWED)
        status =
            jwta_login_keep(call->pamh, call->service, result.decided.user, result.claims.expires);
    else
        status = auth_status(result.why.code);
    jwta_result_free(&result);
    return status;
}

static int get_credential(struct call *call, char **credential)
{
    int status = jwta_prompt_get(call->pamh, call->arguments.first_pass, credential);

    if (status != PAM_SUCCESS && status != PAM_INCOMPLETE)
        jwta_log(&call->log, JWTA_LOG_INFO, "nothing was answered: %s",
                 pam_strerror(call->pamh, status));
    return status;
}

/*
 * Says why there is nothing to verify. Not an audit line, for nothing was decided: in a mixed stack
 * this is how every login with a password begins.
 */
static void log_no_token(const struct call *call, const char *credential)
{
    /* What sshd hands to PAM in place of the answer of a user whom it has refused already. */
    static const char refused_by_sshd[] = "\b\n\r\177INCORRECT";
    struct jwta_quoted service;
    struct jwta_quoted user;
    struct jwta_quoted remote;
    size_t len = strlen(credential);
    const char *reason = "the answer is no token";

    if (strncmp(credential, refused_by_sshd,
                len < sizeof(refused_by_sshd) - 1 ? len + 1 : sizeof(refused_by_sshd) - 1) == 0)
        reason = "sshd has refused this user before it asked (is there a local user of this name, "
                 "and may it log in?)";
    else if (strncmp(credential, "eyJ", 3) == 0 && (len == 1023 || len == 511))
        reason = "the answer begins like a token and was cut by the client: use a shorter one";
    jwta_log(&call->log, JWTA_LOG_INFO,
             "result=none service=%s user=%s remote=%s detail=no token was given: %s; left to the "
             "next module",
             jwta_quote(&service, jwta_span_of(call->service)),
             jwta_quote(&user, jwta_span_of(call->user)),
             jwta_quote(&remote, jwta_span_of(call->remote)), reason);
}

/*
 * Decides about what the user gave. A token is spent here: whatever becomes of it, no later module
 * finds it in PAM_AUTHTOK. Anything else is a password for the module that comes next, and an
 * error all the same.
 */
static int judge(struct call *call, const char *credential)
{
    int status = PAM_AUTH_ERR;
    int cleared = PAM_SYSTEM_ERR;

    if (!jwta_jws_resembled(jwta_span_of(credential))) {
        log_no_token(call, credential);
        if (pam_set_item(call->pamh, PAM_AUTHTOK, credential) != PAM_SUCCESS)
            return PAM_BUF_ERR;
        return PAM_AUTH_ERR;
    }
    status = verify(call, credential);
    cleared = pam_set_item(call->pamh, PAM_AUTHTOK, NULL);
    return status == PAM_SUCCESS ? cleared : status;
}

/* No later module finds a token in PAM_AUTHTOK, whatever kept it from being judged here. */
static int withdraw_token(pam_handle_t *pamh)
{
    const void *item = NULL;
    int status = pam_get_item(pamh, PAM_AUTHTOK, &item);

    if (status == PAM_SUCCESS && item != NULL && jwta_jws_resembled(jwta_span_of(item)))
        status = pam_set_item(pamh, PAM_AUTHTOK, NULL);
    return status;
}

/*
 * flags do not matter: nothing but the prompt is ever shown (PAM_SILENT), and an empty answer is
 * refused always (PAM_DISALLOW_NULL_AUTHTOK).
 */
ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct call call = {.pamh = pamh, .log = {.write = write_log, .context = &call}};
    char *credential = NULL;
    int status = PAM_SERVICE_ERR;

    (void)flags;
    status = begin(&call, argc, argv);
    /* Whoever logged in before on this handle is not who logs in now. */
    if (call.service != NULL && jwta_login_forget(pamh, call.service) != PAM_SUCCESS)
        status = PAM_SYSTEM_ERR;
    if (status == PAM_SUCCESS)
        status = get_credential(&call, &credential);
    if (status == PAM_SUCCESS) {
        /* Now, not when the prompt appeared: a person may have taken minutes to answer. */
        call.now = (int64_t)time(NULL);
        status = judge(&call, credential);
    } else if (withdraw_token(pamh) != PAM_SUCCESS) {
        status = PAM_SYSTEM_ERR;
    }
    jwta_wipe_string(credential);
    jwta_verifier_close(&call.verifier);
    return status;
}

/* Whether the login, or its absence (NULL), lets the user in. */
static enum jwta_code decide(const struct call *call, const struct jwta_service *service,
                             const struct jwta_login *login)
{
    int64_t skew = jwta_verifier_conf(call->verifier)->clock_skew.value;

    if (login == NULL)
        return service->grant.need == JWTA_GRANT_OPTIONAL ? JWTA_OK : JWTA_NO_GRANT;
    /* Another module, or the application, may have changed PAM_USER since auth. */
    if (strcmp(login->user, call->user) != 0)
        return JWTA_USER_MISMATCH;
    return login->expires <= call->now - skew ? JWTA_EXPIRED : JWTA_OK;
}

/*
 * Decides without a token, from the login that auth kept, so that it also works where auth was
 * not asked (sudo with a ticket). Where none is known and none required, PAM_IGNORE: account then
 * has nothing to say, and the other modules of the stack decide.
 */
static int account(struct call *call)
{
    const struct jwta_service *service =
        jwta_conf_service(jwta_verifier_conf(call->verifier), call->service);
    const struct jwta_login *login = jwta_login_find(call->pamh, call->service);
    enum jwta_code code = JWTA_NO_SERVICE;

    if (service != NULL)
        code = decide(call, service, login);
    if (code != JWTA_OK)
        audit(call, code, service);
    /* A service that observes blocks no one, whatever it has just logged. */
    if (service != NULL && service->observe.value)
        return PAM_IGNORE;
    if (code != JWTA_OK)
        return account_status(code);
    return login != NULL ? PAM_SUCCESS : PAM_IGNORE;
}

ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct call call = {.pamh = pamh, .log = {.write = write_log, .context = &call}};
    int status = PAM_SERVICE_ERR;

    (void)flags;
    status = begin(&call, argc, argv);
    if (status == PAM_SUCCESS)
        status = account(&call);
    jwta_verifier_close(&call.verifier);
    return status;
}

/*
 * There are no credentials to set yet, and that is a success, always.
 *
 * libpam walks the auth stack a second time for setcred, on the way that auth took: a module that
 * let the user in (`sufficient`) ends the walk here, too, and its answer is the result. PAM_IGNORE
 * counts as no answer, and a walk without one fails: sshd and su would turn away a user whom they
 * have just let in. And sshd with keyboard-interactive runs auth in a child but setcred in its
 * parent, where libpam knows of no earlier walk and nothing that auth kept can be found: so the
 * answer must depend on neither.
 *
 * It lets nobody in: applications call setcred after auth and account have said yes.
 */
ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}

/*
 * Nothing happens when a session opens or closes. That, too, is a success and not PAM_IGNORE, for
 * the same reason: `session required pam_jwt.so` as the only line must not fail.
 */
ENTRY int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}

ENTRY int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
