/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/auth_private.h"
#include "common/b64.h"
#include "common/json.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One verification on its way. */
struct run {
    struct jwta_verifier *verifier;
    const struct jwta_request *request;
    struct jwta_result *result;
    struct jwta_jws jws;
    json_t *unverified; /* the payload; only its iss is looked at before the signature holds */
    struct jwta_span iss;
};

static enum jwta_code step_service(struct run *run)
{
    struct jwta_result *result = run->result;
    struct jwta_quoted quoted;

    result->service = jwta_conf_service(run->verifier->conf, run->request->service);
    if (result->service == NULL)
        return jwta_fail(&result->why, JWTA_NO_SERVICE, "services: has no section %s",
                         jwta_quote(&quoted, jwta_span_of(run->request->service)));
    return JWTA_OK;
}

static enum jwta_code step_bounds(struct run *run)
{
    return jwta_jws_split(run->request->token, &run->jws, &run->result->why);
}

static enum jwta_code step_header(struct run *run)
{
    struct jwta_result *result = run->result;
    enum jwta_code code = JWTA_OK;

    result->header = jwta_known_find(run->verifier, run->jws.header);
    if (result->header == NULL)
        code = jwta_header_read(run->jws.header, &result->header, &result->why);
    if (code == JWTA_OK) {
        result->alg = result->header->alg;
        result->kid = result->header->kid;
    }
    return code;
}

static enum jwta_code parse_payload(struct run *run)
{
    unsigned char text[JWTA_B64_DECODED(JWTA_TOKEN_MAX)];
    size_t len = 0;
    enum jwta_code code = JWTA_OK;

    if (jwta_b64_decode(run->jws.payload, text, &len) != JWTA_OK)
        return jwta_fail(&run->result->why, JWTA_BASE64, "the payload is not strict base64url");
    code = jwta_json_parse(jwta_span((const char *)text, len), JWTA_PAYLOAD_DEPTH,
                           JWTA_PAYLOAD_JSON, &run->unverified, &run->result->why);
    jwta_wipe(text, len);
    return code;
}

/* The unverified iss chooses among the service's configured issuers, byte for byte. */
static enum jwta_code step_issuer(struct run *run)
{
    struct jwta_result *result = run->result;
    struct jwta_quoted quoted;
    struct jwta_quoted expected;
    enum jwta_code code = parse_payload(run);

    if (code == JWTA_OK)
        code = jwta_json_string(run->unverified, "iss", JWTA_CLAIM_TYPE, &run->iss, &result->why);
    if (code != JWTA_OK)
        return code;
    if (run->iss.data == NULL)
        return jwta_fail(&result->why, JWTA_ISS_MISSING, "iss is absent");
    for (size_t i = 0; i < result->service->issuer_count; i++) {
        if (jwta_span_is(run->iss, result->service->issuer[i]->issuer.text)) {
            result->issuer = result->service->issuer[i];
            return JWTA_OK;
        }
    }
    result->decided.rule = result->service->issuers.where;
    return jwta_fail(&result->why, JWTA_ISS_UNKNOWN,
                     "issuer %s is none of the service's issuers (%s:%u), such as %s",
                     jwta_quote(&quoted, run->iss), result->service->issuers.where.file,
                     result->service->issuers.where.line,
                     jwta_quote(&expected, jwta_span_of(result->service->issuer[0]->issuer.text)));
}

static enum jwta_code step_algorithm(struct run *run)
{
    struct jwta_result *result = run->result;

    if (jwta_algs_has(result->issuer->algorithms.set, result->alg))
        return JWTA_OK;
    result->decided.rule = result->issuer->algorithms.where;
    return jwta_fail(&result->why, JWTA_ALG_NOT_ALLOWED,
                     "alg is %s, which algorithms of issuer %s does not list", result->alg->name,
                     result->issuer->name);
}

/*
 * The keys to try, from the issuer's current set. A kid (or, without one, an algorithm) that it
 * does not have may be that of a key that the issuer has just begun to use.
 */
static enum jwta_code find_keys(struct run *run, struct jwta_keyset **set,
                                struct jwta_key *tries[JWTA_KEY_TRIES], size_t *count, bool *more)
{
    struct jwta_result *result = run->result;
    struct jwta_keyset *newer = NULL;
    /* A cache goes by the clock; what the token is judged by (request->now) may be any time. */
    int64_t clock =
        result->issuer->jwks.kind == JWTA_JWKS_FILE ? run->request->now : (int64_t)time(NULL);
    enum jwta_code code =
        jwta_keys_get(run->verifier->keys, result->issuer, clock, set, &result->why);

