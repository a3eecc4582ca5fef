/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/b64.h"

#include <stdint.h>

/* Set in the value of every character outside the alphabet, in that of no other. */
#define BAD 0x80

/* clang-format off */
static const uint8_t values[256] = {
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD, BAD,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, 63,
    BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
};
/* clang-format on */

static uint8_t value_of(struct jwta_span text, size_t index)
{
    return values[(unsigned char)text.data[index]];
}

/* The last two or three characters; the bits that are left over must be zero. */
static uint8_t decode_tail(struct jwta_span text, size_t at, unsigned char *out)
{
    uint8_t a = value_of(text, at);
    uint8_t b = value_of(text, at + 1);
    uint8_t c = 0;

    out[0] = (unsigned char)(a << 2 | b >> 4);
    if (text.len - at == 2)
        return (uint8_t)(a | b | ((b & 0x0f) != 0 ? BAD : 0));
    c = value_of(text, at + 2);
    out[1] = (unsigned char)(b << 4 | c >> 2);
    return (uint8_t)(a | b | c | ((c & 0x03) != 0 ? BAD : 0));
}

enum jwta_code jwta_b64_decode(struct jwta_span text, unsigned char *out, size_t *out_len)
{
    size_t whole = text.len / 4 * 4;
    uint8_t seen = 0;

    if (text.len % 4 == 1)
        return JWTA_BASE64;
    for (size_t i = 0; i < whole; i += 4, out += 3) {
        uint8_t a = value_of(text, i);
        uint8_t b = value_of(text, i + 1);
        uint8_t c = value_of(text, i + 2);
        uint8_t d = value_of(text, i + 3);

        seen |= (uint8_t)(a | b | c | d);
        out[0] = (unsigned char)(a << 2 | b >> 4);
        out[1] = (unsigned char)(b << 4 | c >> 2);
        out[2] = (unsigned char)(c << 6 | d);
    }
    if (whole < text.len)
        seen |= decode_tail(text, whole, out);
    if ((seen & BAD) != 0)
        return JWTA_BASE64;
    *out_len = JWTA_B64_DECODED(text.len);
    return JWTA_OK;
}

void jwta_b64_encode(const unsigned char *bytes, size_t len, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = alphabet[bits >> (count - 6) & 0x3f];
    }
    if (count > 0)
        *out++ = alphabet[bits << (6 - count) & 0x3f];
    *out = '\0';
}

size_t jwta_b64_run(struct jwta_span text)
{
    size_t run = 0;

    while (run < text.len && (value_of(text, run) & BAD) == 0)
        run++;
    return run;
}

bool jwta_b64_alphabet(struct jwta_span text)
{
    uint8_t seen = 0;

    for (size_t i = 0; i < text.len; i++)
        seen |= value_of(text, i);
    return (seen & BAD) == 0;
}

bool jwta_b64_canonical(struct jwta_span text)
{
    switch (text.len % 4) {
    case 0:
        return true;
    case 1:
        return false;
    case 2:
        return (value_of(text, text.len - 1) & 0x0f) == 0;
    default:
        return (value_of(text, text.len - 1) & 0x03) == 0;
    }
}
