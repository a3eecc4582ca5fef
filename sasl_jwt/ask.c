/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_jwt/ask.h"

#include <string.h>

static const struct {
    unsigned long id;
    const char *challenge;
    const char *prompt;
} questions[JWTA_ASK_COUNT] = {
    [JWTA_ASK_AUTHZID] = {SASL_CB_USER, "Authorization Name", "Name to act as"},
    [JWTA_ASK_AUTHCID] = {SASL_CB_AUTHNAME, "Authentication Name", "Name of the token's user"},
    [JWTA_ASK_TOKEN] = {SASL_CB_PASS, "Token", "JWT"},
};

static struct jwta_span present(const char *text, size_t len)
{
    return text != NULL && len > 0 ? jwta_span(text, len) : jwta_span(NULL, 0);
}

/* What was answered to a prompt of ours; false where there was none for it. */
static bool from_prompt(const sasl_interact_t *prompt, unsigned long id, struct jwta_span *out)
{
    while (prompt != NULL && prompt->id != SASL_CB_LIST_END && prompt->id != id)
        prompt++;
    if (prompt == NULL || prompt->id != id)
        return false;
    *out = present(prompt->result, prompt->len);
    return true;
}

/*
 * A name is the application's to give or not. libsasl itself answers SASL_CB_AUTHNAME with the
 * environment's USER where the application does not, and fails where that is not set.
 */
static void call_for_name(sasl_getsimple_t *call, void *context, unsigned long id,
                          struct jwta_span *out)
{
    const char *text = NULL;
    unsigned len = 0;

    /* Many a callback leaves the length out. */
    if (call(context, (int)id, &text, &len) == SASL_OK && text != NULL)
        *out = present(text, strlen(text));
}

static int call_for_secret(sasl_getsecret_t *call, sasl_conn_t *conn, void *context,
                           struct jwta_span *out)
{
    sasl_secret_t *secret = NULL;
    int status = call(conn, context, SASL_CB_PASS, &secret);

    if (status == SASL_OK && secret != NULL)
        *out = present((const char *)secret->data, secret->len);
    return status;
}

/* By callback. An application that has none for a name does not want to give one. */
static int from_callback(const sasl_utils_t *utils, unsigned long id, struct jwta_span *out)
{
    sasl_callback_ft call = NULL;
    void *context = NULL;
    int status = utils->getcallback(utils->conn, id, &call, &context);

    if (status == SASL_INTERACT)
        return status;
    if (status != SASL_OK || call == NULL)
        return id == SASL_CB_PASS ? SASL_BADPARAM : SASL_OK;
    /* By way of the type that stands for any function. */
    if (id == SASL_CB_PASS)
        return call_for_secret((sasl_getsecret_t *)(void (*)(void))call, utils->conn, context, out);
    call_for_name((sasl_getsimple_t *)(void (*)(void))call, context, id, out);
    return SASL_OK;
}

int jwta_ask(const sasl_utils_t *utils, sasl_interact_t **shown, struct jwta_prompts *own,
             struct jwta_span answers[JWTA_ASK_COUNT])
{
    const sasl_interact_t *answered = shown != NULL ? *shown : NULL;
    struct jwta_prompts needed = {0};
    size_t count = 0;

    for (size_t i = 0; i < JWTA_ASK_COUNT; i++) {
        int status = SASL_OK;

        answers[i] = jwta_span(NULL, 0);
        if (from_prompt(answered, questions[i].id, &answers[i]))
            continue;
        status = from_callback(utils, questions[i].id, &answers[i]);
        if (status == SASL_INTERACT)
            needed.item[count++] = (sasl_interact_t){.id = questions[i].id,
                                                     .challenge = questions[i].challenge,
                                                     .prompt = questions[i].prompt};
        else if (status != SASL_OK)
            return status;
    }
    if (count == 0)
        return SASL_OK;
    if (shown == NULL)
        return SASL_BADPARAM;
    needed.item[count].id = SASL_CB_LIST_END;
    *own = needed;
    *shown = own->item;
    return SASL_INTERACT;
}
