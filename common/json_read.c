/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON text to jansson's values (RFC 8259), in one pass that never recurses beyond max_depth.
 * Behind jwta_json_parse; HACKING.md says why it is not jansson's own reader.
 */
#include "common/json_private.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    char *scratch;       /* as long as the text and a NUL: no string in it is longer */
    unsigned levels;     /* that may still be opened */
    enum jwta_code code; /* of the first failure */
    enum jwta_code invalid;
    const char *what;
};

static json_t *read_value(struct reader *r);

/* Every failure ends the reading at once; NULL, to be returned. */
static void *fail(struct reader *r, enum jwta_code code, const char *what)
{
    r->code = code;
    r->what = what;
    return NULL;
}

static bool refuse(struct reader *r, const char *what)
{
    (void)fail(r, r->invalid, what);
    return false;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* The next character that is no white space, or NUL at the end. */
static char peek(struct reader *r)
{
    skip_space(r);
    return r->at < r->end ? *r->at : '\0';
}

static bool take(struct reader *r, char c)
{
    if (peek(r) != c || r->at == r->end)
        return false;
    r->at++;
    return true;
}

/* Four hexadecimal digits; false if they are not there. */
static bool read_hex4(struct reader *r, unsigned *out)
{
    unsigned value = 0;

    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;

        value <<= 4;
        if (c >= '0' && c <= '9')
            value |= (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value |= (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            value |= (unsigned)(c - 'A' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

static size_t put_utf8(unsigned point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* \uXXXX, or two of them that make a pair; U+0000 and lone surrogates are refused. */
static size_t read_unicode(struct reader *r, char *out)
{
    unsigned point = 0;
    unsigned low = 0;

    if (!read_hex4(r, &point) || point == 0 || (point >= 0xdc00 && point <= 0xdfff))
        return 0;
    if (point >= 0xd800 && point <= 0xdbff) {
        if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
            return 0;
        r->at += 2;
        if (!read_hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return 0;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(point, out);
}

static size_t read_escape(struct reader *r, char *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *found = NULL;

    if (r->at == r->end)
        return 0;
    if (*r->at == 'u') {
        r->at++;
        return read_unicode(r, out);
    }
    found = *r->at != '\0' ? strchr(names, *r->at) : NULL;
    if (found == NULL)
        return 0;
    r->at++;
    *out = values[found - names];
    return 1;
}

/* Characters that stand for themselves in one byte. */
static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* What does not stand for itself in one byte: an escape, or a longer UTF-8 sequence. Its bytes. */
static size_t read_special(struct reader *r, char *out)
{
    size_t len = 0;

    if (*r->at == '\\') {
        r->at++;
        return read_escape(r, out);
    }
    /* Control characters are no first byte of a sequence either. */
    len = jwta_utf8_len((const unsigned char *)r->at, (size_t)(r->end - r->at));
    memcpy(out, r->at, len);
    r->at += len;
    return len;
}

/* After the opening quote; the text is then in scratch, terminated. */
static bool read_string(struct reader *r, size_t *len)
{
    char *out = r->scratch;

    for (;;) {
        const char *from = r->at;
        size_t step = 0;

        while (r->at < r->end && plain(*r->at))
            r->at++;
        memcpy(out, from, (size_t)(r->at - from));
        out += r->at - from;
        if (r->at == r->end)
            return refuse(r, "a string has no end");
        if (*r->at == '"')
            break;
        step = read_special(r, out);
        if (step == 0)
            return refuse(r, "invalid escape, control character or UTF-8 in a string");
        out += step;
    }
    r->at++;
    *out = '\0';
    *len = (size_t)(out - r->scratch);
    return true;
}

static json_t *checked(struct reader *r, json_t *value)
{
    return value != NULL ? value : fail(r, JWTA_MEMORY, "out of memory");
}

static json_t *read_text(struct reader *r)
{
    size_t len = 0;

    return read_string(r, &len) ? checked(r, json_stringn_nocheck(r->scratch, len)) : NULL;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The end of the number that starts at the reader, or NULL; *real: it has a fraction or exponent.
 */
static const char *number_end(const struct reader *r, bool *real)
{
    const char *first = r->at + (*r->at == '-');
    const char *p = digits(first, r->end);

    *real = false;
    if (p == first || (*first == '0' && p - first > 1))
        return NULL;
    if (p < r->end && *p == '.') {
        first = p + 1;
        p = digits(first, r->end);
        if (p == first)
            return NULL;
        *real = true;
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        first = p + 1;
        if (first < r->end && (*first == '+' || *first == '-'))
            first++;
        p = digits(first, r->end);
        if (p == first)
            return NULL;
        *real = true;
    }
    return p;
}

/* jansson knows how to read one in whatever locale the host is; out of its range is refused. */
static json_t *make_real(struct reader *r, size_t len)
{
    json_t *value = NULL;

    memcpy(r->scratch, r->at, len);
    r->scratch[len] = '\0';
    value = json_loads(r->scratch, JSON_DECODE_ANY, NULL);
    return value != NULL ? value : fail(r, r->invalid, "number out of range");
}

static json_t *make_integer(struct reader *r, const char *end)
{
    bool negative = *r->at == '-';
    json_int_t number = 0;

    /* Counted downwards: the smallest number has no positive counterpart. */
    for (const char *p = r->at + negative; p < end; p++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, *p - '0', &number))
            return fail(r, r->invalid, "number out of range");
    }
    if (!negative && __builtin_sub_overflow((json_int_t)0, number, &number))
        return fail(r, r->invalid, "number out of range");
    return checked(r, json_integer(number));
}

static json_t *read_number(struct reader *r)
{
    bool real = false;
    const char *end = number_end(r, &real);
    json_t *value = NULL;

    if (end == NULL)
        return fail(r, r->invalid, "invalid number");
    value = real ? make_real(r, (size_t)(end - r->at)) : make_integer(r, end);
    r->at = end;
    return value;
}

static json_t *read_word(struct reader *r)
{
    static const struct {
        const char *text;
        size_t len;
    } words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    json_t *values[] = {json_true(), json_false(), json_null()};

    for (size_t i = 0; i < 3; i++) {
        if ((size_t)(r->end - r->at) >= words[i].len &&
            memcmp(r->at, words[i].text, words[i].len) == 0) {
            r->at += words[i].len;
            return values[i];
        }
    }
    return fail(r, r->invalid, "invalid token");
}

/* Adds a member to the object; a name that it has already is refused (RFC 7515 section 4). */
static bool add_member(struct reader *r, json_t *object, const char *name)
{
    size_t before = json_object_size(object);
    json_t *value = NULL;

    if (!take(r, ':'))
        return refuse(r, "a colon is missing");
    value = read_value(r);
    if (value == NULL)
        return false;
    if (json_object_set_new_nocheck(object, name, value) != 0)
        return fail(r, JWTA_MEMORY, "out of memory") != NULL;
    if (json_object_size(object) == before)
        return fail(r, JWTA_DUPLICATE_MEMBER, "a member is named twice") != NULL;
    return true;
}

static bool read_member(struct reader *r, json_t *object)
{
    char small[64];
    char *name = small;
    size_t len = 0;
    bool added = false;

    if (!take(r, '"'))
        return refuse(r, "a member's name is missing");
    if (!read_string(r, &len))
        return false;
    /* The value will need the scratch. */
    if (len >= sizeof(small) && (name = malloc(len + 1)) == NULL)
        return fail(r, JWTA_MEMORY, "out of memory") != NULL;
    memcpy(name, r->scratch, len + 1);
    added = add_member(r, object, name);
    if (name != small)
        free(name);
    return added;
}

static json_t *read_object(struct reader *r)
{
    json_t *object = checked(r, json_object());

    if (object == NULL || take(r, '}'))
        return object;
    while (read_member(r, object)) {
        if (take(r, '}'))
            return object;
        if (!take(r, ',')) {
            fail(r, r->invalid, "a comma or the object's end is missing");
            break;
        }
    }
    json_decref(object);
    return NULL;
}

static json_t *read_array(struct reader *r)
{
    json_t *array = checked(r, json_array());
    json_t *value = NULL;

    if (array == NULL || take(r, ']'))
        return array;
    while ((value = read_value(r)) != NULL) {
        if (json_array_append_new(array, value) != 0) {
            fail(r, JWTA_MEMORY, "out of memory");
            break;
        }
        if (take(r, ']'))
            return array;
        if (!take(r, ',')) {
            fail(r, r->invalid, "a comma or the array's end is missing");
            break;
        }
    }
    json_decref(array);
    return NULL;
}

static json_t *read_value(struct reader *r)
{
    char c = peek(r);
    json_t *value = NULL;

    if (c == '{' || c == '[') {
        if (r->levels == 0)
            return fail(r, JWTA_TOO_DEEP, "nested too deeply");
        r->levels--;
        r->at++;
        value = c == '{' ? read_object(r) : read_array(r);
        r->levels++;
        return value;
    }
    if (c == '"') {
        r->at++;
        return read_text(r);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r);
    return read_word(r);
}

enum jwta_code jwta_json_read(struct jwta_span text, unsigned max_depth, enum jwta_code invalid,
                              json_t **out, struct jwta_why *why)
{
    char small[1024];
    struct reader r = {
        .at = text.data,
        .end = text.data + text.len,
        .levels = max_depth,
        .invalid = invalid,
    };
    json_t *value = NULL;

    r.scratch = text.len < sizeof(small) ? small : malloc(text.len + 1);
    if (r.scratch == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    value = read_value(&r);
    skip_space(&r);
    if (value != NULL && r.at != r.end) {
        json_decref(value);
        value = fail(&r, invalid, "something follows the value");
    }
    jwta_wipe(r.scratch, text.len + 1);
    if (r.scratch != small)
        free(r.scratch);
    if (value == NULL)
        return jwta_fail(why, r.code, "JSON: %s at byte %zu", r.what, (size_t)(r.at - text.data));
    *out = value;
    return JWTA_OK;
}