    if (code != JWTA_OK)
        return code;
    code = jwta_keyset_find(*set, result->kid, result->alg, tries, count, more, &result->why);
    if (code != JWTA_NO_KEY ||
        jwta_keys_renew(run->verifier->keys, result->issuer, clock, *set, &newer, NULL) != JWTA_OK)
        return code;
    jwta_keyset_unref(set);
    *set = newer;
    return jwta_keyset_find(*set, result->kid, result->alg, tries, count, more, &result->why);
}

static enum jwta_code step_signature(struct run *run)
{
    struct jwta_result *result = run->result;
    struct jwta_keyset *set = NULL;
    struct jwta_key *tries[JWTA_KEY_TRIES] = {NULL};
    size_t count = 0;
    bool more = false;
    enum jwta_code code = find_keys(run, &set, tries, &count, &more);

    if (code == JWTA_OK)
        code = jwta_jws_verify_any(tries, count, more, result->alg, &run->jws, &result->why);
    jwta_keyset_unref(&set);
    if (code != JWTA_OK)
        return code;
    jwta_known_add(run->verifier, run->jws.header, result->header);
    /* From here on the payload is the issuer's word. */
    result->payload = run->unverified;
    run->unverified = NULL;
    return JWTA_OK;
}

/* A value with its length before it, so that no two pairs of values run into the same bytes. */
static bool hash_value(EVP_MD_CTX *context, struct jwta_span value)
{
    unsigned char len[4] = {(unsigned char)(value.len >> 24), (unsigned char)(value.len >> 16),
                            (unsigned char)(value.len >> 8), (unsigned char)value.len};

    return EVP_DigestUpdate(context, len, sizeof(len)) == 1 &&
           EVP_DigestUpdate(context, value.data, value.len) == 1;
}

/* The token's name in the log: a hash of issuer and jti. */
static void name_token(struct run *run)
{
    static const char digits[] = "0123456789abcdef";
    struct jwta_result *result = run->result;
    struct jwta_span id = jwta_json_text(json_object_get(result->payload, "jti"));
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = NULL;

    if (id.data == NULL || (context = EVP_MD_CTX_new()) == NULL)
        return;
    (void)ERR_set_mark();
    if (EVP_DigestInit_ex2(context, run->verifier->sha256, NULL) == 1 &&
        hash_value(context, run->iss) && hash_value(context, id) &&
        EVP_DigestFinal_ex(context, digest, NULL) == 1) {
        for (size_t i = 0; i < sizeof(result->token_hash) / 2; i++) {
            result->token_hash[2 * i] = digits[digest[i] >> 4];
            result->token_hash[2 * i + 1] = digits[digest[i] & 0x0f];
        }
    }
    (void)ERR_pop_to_mark();
    EVP_MD_CTX_free(context);
}

static enum jwta_code step_claims(struct run *run)
{
    struct jwta_result *result = run->result;
    enum jwta_code code = JWTA_OK;

    name_token(run);
    code = jwta_claims_check(result->header, result->payload, run->verifier->conf, result->issuer,
                             result->service, run->request->now, run->request->trace,
                             &result->claims, &result->why);
    result->decided.rule = result->claims.rule;
    return code;
}

static enum jwta_code step_policy(struct run *run)
{
    struct jwta_result *result = run->result;
    struct jwta_quoted quoted;
    bool need_account = run->request->need_account || result->service->local_user.value;
    const struct jwta_policy_request request = {
        .user = run->request->user,
        .authzid = run->request->authzid,
        .host = need_account ? run->verifier->accounts : run->verifier->host,
        .trace = run->request->trace,
    };
    enum jwta_code code =
        jwta_policy_decide(run->verifier->conf, result->issuer, result->service, result->payload,
                           &request, &result->decided, &result->why);

    if (code != JWTA_OK || !need_account)
        return code;
    if (!result->decided.account) {
        if (!run->request->need_account)
            result->decided.rule = result->service->local_user.where;
        code = jwta_fail(&result->why, JWTA_USER_UNKNOWN, "there is no local user %s",
                         jwta_quote(&quoted, jwta_span_of(result->decided.user)));
    }
    jwta_trace_step(run->request->trace, "account", code, code == JWTA_OK ? NULL : &result->why);
    return code;
}

