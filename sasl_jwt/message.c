/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_jwt/message.h"

#include "common/text.h"

#include <stdio.h>
#include <string.h>

#define KVSEP '\x01'
#define SCHEME "Bearer"
#define HOST_MAX 255
#define PORT_MAX 65535

const char *jwta_mechanism_name(enum jwta_mechanism mechanism)
{
    return mechanism == JWTA_XOAUTH2 ? "XOAUTH2" : "OAUTHBEARER";
}

/* ------------------------------------------------------------------ characters */

static bool is_alpha(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* VCHAR (RFC 5234 appendix B.1). */
static bool is_visible(unsigned char byte)
{
    return byte > 0x20 && byte < 0x7f;
}

/* What may stand in a value (RFC 7628 section 3.1). */
static bool is_value(unsigned char byte)
{
    return is_visible(byte) || byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The same and beyond ASCII, for a name in XOAUTH2, which has no other place for it. */
static bool is_name(unsigned char byte)
{
    return byte >= 0x20 && byte != 0x7f;
}

static bool all(struct jwta_span text, bool (*is_one)(unsigned char byte))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_one((unsigned char)text.data[i]))
            return false;
    }
    return true;
}

/* b64token (RFC 6750 section 2.1): at least one character, and equals signs at the end only. */
static bool is_bearer_token(struct jwta_span text)
{
    size_t len = 0;

    while (len < text.len &&
           (is_alpha((unsigned char)text.data[len]) || is_digit((unsigned char)text.data[len]) ||
            memchr("-._~+/", text.data[len], 6) != NULL))
        len++;
    if (len == 0)
        return false;
    while (len < text.len && text.data[len] == '=')
        len++;
    return len == text.len;
}

/* ------------------------------------------------------------------ a client's message, read */

/* The message on its way; data stands before what is still to be read. */
struct reader {
    struct jwta_span rest;
    const char *fault;
};

static bool fail(struct reader *reader, const char *fault)
{
    reader->fault = fault;
    return false;
}

static bool take(struct reader *reader, char byte)
{
    if (reader->rest.len == 0 || *reader->rest.data != byte)
        return false;
    reader->rest = jwta_span(reader->rest.data + 1, reader->rest.len - 1);
    return true;
}

/* What stands before the next such byte, which is passed over; false where there is none. */
static bool take_until(struct reader *reader, char byte, struct jwta_span *out)
{
    const char *start = reader->rest.data;
    const char *stop = reader->rest.len > 0 ? memchr(start, byte, reader->rest.len) : NULL;

    if (stop == NULL)
        return false;
    *out = jwta_span(start, (size_t)(stop - start));
    reader->rest = jwta_span(stop + 1, reader->rest.len - out->len - 1);
    return true;
}

/* Decodes a saslname (RFC 5801 section 4): =2C is a comma, =3D an equals sign. */
static bool read_saslname(struct reader *reader, struct jwta_span name, char *out)
{
    size_t len = 0;

    if (name.len == 0)
        return fail(reader, "a= names nobody");
    if (memchr(name.data, '\0', name.len) != NULL)
        return fail(reader, "a= has a NUL in it");
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];

        if (byte == '=') {
            if (name.len - i >= 3 && memcmp(name.data + i, "=2C", 3) == 0)
                byte = ',';
            else if (name.len - i < 3 || memcmp(name.data + i, "=3D", 3) != 0)
                return fail(reader, "a= has an equals sign that is no escape");
            i += 2;
        }
        if (len + 1 >= JWTA_USER_MAX)
            return fail(reader, "the authzid is too long");
        out[len++] = byte;
    }
    out[len] = '\0';
    return true;
}

/* gs2-header (RFC 5801 section 4), then kvsep. There is no channel binding here. */
static bool read_gs2_header(struct reader *reader, struct jwta_client_response *out)
{
    struct jwta_span authzid = {0};

    if (take(reader, 'F'))
        return fail(reader, "the GS2 flag F is for mechanisms of GSS-API");
    if (take(reader, 'p'))
        return fail(reader, "channel binding is not supported");
    if (!take(reader, 'n') && !take(reader, 'y'))
        return fail(reader, "it begins with no GS2 header");
    if (!take(reader, ',') || !take_until(reader, ',', &authzid))
        return fail(reader, "the GS2 header has not two commas");
    if (authzid.len > 0) {
        if (authzid.len < 2 || memcmp(authzid.data, "a=", 2) != 0)
            return fail(reader, "the GS2 header has something else than a=");
        if (!read_saslname(reader, jwta_span(authzid.data + 2, authzid.len - 2), out->authzid))
            return false;
    }
    return take(reader, KVSEP) || fail(reader, "no separator follows the GS2 header");
}

