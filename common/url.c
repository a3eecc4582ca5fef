/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/url.h"

#include <string.h>

static const char https[] = "https://";
static const char http[] = "http://";

/* Plain http is for a provider on this host: it never leaves it by one of these. */
static bool is_loopback(struct jwta_span host)
{
    return jwta_span_is(host, "localhost") || jwta_span_is(host, "127.0.0.1") ||
           jwta_span_is(host, "[::1]");
}

/* Takes the port, where there is one, off the authority (RFC 3986 section 3.2). */
static const char *split_port(struct jwta_span authority, struct jwta_span *host)
{
    static const char digits[] = "0123456789";
    size_t end = authority.len;

    if (authority.len > 0 && authority.data[0] == '[') {
        const char *bracket = memchr(authority.data, ']', authority.len);
        if (bracket == NULL)
            return "has a host with an open bracket";
        end = (size_t)(bracket - authority.data) + 1;
    } else {
        const char *colon = memchr(authority.data, ':', authority.len);
        if (colon != NULL)
            end = (size_t)(colon - authority.data);
    }
    *host = jwta_span(authority.data, end);
    if (end == authority.len)
        return NULL;
    const char *port = authority.data + end + 1;
    size_t port_len = authority.len - end - 1;
    if (authority.data[end] != ':' || port_len == 0 || port_len > 5 ||
        strspn(port, digits) < port_len)
        return "has a port that is no number";
    return NULL;
}

static bool only_printable_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

bool jwta_url_is_plain(const char *url)
{
    return strncmp(url, http, sizeof(http) - 1) == 0;
}

const char *jwta_url_fault(const char *url, unsigned allowed)
{
    bool plain = jwta_url_is_plain(url);
    struct jwta_span host = {0};

    if (strlen(url) > JWTA_URL_MAX)
        return "is longer than 2048 bytes";
    if (!only_printable_ascii(url))
        return "has white space or characters that no URL may have";
    if (!plain && strncmp(url, https, sizeof(https) - 1) != 0)
        return "is no https:// URL";
    const char *start = url + (plain ? sizeof(http) : sizeof(https)) - 1;
    struct jwta_span authority = jwta_span(start, strcspn(start, "/?#"));
    if (memchr(authority.data, '@', authority.len) != NULL)
        return "names a user";
    const char *fault = split_port(authority, &host);
    if (fault != NULL)
        return fault;
    if (host.len == 0)
        return "names no host";
    if (plain && (allowed & JWTA_URL_PLAIN) == 0 && !is_loopback(host))
        return "is no https:// URL (http:// only to localhost, 127.0.0.1 or [::1])";
    if (strchr(start, '#') != NULL)
        return "has a fragment (#)";
    if ((allowed & JWTA_URL_QUERY) == 0 && strchr(start, '?') != NULL)
        return "has a query (?)";
    return NULL;
}
