/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/buf.h"

#include "common/b64.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct jwta_span jwta_span(const char *data, size_t len)
{
    return (struct jwta_span){.data = data, .len = len};
}

struct jwta_span jwta_span_of(const char *text)
{
    return jwta_span(text, text != NULL ? strlen(text) : 0);
}

bool jwta_span_equal(struct jwta_span a, struct jwta_span b)
{
    if (a.data == NULL || b.data == NULL || a.len != b.len)
        return false;
    return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}

bool jwta_span_is(struct jwta_span a, const char *text)
{
    return jwta_span_equal(a, jwta_span_of(text));
}

bool jwta_secret_equal(struct jwta_span a, struct jwta_span b)
{
    if (a.data == NULL || b.data == NULL || a.len != b.len)
        return false;
    return a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}

enum jwta_code jwta_buf_reserve(struct jwta_buf *buf, size_t capacity)
{
    char *data = NULL;

    if (capacity <= buf->capacity)
        return JWTA_OK;
    /* Not realloc: it would leave the old bytes behind, unwiped. */
    data = malloc(capacity);
    if (data == NULL)
        return JWTA_MEMORY;
    if (buf->len > 0)
        memcpy(data, buf->data, buf->len);
    jwta_wipe(buf->data, buf->capacity);
    free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return JWTA_OK;
}

enum jwta_code jwta_buf_append(struct jwta_buf *buf, struct jwta_span bytes)
{
    size_t needed = 0;

    if (bytes.len == 0)
        return JWTA_OK;
    if (bytes.len > SIZE_MAX / 2 - buf->len)
        return JWTA_MEMORY;
    needed = buf->len + bytes.len;
    if (needed > buf->capacity && jwta_buf_reserve(buf, needed + needed / 2) != JWTA_OK)
        return JWTA_MEMORY;
    memcpy(buf->data + buf->len, bytes.data, bytes.len);
    buf->len = needed;
    return JWTA_OK;
}

struct jwta_span jwta_buf_span(const struct jwta_buf *buf)
{
    return jwta_span(buf->data, buf->len);
}

void jwta_buf_free(struct jwta_buf *buf)
{
    jwta_wipe(buf->data, buf->capacity);
    free(buf->data);
    *buf = (struct jwta_buf){0};
}

void jwta_wipe(void *data, size_t len)
{
    if (data != NULL && len > 0)
        OPENSSL_cleanse(data, len);
}

void jwta_wipe_string(char *text)
{
    if (text != NULL) {
        jwta_wipe(text, strlen(text));
        free(text);
    }
}

/* A longer run of the base64url alphabet could be a signature or another part of a token. */
#define RUN_MAX 64
/* Behind a part of a token also a shorter one: HS256 has 43. */
#define SIGNATURE_MIN 20

/* The shortest header there could be, `{"alg":""}` encoded, less what a cut may have taken. */
#define PART_MIN 12

/*
 * Whether a run of the alphabet begins like a JSON object with white space after its brace, and a
 * period follows it as in a token. Shorter than a header it may be a name.
 */
static bool spaced_part(struct jwta_span value, size_t run)
{
    static const char *const beginnings[] = {"eyA", "ewo", "ewk", "ew0"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (run >= PART_MIN && run < value.len && value.data[run] == '.' &&
            memcmp(value.data, beginnings[i], 3) == 0)
            return true;
    }
    return false;
}

/*
 * The run of the base64url alphabet at the start of value, and how much of it may be shown. Behind
 * the beginning of a token the run goes on over periods: a signature can be short.
 */
static size_t alphabet_run(struct jwta_span value, size_t *shown)
{
    size_t run = jwta_b64_run(value);

    *shown = run > RUN_MAX || spaced_part(value, run) ? 0 : run;
    for (size_t i = 0; i + 2 < *shown; i++) {
        if (value.data[i] == 'e' && value.data[i + 1] == 'y' && value.data[i + 2] == 'J')
            *shown = i;
    }
    while (*shown < run && run < value.len && value.data[run] == '.')
        run += 1 + jwta_b64_run(jwta_span(value.data + run + 1, value.len - run - 1));
    return run;
}

/* Writes one byte as it is, or escaped, to out (room for 4); returns how many were written. */
static size_t escape(unsigned char byte, char *out)
{
    static const char digits[] = "0123456789abcdef";

    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 0x0f];
    return 4;
}

const char *jwta_quote(struct jwta_quoted *quoted, struct jwta_span value)
{
    static const char redacted[] = "<redacted>";
    static const char more[] = "...";
    /* Room for the longest step, the mark that something is missing, the quote and the NUL. */
    const size_t last = sizeof(quoted->text) - sizeof(redacted) - sizeof(more) - 2;
    char *text = quoted->text;
    size_t used = 0;
    size_t i = 0;
    bool token = false; /* a part of one was redacted: what follows may be its signature */

    if (value.data == NULL)
        return memcpy(text, "-", 2);
    text[used++] = '"';
    while (i < value.len && used < last) {
        size_t shown = 0;
        size_t run = alphabet_run(jwta_span(value.data + i, value.len - i), &shown);

        if (run == 0) {
            used += escape((unsigned char)value.data[i++], text + used);
            continue;
        }
        if (token && run >= SIGNATURE_MIN)
            shown = 0;
        if (shown > last - used) {
            memcpy(text + used, value.data + i, last - used);
            used = last;
            break;
        }
        memcpy(text + used, value.data + i, shown);
        used += shown;
        if (shown < run) {
            token = true;
            memcpy(text + used, redacted, sizeof(redacted) - 1);
            used += sizeof(redacted) - 1;
        }
        i += run;
    }
    if (i < value.len) {
        memcpy(text + used, more, sizeof(more) - 1);
        used += sizeof(more) - 1;
    }
    text[used++] = '"';
    text[used] = '\0';
    return text;
}