/* The keys that mean something. Each may be given once. */
enum key { KEY_AUTH, KEY_HOST, KEY_PORT, KEY_USER, KEY_COUNT };

/* The values of these keys, borrowed; absent where the key is. */
struct pairs {
    struct jwta_span value[KEY_COUNT];
};

static bool known_key(enum jwta_mechanism mechanism, struct jwta_span name, enum key *out)
{
    static const char *const names[JWTA_MECHANISM_COUNT][KEY_COUNT] = {
        [JWTA_OAUTHBEARER] = {[KEY_AUTH] = "auth", [KEY_HOST] = "host", [KEY_PORT] = "port"},
        [JWTA_XOAUTH2] = {[KEY_AUTH] = "auth", [KEY_USER] = "user"},
    };

    for (int key = 0; key < KEY_COUNT; key++) {
        if (names[mechanism][key] != NULL && jwta_span_is(name, names[mechanism][key])) {
            *out = (enum key)key;
            return true;
        }
    }
    return false;
}

/* kvpair */
static bool read_pair(struct reader *reader, enum jwta_mechanism mechanism, struct pairs *pairs)
{
    struct jwta_span pair = {0};
    struct jwta_span name = {0};
    struct jwta_span value = {0};
    struct reader inside = {0};
    enum key key = KEY_COUNT;
    bool known = false;

    if (!take_until(reader, KVSEP, &pair))
        return fail(reader, "a separator is missing at the end");
    inside.rest = pair;
    if (!take_until(&inside, '=', &name) || name.len == 0 || !all(name, is_alpha))
        return fail(reader, "a key is not made of letters");
    value = inside.rest;
    known = known_key(mechanism, name, &key);
    if (!all(value, known && key == KEY_USER ? is_name : is_value))
        return fail(reader, "a value has bytes that may not stand there");
    if (known && pairs->value[key].data != NULL)
        return fail(reader, "a key is given twice");
    if (known)
        pairs->value[key] = value;
    return true;
}

/* *kvpair kvsep, and nothing behind. */
static bool read_pairs(struct reader *reader, enum jwta_mechanism mechanism, struct pairs *pairs)
{
    while (!take(reader, KVSEP)) {
        if (!read_pair(reader, mechanism, pairs))
            return false;
    }
    return reader->rest.len == 0 || fail(reader, "something follows the end");
}

/* "the destination port … decimal positive integer … without leading zeros" (section 3.1) */
static bool is_port(struct jwta_span text)
{
    unsigned port = 0;

    if (text.len == 0 || text.len > 5 || text.data[0] == '0' || !all(text, is_digit))
        return false;
    for (size_t i = 0; i < text.len; i++)
        port = 10 * port + (unsigned)(text.data[i] - '0');
    return port <= PORT_MAX;
}

static bool is_host(struct jwta_span text)
{
    return text.len > 0 && text.len <= HOST_MAX && all(text, is_visible);
}

static bool read_user(struct reader *reader, struct jwta_span user,
                      struct jwta_client_response *out)
{
    if (user.data == NULL || user.len == 0)
        return fail(reader, "user= names nobody");
    if (user.len >= JWTA_USER_MAX)
        return fail(reader, "the user name is too long");
    memcpy(out->authzid, user.data, user.len);
    out->authzid[user.len] = '\0';
    return true;
}

/* "Bearer", in any case, one space and a token (RFC 6750 section 2.1, RFC 9110 section 11.1). */
static void read_credential(struct jwta_span auth, struct jwta_client_response *out)
{
    const size_t len = sizeof(SCHEME) - 1;
    struct jwta_span token = {0};

    out->credential = JWTA_CREDENTIAL_OTHER;
    if (auth.len == 0)
        out->credential = JWTA_CREDENTIAL_NONE;
    if (auth.len <= len || auth.data[len] != ' ' ||
        jwta_text_compare(jwta_span(auth.data, len), jwta_span_of(SCHEME)) != 0)
        return;
    token = jwta_span(auth.data + len + 1, auth.len - len - 1);
    if (!is_bearer_token(token))
        return;
    out->credential = JWTA_CREDENTIAL_BEARER;
    out->token = token;
}

static bool read_response(struct reader *reader, enum jwta_mechanism mechanism,
                          struct jwta_client_response *out)
{
    struct pairs pairs = {0};

