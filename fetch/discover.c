/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/discover.h"

#include "common/json.h"
#include "common/keyset.h"
#include "common/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_DEPTH 8
#define STATUS_OK 200
#define STATUS_NOT_MODIFIED 304

bool metadata_location(const char *issuer, unsigned index, char **url)
{
    const char *host = strstr(issuer, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    size_t len = strlen(issuer);
    size_t origin = path != NULL ? (size_t)(path - issuer) : len;
    int made = -1;

    /* A terminating "/" goes before anything is added (both documents say so). */
    while (len > 0 && issuer[len - 1] == '/')
        len--;
    if (origin > len)
        origin = len;
    *url = NULL;
    switch (index) {
    case 0:
        made = asprintf(url, "%.*s/.well-known/openid-configuration", (int)len, issuer);
        break;
    case 1:
        made = asprintf(url, "%.*s/.well-known/oauth-authorization-server%.*s", (int)origin, issuer,
                        (int)(len - origin), issuer + origin);
        break;
    default:
        return false;
    }
    if (made < 0)
        *url = NULL;
    return true;
}

char *metadata_jwks_uri(struct jwta_span document, const char *issuer, struct jwta_why *why)
{
    struct jwta_quoted quoted;
    struct jwta_span said = {0};
    struct jwta_span uri = {0};
    json_t *metadata = NULL;
    char *copy = NULL;
    const char *fault = NULL;
    enum jwta_code code =
        jwta_json_parse(document, METADATA_DEPTH, JWTA_KEYS_UNAVAILABLE, &metadata, why);

    if (code == JWTA_OK)
        code = jwta_json_string(metadata, "issuer", JWTA_KEYS_UNAVAILABLE, &said, why);
    if (code == JWTA_OK)
        code = jwta_json_string(metadata, "jwks_uri", JWTA_KEYS_UNAVAILABLE, &uri, why);
    if (code != JWTA_OK)
        goto out;
    if (uri.data != NULL)
        fault = jwta_url_fault(uri.data, JWTA_URL_QUERY);
    /* A place that is reached over the network has no say in what runs on this host. */
    if (fault == NULL && uri.data != NULL && jwta_url_is_plain(uri.data) &&
        !jwta_url_is_plain(issuer))
        fault = "is no https:// URL";
    if (!jwta_span_is(said, issuer))
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "the metadata is of issuer %s, not %s",
                        jwta_quote(&quoted, said), issuer);
    else if (uri.data == NULL)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "the metadata has no jwks_uri");
    else if (fault != NULL)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "jwks_uri %s %s", jwta_quote(&quoted, uri),
                        fault);
    else if ((copy = strndup(uri.data, uri.len)) == NULL)
        (void)jwta_fail(why, JWTA_MEMORY, "out of memory");
out:
    json_decref(metadata);
    return copy;
}

/* Adds to the reason that a location has no metadata: whoever reads it sees what was asked. */
static void add_status(struct jwta_why *why, const char *url, long status)
{
    const struct jwta_why before = *why;

    (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s%s%s: HTTP status %ld", before.text,
                    before.text[0] != '\0' ? "; " : "", url, status);
}

/* Asks the well-known locations in turn; where one answers, its word is final. */
static char *discover(struct http *http, const char *issuer, bool no_cache, struct jwta_why *why)
{
    char *url = NULL;
    char *uri = NULL;
    bool answered = false;

    for (unsigned i = 0; !answered && uri == NULL && metadata_location(issuer, i, &url); i++) {
        const struct http_request request = {.url = url, .no_cache = no_cache};
        struct http_answer answer = {0};

        if (url == NULL) {
            (void)jwta_fail(why, JWTA_MEMORY, "out of memory");
            return NULL;
        }
        if (!http_get(http, &request, &answer, why)) {
            answered = true; /* what cannot be reached will not be at another path */
        } else if (answer.status == STATUS_OK) {
            answered = true;
            uri = metadata_jwks_uri(jwta_buf_span(&answer.body), issuer, why);
        } else {
            add_status(why, url, answer.status);
        }
        http_answer_free(&answer);
        free(url);
    }
    return uri;
}

/* A body that is handed back is a JWK set with a key in it that can verify, and without a secret.
 */
static bool usable(struct jwta_span body, struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    struct jwta_keyset_entry entry;
    bool found = false;

    if (jwta_keyset_parse(body, &set, why) != JWTA_OK)
        return false;
    for (size_t i = 0; !found && jwta_keyset_at(set, i, &entry); i++)
        found = entry.usable == JWTA_OK;
    if (jwta_keyset_symmetric(set)) {
        (void)jwta_fail(why, JWTA_KEYS_INSECURE, "the key set publishes a symmetric key");
        found = false;
    } else if (!found)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "the key set has no usable key");
    jwta_keyset_unref(&set);
    return found;
}

void fetch_keys(struct http *http, const struct jwta_issuer *issuer,
                const struct jwta_fetch_request *request, struct http_answer *answer, char **uri,
                struct jwta_fetch_reply *reply, struct jwta_why *why)
{
    struct http_request get = {.no_cache = request->no_cache};
    bool got = false;

    *reply = (struct jwta_fetch_reply){.status = JWTA_FETCH_FAILED};
    *uri = issuer->jwks.kind == JWTA_JWKS_URL
               ? strdup(issuer->jwks.place)
               : discover(http, issuer->issuer.text, request->no_cache, why);
    if (*uri != NULL) {
        get.url = *uri;
        /* Validators are of one resource (RFC 9110 section 8.8): another may have the same. */
        if (jwta_span_is(request->uri, *uri)) {
            get.etag = request->etag;
            get.modified = request->modified;
        }
        got = http_get(http, &get, answer, why);
    }
    if (got && answer->status == STATUS_NOT_MODIFIED &&
        (get.etag.data != NULL || get.modified.data != NULL))
        reply->status = JWTA_FETCH_UNCHANGED;
    else if (got && answer->status != STATUS_OK)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s: HTTP status %ld", *uri, answer->status);
    else if (got && usable(jwta_buf_span(&answer->body), why))
        reply->status = JWTA_FETCH_NEW;
    if (reply->status == JWTA_FETCH_FAILED) {
        reply->reason = jwta_span_of(why->text);
        return;
    }
    if (reply->status == JWTA_FETCH_NEW)
        reply->body = jwta_buf_span(&answer->body);
    reply->uri = jwta_span_of(*uri);
    reply->etag = jwta_buf_span(&answer->etag);
    reply->modified = jwta_buf_span(&answer->modified);
    reply->freshness = answer->freshness;
}
