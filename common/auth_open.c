/* SPDX-License-Identifier: BSD-2-Clause */
/* A verifier from its configuration. */
#include "common/auth_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static void log_problems(const struct jwta_log *log, const char *path, enum jwta_code code,
                         const struct jwta_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct jwta_problem *problem = &problems->item[i];

        if (problem->error && problem->line > 0)
            jwta_log(log, JWTA_LOG_ERROR, "configuration: %s:%u: %s", problem->file, problem->line,
                     problem->text);
        else if (problem->error)
            jwta_log(log, JWTA_LOG_ERROR, "configuration: %s: %s", problem->file, problem->text);
    }
    if (problems->errors == 0)
        jwta_log(log, JWTA_LOG_ERROR, "configuration: %s: %s", path, jwta_code_text(code));
}

enum jwta_code jwta_verifier_open(const struct jwta_verifier_options *options,
                                  struct jwta_verifier **out, struct jwta_problems *problems)
{
    const char *path = options->path != NULL ? options->path : JWTA_CONF_PATH_DEFAULT;
    const struct jwta_host *host = options->host != NULL ? options->host : &jwta_host_system;
    struct jwta_problems own = {0};
    struct jwta_problems *found = problems != NULL ? problems : &own;
    struct jwta_conf *conf = NULL;
    enum jwta_code code = jwta_conf_load(path, options->expected, host, &conf, found);

    if (code != JWTA_OK)
        log_problems(options->log, path, code, found);
    else
        code = jwta_verifier_from_conf(&conf, options, JWTA_FILE_TRUSTED, out);
    jwta_problems_free(&own);
    return code;
}

static enum jwta_code open_keys(struct jwta_verifier *verifier,
                                const struct jwta_verifier_options *options,
                                enum jwta_file_trust trust)
{
    const struct jwta_keys_options keys = {
        .config = options->path != NULL ? options->path : JWTA_CONF_PATH_DEFAULT,
        .expected = options->expected,
        .trust = trust,
        .fetch = options->fetch,
        .refresher = options->refresher,
        .log = options->log,
        .pinned = options->pinned,
    };

    return jwta_keys_new(verifier->conf, &keys, &verifier->keys);
}

/* A pinned verifier asks nobody about users where it can do without. */
static enum jwta_code choose_host(struct jwta_verifier *verifier,
                                  const struct jwta_verifier_options *options)
{
    enum jwta_code code = JWTA_OK;

    verifier->host = options->host != NULL ? options->host : &jwta_host_system;
    verifier->accounts = verifier->host;
    if (!options->pinned || options->host != NULL)
        return JWTA_OK;
    code = jwta_host_snapshot_new(NULL, (uid_t)verifier->conf->min_uid.value, &verifier->snapshot);
    if (code != JWTA_OK) {
        jwta_log(options->log, JWTA_LOG_ERROR, "/etc/passwd: %s", strerror(errno));
        return code;
    }
    verifier->host = jwta_host_snapshot_users(verifier->snapshot);
    verifier->accounts = jwta_host_snapshot_accounts(verifier->snapshot);
    return JWTA_OK;
}

enum jwta_code jwta_verifier_from_conf(struct jwta_conf **conf,
                                       const struct jwta_verifier_options *options,
                                       enum jwta_file_trust keys_trust, struct jwta_verifier **out)
{
    struct jwta_verifier *verifier = calloc(1, sizeof(*verifier));
    enum jwta_code code = JWTA_OK;

    if (verifier == NULL) {
        jwta_conf_free(conf);
        return JWTA_MEMORY;
    }
    verifier->conf = *conf;
    *conf = NULL;
    verifier->log = options->log;
    code = choose_host(verifier, options);
    if (code != JWTA_OK)
        goto out;
    (void)ERR_set_mark();
    verifier->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    (void)ERR_pop_to_mark();
    code = verifier->sha256 == NULL ? JWTA_CRYPTO : open_keys(verifier, options, keys_trust);
out:
    if (code == JWTA_OK)
        *out = verifier;
    else
        jwta_verifier_close(&verifier);
    return code;
}

void jwta_verifier_close(struct jwta_verifier **verifier)
{
    if (*verifier == NULL)
        return;
    jwta_known_clear(*verifier);
    jwta_keys_free(&(*verifier)->keys);
    jwta_conf_free(&(*verifier)->conf);
    jwta_host_snapshot_free(&(*verifier)->snapshot);
    EVP_MD_free((*verifier)->sha256);
    free(*verifier);
    *verifier = NULL;
}

const struct jwta_conf *jwta_verifier_conf(const struct jwta_verifier *verifier)
{
    return verifier->conf;
}
