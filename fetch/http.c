/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/http.h"

#include "common/message.h"
#include "common/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define REDIRECTS_MAX 3
#define CONNECT_MS 5000

struct http {
    CURL *curl;
    struct http_options options;
    int64_t deadline; /* milliseconds of the monotonic clock */
    char error[CURL_ERROR_SIZE];
};

/* What the callbacks of one transfer fill. */
struct transfer {
    struct http_answer *answer;
    bool too_large;
    bool has_max_age;
    bool uncacheable;
    int64_t max_age;
    int64_t age;
};

static int64_t now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct http *http_open(const struct http_options *options)
{
    struct http *http = calloc(1, sizeof(*http));

    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return NULL;
    }
    http->options = *options;
    http->deadline = now_ms() + options->milliseconds;
    http->curl = curl_easy_init();
    if (http->curl == NULL)
        http_close(&http);
    return http;
}

void http_close(struct http **http)
{
    if (*http == NULL)
        return;
    curl_easy_cleanup((*http)->curl);
    curl_global_cleanup();
    free(*http);
    *http = NULL;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * count;

    if (len > JWTA_BODY_MAX - transfer->answer->body.len) {
        transfer->too_large = true;
        return 0;
    }
    return jwta_buf_append(&transfer->answer->body, jwta_span(data, len)) == JWTA_OK ? len : 0;
}

/* A header's value if it has this name, without the white space around it. */
static bool header_is(struct jwta_span line, const char *name, struct jwta_span *value)
{
    size_t len = strlen(name);

    if (line.len <= len || strncasecmp(line.data, name, len) != 0 || line.data[len] != ':')
        return false;
    *value = jwta_span(line.data + len + 1, line.len - len - 1);
    while (value->len > 0 && strchr(" \t", value->data[0]) != NULL) {
        value->data++;
        value->len--;
    }
    while (value->len > 0 && strchr(" \t\r\n", value->data[value->len - 1]) != NULL)
        value->len--;
    return true;
}