    if (reader->rest.len == 0)
        return fail(reader, "it is empty");
    if (reader->rest.len > JWTA_RESPONSE_MAX)
        return fail(reader, "it is longer than any token needs");
    if (mechanism == JWTA_OAUTHBEARER && !read_gs2_header(reader, out))
        return false;
    if (!read_pairs(reader, mechanism, &pairs))
        return false;
    if (pairs.value[KEY_AUTH].data == NULL)
        return fail(reader, "auth= is missing");
    if (pairs.value[KEY_HOST].data != NULL && !is_host(pairs.value[KEY_HOST]))
        return fail(reader, "host= is no name of a host");
    if (pairs.value[KEY_PORT].data != NULL && !is_port(pairs.value[KEY_PORT]))
        return fail(reader, "port= is no number of a port");
    if (mechanism == JWTA_XOAUTH2 && !read_user(reader, pairs.value[KEY_USER], out))
        return false;
    read_credential(pairs.value[KEY_AUTH], out);
    return true;
}

bool jwta_client_response_read(enum jwta_mechanism mechanism, struct jwta_span message,
                               struct jwta_client_response *out, const char **fault)
{
    struct jwta_client_response read = {0};
    struct reader reader = {.rest = message};

    if (!read_response(&reader, mechanism, &read)) {
        *fault = reader.fault;
        return false;
    }
    *out = read;
    return true;
}

/* ------------------------------------------------------------------ a client's message, written */

static bool is_authzid(struct jwta_span name)
{
    return name.len > 0 && name.len < JWTA_USER_MAX && all(name, is_name);
}

static enum jwta_code append(struct jwta_buf *out, const char *text)
{
    return jwta_buf_append(out, jwta_span_of(text));
}

/* A pair with its separator. The value is absent: nothing. */
static enum jwta_code append_pair(struct jwta_buf *out, const char *start, struct jwta_span value)
{
    enum jwta_code code = JWTA_OK;

    if (value.data == NULL)
        return JWTA_OK;
    code = append(out, start);
    if (code == JWTA_OK)
        code = jwta_buf_append(out, value);
    return code == JWTA_OK ? append(out, "\x01") : code;
}

static enum jwta_code append_saslname(struct jwta_buf *out, struct jwta_span name)
{
    enum jwta_code code = JWTA_OK;

    for (size_t i = 0; code == JWTA_OK && i < name.len; i++) {
        if (name.data[i] == ',')
            code = append(out, "=2C");
        else if (name.data[i] == '=')
            code = append(out, "=3D");
        else
            code = jwta_buf_append(out, jwta_span(name.data + i, 1));
    }
    return code;
}

static enum jwta_code append_gs2_header(struct jwta_buf *out, struct jwta_span authzid)
{
    enum jwta_code code = append(out, "n,");

    if (code == JWTA_OK && authzid.data != NULL) {
        code = append(out, "a=");
        if (code == JWTA_OK)
            code = append_saslname(out, authzid);
    }
    return code == JWTA_OK ? append(out, ",\x01") : code;
}

static enum jwta_code append_place(struct jwta_buf *out, const struct jwta_client_request *request)
{
    char digits[16] = "";
    enum jwta_code code = append_pair(out, "host=", request->host);

    if (code != JWTA_OK || request->port == 0)
        return code;
    (void)snprintf(digits, sizeof(digits), "%u", request->port);
    return append_pair(out, "port=", jwta_span_of(digits));
}

static enum jwta_code check_request(enum jwta_mechanism mechanism,
                                    const struct jwta_client_request *request)
{
    bool named = request->authzid.data != NULL;

    if (named ? !is_authzid(request->authzid) : mechanism == JWTA_XOAUTH2)
        return JWTA_USER_INVALID;
    if (!is_bearer_token(request->token))
        return JWTA_NOT_JWT;
    if (request->host.data != NULL && !is_host(request->host))
        return JWTA_INTERNAL;
    return request->port <= PORT_MAX ? JWTA_OK : JWTA_INTERNAL;
}

enum jwta_code jwta_client_response_write(enum jwta_mechanism mechanism,
                                          const struct jwta_client_request *request,
                                          struct jwta_buf *out)
{
    /* At once, so that the token is copied once. */
    size_t room = out->len + request->token.len + request->host.len + 3 * request->authzid.len + 64;
    enum jwta_code code = check_request(mechanism, request);

    if (code == JWTA_OK)
        code = jwta_buf_reserve(out, room);
    if (code == JWTA_OK && mechanism == JWTA_XOAUTH2) {
        code = append_pair(out, "user=", request->authzid);
    } else if (code == JWTA_OK) {
        code = append_gs2_header(out, request->authzid);
        if (code == JWTA_OK)
            code = append_place(out, request);
    }
    if (code == JWTA_OK)
        code = append_pair(out, "auth=" SCHEME " ", request->token);
    return code == JWTA_OK ? append(out, "\x01") : code;
}
