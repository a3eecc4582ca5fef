/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/query.h"

#include "cli/lookup.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum option_id {
    OPT_CONFIG = 256,
    OPT_SERVICE,
    OPT_USER,
    OPT_AUTHZID,
    OPT_JWKS,
    OPT_ISSUER,
    OPT_AUDIENCE,
    OPT_ALGORITHMS,
    OPT_NOW,
    OPT_PASSWD,
    OPT_GROUP,
    OPT_HOST_NAME,
    OPT_SIGNATURE_ONLY,
    OPT_JSON
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"service", required_argument, NULL, OPT_SERVICE},
    {"user", required_argument, NULL, OPT_USER},
    {"authzid", required_argument, NULL, OPT_AUTHZID},
    {"jwks", required_argument, NULL, OPT_JWKS},
    {"issuer", required_argument, NULL, OPT_ISSUER},
    {"audience", required_argument, NULL, OPT_AUDIENCE},
    {"algorithms", required_argument, NULL, OPT_ALGORITHMS},
    {"now", required_argument, NULL, OPT_NOW},
    {"passwd", required_argument, NULL, OPT_PASSWD},
    {"group", required_argument, NULL, OPT_GROUP},
    {"host-name", required_argument, NULL, OPT_HOST_NAME},
    {"signature-only", no_argument, NULL, OPT_SIGNATURE_ONLY},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

static enum jwta_exit parse_now(const char *text, int64_t *now)
{
    char *end = NULL;
    long long value = 0;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return jwta_cli_usage("--now takes seconds since the epoch");
    *now = value;
    return JWTA_EXIT_ACCEPTED;
}

/* Names separated by commas or spaces. */
static enum jwta_exit parse_algorithms(const char *text, struct jwta_algs *set)
{
    struct jwta_quoted quoted;

    *set = (struct jwta_algs){0};
    for (const char *p = text + strspn(text, ", "); *p != '\0'; p += strspn(p, ", ")) {
        size_t len = strcspn(p, ", ");
        const struct jwta_alg *alg = jwta_alg_find(jwta_span(p, len));

        if (alg == NULL)
            return jwta_cli_usage("--algorithms: %s is not implemented",
                                  jwta_quote(&quoted, jwta_span(p, len)));
        *set = jwta_algs_add(*set, alg);
        p += len;
    }
    if (set->bits == 0)
        return jwta_cli_usage("--algorithms names none");
    return JWTA_EXIT_ACCEPTED;
}

static enum jwta_exit take_option(struct query *query, int id)
{
    switch (id) {
    case OPT_CONFIG:
        query->config = optarg;
        break;
    case OPT_SERVICE:
        query->service = optarg;
        break;
    case OPT_USER:
        query->user = optarg;
        break;
    case OPT_AUTHZID:
        query->authzid = optarg;
        break;
    case OPT_JWKS:
        query->jwks = optarg;
        break;
    case OPT_ISSUER:
        query->issuer = optarg;
        break;
    case OPT_AUDIENCE:
        query->audience = optarg;
        break;
    case OPT_ALGORITHMS:
        return parse_algorithms(optarg, &query->algorithms);
    case OPT_NOW:
        return parse_now(optarg, &query->now);
    case OPT_PASSWD:
        query->files.passwd = optarg;
        break;
    case OPT_GROUP:
        query->files.group = optarg;
        break;
    case OPT_HOST_NAME:
        query->files.name = optarg;
        break;
    case OPT_SIGNATURE_ONLY:
        query->signature_only = true;
        break;
    case OPT_JSON:
        query->json = true;
        break;
    default: /* getopt has said what is wrong */
        return JWTA_EXIT_USAGE;
    }
    return JWTA_EXIT_ACCEPTED;
}

/* Which options make sense together. */
static enum jwta_exit check_options(const struct query *query)
{
    if (query->signature_only && query->jwks == NULL)
        return jwta_cli_usage("--signature-only needs --jwks");
    if (query->signature_only &&
        (query->issuer != NULL || query->audience != NULL || query->user != NULL))
        return jwta_cli_usage("--signature-only looks at no issuer, audience or user");
    if (query->jwks != NULL && query->config != NULL)
        return jwta_cli_usage("--jwks and --config exclude each other");
    if (query->jwks != NULL && !query->signature_only &&
        (query->issuer == NULL || query->audience == NULL))
        return jwta_cli_usage("--jwks needs --issuer and --audience, or --signature-only");
    if (query->jwks != NULL && query->authzid != NULL)
        return jwta_cli_usage(
            "--authzid goes with a configuration, which says who may act as whom");
    if (query->jwks == NULL && (query->issuer != NULL || query->audience != NULL))
        return jwta_cli_usage("--issuer and --audience go with --jwks");
    if (query->jwks == NULL && query->algorithms.bits != jwta_algs_all().bits)
        return jwta_cli_usage("--algorithms goes with --jwks; the configuration lists them itself");
    return JWTA_EXIT_ACCEPTED;
}