static bool digits(struct jwta_span text, int64_t *out)
{
    int64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        if (value < INT64_C(1) << 40) /* more is for ever anyway */
            value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

/* Cache-Control (RFC 9111 section 5.2.2), directive by directive. */
static void on_cache_control(struct transfer *transfer, struct jwta_span value)
{
    static const char max_age[] = "max-age=";

    while (value.len > 0) {
        const char *comma = memchr(value.data, ',', value.len);
        size_t len = comma != NULL ? (size_t)(comma - value.data) : value.len;
        struct jwta_span word = jwta_span(value.data, len);

        value = jwta_span(value.data + len + (comma != NULL), value.len - len - (comma != NULL));
        while (word.len > 0 && word.data[0] == ' ')
            word = jwta_span(word.data + 1, word.len - 1);
        while (word.len > 0 && word.data[word.len - 1] == ' ')
            word.len--;
        if (word.len > sizeof(max_age) - 1 &&
            strncasecmp(word.data, max_age, sizeof(max_age) - 1) == 0 &&
            digits(jwta_span(word.data + sizeof(max_age) - 1, word.len - (sizeof(max_age) - 1)),
                   &transfer->max_age))
            transfer->has_max_age = true;
        else if ((word.len == 8 && (strncasecmp(word.data, "no-store", 8) == 0 ||
                                    strncasecmp(word.data, "no-cache", 8) == 0)))
            transfer->uncacheable = true;
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct jwta_span line = jwta_span(data, size * count);
    struct jwta_span value = {0};
    enum jwta_code code = JWTA_OK;

    /* The headers of a new answer, behind a redirect or a proxy: those before do not count. */
    if (line.len > 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        jwta_buf_free(&transfer->answer->etag);
        jwta_buf_free(&transfer->answer->modified);
        jwta_buf_free(&transfer->answer->body);
        *transfer = (struct transfer){.answer = transfer->answer};
    } else if (header_is(line, "ETag", &value) && value.len <= JWTA_VALIDATOR_MAX) {
        jwta_buf_free(&transfer->answer->etag);
        code = jwta_buf_append(&transfer->answer->etag, value);
    } else if (header_is(line, "Last-Modified", &value) && value.len <= JWTA_VALIDATOR_MAX) {
        jwta_buf_free(&transfer->answer->modified);
        code = jwta_buf_append(&transfer->answer->modified, value);
    } else if (header_is(line, "Cache-Control", &value)) {
        on_cache_control(transfer, value);
    } else if (header_is(line, "Age", &value)) {
        (void)digits(value, &transfer->age);
    }
    return code == JWTA_OK ? line.len : 0;
}

static uint32_t freshness(const struct transfer *transfer)
{
    int64_t seconds =
        transfer->has_max_age ? transfer->max_age - transfer->age : HTTP_FRESHNESS_DEFAULT;

    if (transfer->uncacheable || seconds < HTTP_FRESHNESS_FLOOR)
        return HTTP_FRESHNESS_FLOOR;
    return seconds > HTTP_FRESHNESS_CEILING ? HTTP_FRESHNESS_CEILING : (uint32_t)seconds;
}

static bool add_header(struct curl_slist **headers, const char *name, struct jwta_span value)
{
    struct curl_slist *longer = NULL;
    char *line = NULL;

    if (value.len == 0)
        return true;
    if (asprintf(&line, "%s: %.*s", name, (int)value.len, value.data) < 0)
        return false;
    longer = curl_slist_append(*headers, line);
    free(line);
    if (longer != NULL)
        *headers = longer;
    return longer != NULL;
}

static bool make_headers(const struct http_request *request, struct curl_slist **headers)
{
    return add_header(headers, "Accept", jwta_span_of("application/json")) &&
           add_header(headers, "If-None-Match", request->etag) &&
           add_header(headers, "If-Modified-Since", request->modified) &&
           add_header(headers, "Cache-Control",
                      jwta_span_of(request->no_cache ? "no-cache" : NULL));
}

#define SET(option, value) (curl_easy_setopt(curl, option, value) == CURLE_OK)

/* What holds of every request. Nothing is left to a default that the environment could change. */
static bool set_rules(struct http *http, long left)
{
    CURL *curl = http->curl;

    return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_ERRORBUFFER, http->error) &&
           SET(CURLOPT_USERAGENT, "jwtauth-fetch/" JWTA_VERSION) &&
           SET(CURLOPT_FOLLOWLOCATION, 1L) && SET(CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX) &&
           SET(CURLOPT_REDIR_PROTOCOLS_STR, "https") && SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(CURLOPT_NOPROXY, "") &&
           SET(CURLOPT_PROXY, http->options.proxy != NULL ? http->options.proxy : "") &&
           (http->options.ca_file == NULL ||
            (SET(CURLOPT_CAINFO, http->options.ca_file) && SET(CURLOPT_CAPATH, NULL))) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) && SET(CURLOPT_TIMEOUT_MS, left) &&
           SET(CURLOPT_MAXFILESIZE, (long)JWTA_BODY_MAX) &&
           SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) && SET(CURLOPT_WRITEFUNCTION, on_body) &&
           SET(CURLOPT_HEADERFUNCTION, on_header);
}

bool http_get(struct http *http, const struct http_request *request, struct http_answer *answer,
              struct jwta_why *why)
{
    CURL *curl = http->curl;
    struct transfer transfer = {.answer = answer};
    struct curl_slist *headers = NULL;
    int64_t left = http->deadline - now_ms();
    const char *fault = jwta_url_fault(request->url, JWTA_URL_QUERY);
    CURLcode result = CURLE_FAILED_INIT;

    *answer = (struct http_answer){0};
    if (fault != NULL || left <= 0) {
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s %s", request->url,
                        fault != NULL ? fault : "is asked too late: out of time");
        return false;
    }
    curl_easy_reset(curl);
    http->error[0] = '\0';
    if (make_headers(request, &headers) && set_rules(http, (long)left) &&
        SET(CURLOPT_PROTOCOLS_STR, jwta_url_is_plain(request->url) ? "http" : "https") &&
        SET(CURLOPT_URL, request->url) && SET(CURLOPT_HTTPHEADER, headers) &&
        SET(CURLOPT_WRITEDATA, &transfer) && SET(CURLOPT_HEADERDATA, &transfer))
        result = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (result == CURLE_OK &&
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status) == CURLE_OK) {
        answer->freshness = freshness(&transfer);
        return true;
    }
    /* What libcurl says of this transfer has all that its general text has, and more. */
    (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s: %s", request->url,
                    transfer.too_large || result == CURLE_FILESIZE_EXCEEDED
                        ? "the body is larger than 1 MiB"
                    : http->error[0] != '\0' ? http->error
                                             : curl_easy_strerror(result));
    return false;
}

void http_answer_free(struct http_answer *answer)
{
    jwta_buf_free(&answer->body);
    jwta_buf_free(&answer->etag);
    jwta_buf_free(&answer->modified);
}