static const struct {
    const char *name;
    enum jwta_code (*run)(struct run *run);
    bool traced; /* reports its own steps */
} steps[] = {
    {"service", step_service, false},     {"bounds", step_bounds, false},
    {"header", step_header, false},       {"issuer", step_issuer, false},
    {"algorithm", step_algorithm, false}, {"signature", step_signature, false},
    {"claims", step_claims, true},        {"policy", step_policy, true},
};

static void audit(const struct run *run, enum jwta_code code, const struct timespec *start)
{
    const struct jwta_request *request = run->request;
    const struct jwta_result *result = run->result;
    const struct jwta_where *rule = &result->decided.rule;
    struct timespec end = {0};
    char place[JWTA_QUOTE_MAX];
    int64_t issued = INT64_MIN;
    int64_t age = -1;

    if (run->verifier->log == NULL)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    /* Also of a token whose claims are refused: its age often is the reason. */
    if (jwta_numeric_date(json_object_get(result->payload, "iat"), "iat", true, &issued, NULL) ==
            JWTA_OK &&
        issued != INT64_MIN)
        age = request->now > issued ? request->now - issued : 0;
    (void)snprintf(place, sizeof(place), "%s:%u", rule->file != NULL ? rule->file : "", rule->line);
    jwta_log_audit(
        run->verifier->log,
        &(struct jwta_audit){
            .reason = code,
            .observe = result->service != NULL && result->service->observe.value,
            .detail = code == JWTA_OK ? NULL : result->why.text,
            .service = jwta_span_of(request->service),
            .user = result->decided.user[0] != '\0' ? jwta_span_of(result->decided.user)
                                                    : jwta_span_of(request->user),
            .authzid = jwta_span_of(request->authzid),
            .name = jwta_span_of(code == JWTA_OK ? result->decided.name : NULL),
            .mapped = result->decided.user[0] != '\0',
            .subject = jwta_json_text(json_object_get(result->payload, "sub")),
            .issuer = jwta_span_of(result->issuer != NULL ? result->issuer->issuer.text : NULL),
            .kid = result->kid,
            .alg = jwta_span_of(result->alg != NULL ? result->alg->name : NULL),
            .token = jwta_span_of(result->token_hash),
            .remote = jwta_span_of(request->remote),
            .age = age,
            .rule = rule->file != NULL ? place : NULL,
            .elapsed = (end.tv_sec - start->tv_sec) * INT64_C(1000000) +
                       (end.tv_nsec - start->tv_nsec) / 1000,
        });
}

/* Whether a good token was refused: for want of a scope, or for what its user may do. */
static bool insufficient(const struct jwta_result *result, enum jwta_code code)
{
    return code != JWTA_OK && jwta_code_class(code) == JWTA_CLASS_DENIED &&
           (code == JWTA_SCOPE || result->decided.user[0] != '\0');
}

void jwta_auth(struct jwta_verifier *verifier, const struct jwta_request *request,
               struct jwta_result *result)
{
    struct run run = {.verifier = verifier, .request = request, .result = result};
    struct timespec start = {0};
    enum jwta_code code = JWTA_INTERNAL;

    memset(result, 0, sizeof(*result));
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        code = steps[i].run(&run);
        if (!steps[i].traced)
            jwta_trace_step(request->trace, steps[i].name, code,
                            code == JWTA_OK ? NULL : &result->why);
        if (code != JWTA_OK)
            break;
    }
    audit(&run, code, &start);
    result->why.code = code;
    result->authenticated = insufficient(result, code);
    if (code == JWTA_OK && result->service->observe.value) {
        result->observed = true;
        result->decided.rule = result->service->observe.where;
        (void)jwta_fail(&result->why, JWTA_OBSERVED, "would be allowed; observe is on (%s:%u)",
                        result->service->observe.where.file, result->service->observe.where.line);
    } else if (code == JWTA_OK) {
        result->outcome = JWTA_ALLOWED;
    }
    json_decref(run.unverified);
}

void jwta_result_free(struct jwta_result *result)
{
    jwta_decision_free(&result->decided);
    json_decref(result->payload);
    jwta_header_unref(&result->header);
    memset(result, 0, sizeof(*result));
}