/* All of standard input but one line end; what is too long stays too long, so that it is refused.
 */
static enum jwta_exit read_token(struct jwta_buf *token)
{
    if (jwta_buf_reserve(token, JWTA_TOKEN_MAX + 4) != JWTA_OK)
        return jwta_cli_usage("out of memory");
    while (token->len < token->capacity) {
        ssize_t got = read(STDIN_FILENO, token->data + token->len, token->capacity - token->len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return jwta_cli_usage("cannot read the token from standard input");
        if (got == 0)
            break;
        token->len += (size_t)got;
    }
    if (token->len > 0 && token->data[token->len - 1] == '\n')
        token->len--;
    if (token->len > 0 && token->data[token->len - 1] == '\r')
        token->len--;
    return JWTA_EXIT_ACCEPTED;
}

enum jwta_exit query_read(int argc, char **argv, struct query *query)
{
    enum jwta_exit code = JWTA_EXIT_ACCEPTED;
    int id = 0;

    *query = (struct query){.now = time(NULL), .algorithms = jwta_algs_all()};
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        code = take_option(query, id);
        if (code != JWTA_EXIT_ACCEPTED)
            return code;
    }
    if (optind < argc)
        return jwta_cli_usage("an argument too many; the token is read from standard input");
    query->host =
        query->files.passwd != NULL || query->files.group != NULL || query->files.name != NULL
            ? jwta_host_from_files(&query->files)
            : jwta_host_system;
    code = check_options(query);
    return code == JWTA_EXIT_ACCEPTED ? read_token(&query->token) : code;
}

void problems_print(const struct jwta_problems *problems, bool warnings, FILE *to)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct jwta_problem *problem = &problems->item[i];

        if (!problem->error && !warnings)
            continue;
        if (problem->line > 0)
            (void)fprintf(to, "%s:%u: %s: %s\n", problem->file, problem->line,
                          problem->error ? "error" : "warning", problem->text);
        else
            (void)fprintf(to, "%s: %s: %s\n", problem->file, problem->error ? "error" : "warning",
                          problem->text);
    }
}

/* Without --service, a configuration's only one. */
static enum jwta_exit choose_service(struct query *query)
{
    const struct jwta_conf *conf = jwta_verifier_conf(query->verifier);

    if (query->service != NULL)
        return JWTA_EXIT_ACCEPTED;
    if (conf->service_count != 1)
        return jwta_cli_usage("--service is needed: the configuration has %zu services",
                              conf->service_count);
    query->service = conf->services[0].name;
    return JWTA_EXIT_ACCEPTED;
}

enum jwta_exit query_open(struct query *query, enum jwta_code *code)
{
    const struct jwta_verifier_options opening = {
        .path = query->config,
        .expected = geteuid(),
        .host = &query->host,
    };
    struct jwta_problems problems = {0};

    if (query->jwks != NULL) {
        struct jwta_conf *conf = lookup_conf(query);

        *code = conf == NULL
                    ? JWTA_MEMORY
                    : jwta_verifier_from_conf(&conf, &opening, JWTA_FILE_ANY, &query->verifier);
    } else {
        *code = jwta_verifier_open(&opening, &query->verifier, &problems);
    }
    if (*code != JWTA_OK) {
        problems_print(&problems, false, stderr);
        if (problems.errors == 0)
            (void)jwta_cli_usage("%s", jwta_code_text(*code));
    }
    jwta_problems_free(&problems);
    return *code == JWTA_OK ? choose_service(query) : jwta_cli_exit(jwta_code_class(*code));
}

void query_decide(struct query *query, const struct jwta_trace *trace, struct jwta_result *result)
{
    struct jwta_request request = {
        .token = jwta_buf_span(&query->token),
        .service = query->service,
        .user = query->jwks == NULL ? query->user : NULL,
        .authzid = query->authzid,
        .now = query->now,
        .trace = trace,
    };

    jwta_auth(query->verifier, &request, result);
    if (query->jwks != NULL)
        lookup_user(query, result);
}

void query_free(struct query *query)
{
    jwta_buf_free(&query->token);
    jwta_verifier_close(&query->verifier);
}
