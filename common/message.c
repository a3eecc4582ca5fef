/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/message.h"

#include <string.h>

#define FORMAT 1
#define HEAD 6 /* version, type, length */
#define FIELD_HEAD 5
static const char mark[] = {'E', 'N', 'D', '\n'};

enum type { TYPE_KEYS = 1, TYPE_REPLY = 2 };

enum field {
    FIELD_CONFIG,
    FIELD_ISSUER,
    FIELD_ETAG,
    FIELD_MODIFIED,
    FIELD_NO_CACHE,
    FIELD_STATUS,
    FIELD_BODY,
    FIELD_URI,
    FIELD_REASON,
    FIELD_FRESHNESS,
    FIELDS
};

static void put_number(unsigned char out[4], size_t value)
{
    for (int i = 3; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)(value & 0xff);
}

static size_t get_number(const char *bytes)
{
    size_t value = 0;

    for (int i = 0; i < 4; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

/* Fields by number; absent ones are left out. */
static enum jwta_code write_message(enum type type, const struct jwta_span fields[FIELDS],
                                    struct jwta_buf *out)
{
    unsigned char head[HEAD] = {FORMAT, (unsigned char)type};
    size_t length = 0;
    enum jwta_code code = JWTA_OK;

    for (size_t i = 0; i < FIELDS; i++)
        length += fields[i].data != NULL ? FIELD_HEAD + fields[i].len : 0;
    if (length > JWTA_REPLY_MAX)
        return JWTA_INTERNAL;
    put_number(head + 2, length);
    code = jwta_buf_append(out, jwta_span((const char *)head, sizeof(head)));
    for (size_t i = 0; i < FIELDS && code == JWTA_OK; i++) {
        unsigned char field[FIELD_HEAD] = {(unsigned char)i};

        if (fields[i].data == NULL)
            continue;
        put_number(field + 1, fields[i].len);
        code = jwta_buf_append(out, jwta_span((const char *)field, sizeof(field)));
        if (code == JWTA_OK)
            code = jwta_buf_append(out, fields[i]);
    }
    if (code == JWTA_OK)
        code = jwta_buf_append(out, jwta_span(mark, sizeof(mark)));
    return code;
}

size_t jwta_message_length(struct jwta_span begun)
{
    size_t length = 0;

    if (begun.len < HEAD || begun.data[0] != FORMAT)
        return 0;
    length = get_number(begun.data + 2);
    return length <= JWTA_REPLY_MAX ? HEAD + length + sizeof(mark) : 0;
}

static bool read_message(struct jwta_span message, enum type type, struct jwta_span fields[FIELDS])
{
    size_t end = 0;

    if (jwta_message_length(message) != message.len || message.len == 0 ||
        message.data[1] != (char)type)
        return false;
    end = message.len - sizeof(mark);
    if (memcmp(message.data + end, mark, sizeof(mark)) != 0)
        return false;
    for (size_t at = HEAD; at < end;) {
        size_t field = (unsigned char)message.data[at];
        size_t len = 0;

        if (end - at < FIELD_HEAD || field >= FIELDS || fields[field].data != NULL)
            return false;
        len = get_number(message.data + at + 1);
        at += FIELD_HEAD;
        if (len > end - at)
            return false;
        fields[field] = jwta_span(message.data + at, len);
        at += len;
    }
    return true;
}

enum jwta_code jwta_request_write(const struct jwta_fetch_request *request, struct jwta_buf *out)
{
    const struct jwta_span fields[FIELDS] = {
        [FIELD_CONFIG] = request->config,
        [FIELD_ISSUER] = request->issuer,
        [FIELD_ETAG] = request->etag,
        [FIELD_MODIFIED] = request->modified,
        [FIELD_NO_CACHE] = jwta_span(request->no_cache ? "1" : "0", 1),
        [FIELD_URI] = request->uri,
    };

    return write_message(TYPE_KEYS, fields, out);
}

/* Whether exactly the fields of the mask are allowed and those of need are there. */
static bool fields_are(const struct jwta_span fields[FIELDS], unsigned allowed, unsigned need)
{
    for (size_t i = 0; i < FIELDS; i++) {
        bool there = fields[i].data != NULL;

        if (there ? (allowed >> i & 1) == 0 : (need >> i & 1) != 0)
            return false;
    }
    return true;
}

#define F(name) (1U << FIELD_##name)

/* What is kept of a reply goes into the next request, which must not become too large by it. */
static bool fields_bounded(const struct jwta_span fields[FIELDS])
{
    return fields[FIELD_URI].len <= JWTA_URL_MAX && fields[FIELD_ETAG].len <= JWTA_VALIDATOR_MAX &&
           fields[FIELD_MODIFIED].len <= JWTA_VALIDATOR_MAX;
}

bool jwta_request_read(struct jwta_span message, struct jwta_fetch_request *out)
{
    struct jwta_span fields[FIELDS] = {{0}};

    if (message.len > JWTA_REQUEST_MAX || !read_message(message, TYPE_KEYS, fields) ||
        !fields_are(fields, F(CONFIG) | F(ISSUER) | F(URI) | F(ETAG) | F(MODIFIED) | F(NO_CACHE),
                    F(CONFIG) | F(ISSUER) | F(NO_CACHE)) ||
        !fields_bounded(fields) || fields[FIELD_NO_CACHE].len != 1)
        return false;
    *out = (struct jwta_fetch_request){
        .config = fields[FIELD_CONFIG],
        .issuer = fields[FIELD_ISSUER],
        .uri = fields[FIELD_URI],
        .etag = fields[FIELD_ETAG],
        .modified = fields[FIELD_MODIFIED],
        .no_cache = fields[FIELD_NO_CACHE].data[0] == '1',
    };
    return true;
}

enum jwta_code jwta_reply_write(const struct jwta_fetch_reply *reply, struct jwta_buf *out)
{
    unsigned char freshness[4];
    char status = (char)('0' + (int)reply->status);
    struct jwta_span fields[FIELDS] = {
        [FIELD_ETAG] = reply->etag,
        [FIELD_MODIFIED] = reply->modified,
        [FIELD_STATUS] = jwta_span(&status, 1),
        [FIELD_BODY] = reply->body,
        [FIELD_URI] = reply->uri,
        [FIELD_REASON] = reply->reason,
        [FIELD_FRESHNESS] = jwta_span((const char *)freshness, sizeof(freshness)),
    };

    put_number(freshness, reply->freshness);
    return write_message(TYPE_REPLY, fields, out);
}

bool jwta_reply_read(struct jwta_span message, struct jwta_fetch_reply *out)
{
    struct jwta_span fields[FIELDS] = {{0}};
    char status = 0;

    if (!read_message(message, TYPE_REPLY, fields) ||
        !fields_are(fields,
                    F(ETAG) | F(MODIFIED) | F(STATUS) | F(BODY) | F(URI) | F(REASON) | F(FRESHNESS),
                    F(STATUS) | F(FRESHNESS)) ||
        !fields_bounded(fields) || fields[FIELD_STATUS].len != 1 ||
        fields[FIELD_FRESHNESS].len != 4)
        return false;
    status = fields[FIELD_STATUS].data[0];
    if (status < '0' + JWTA_FETCH_NEW || status > '0' + JWTA_FETCH_FAILED ||
        (status == '0' + JWTA_FETCH_NEW) != (fields[FIELD_BODY].data != NULL))
        return false;
    *out = (struct jwta_fetch_reply){
        .status = (enum jwta_fetch_status)(status - '0'),
        .body = fields[FIELD_BODY],
        .etag = fields[FIELD_ETAG],
        .modified = fields[FIELD_MODIFIED],
        .uri = fields[FIELD_URI],
        .reason = fields[FIELD_REASON],
        .freshness = (uint32_t)get_number(fields[FIELD_FRESHNESS].data),
    };
    return true;
}
