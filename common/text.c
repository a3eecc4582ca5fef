/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/text.h"

#include <string.h>

size_t jwta_utf8_len(const unsigned char *text, size_t left)
{
    /* First byte from … to …, the range of the second, and the length; others are 80 to BF. */
    static const struct {
        unsigned char first, last, second_first, second_last;
        size_t len;
    } rows[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (text[0] < rows[i].first || text[0] > rows[i].last)
            continue;
        if (left < rows[i].len || text[1] < rows[i].second_first || text[1] > rows[i].second_last)
            return 0;
        for (size_t j = 2; j < rows[i].len; j++) {
            if ((text[j] & 0xc0) != 0x80)
                return 0;
        }
        return rows[i].len;
    }
    return 0;
}

bool jwta_text_has_control(struct jwta_span text)
{
    const unsigned char *at = (const unsigned char *)text.data;

    for (size_t i = 0; i < text.len; i++) {
        if (at[i] < 0x20 || at[i] == 0x7f)
            return true;
        if (at[i] == 0xc2 && i + 1 < text.len && at[i + 1] < 0xa0)
            return true;
        if (at[i] == 0xe2 && i + 2 < text.len && at[i + 1] == 0x80 &&
            (at[i + 2] == 0xa8 || at[i + 2] == 0xa9))
            return true;
    }
    return false;
}

bool jwta_text_valid(struct jwta_span text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t len = 0;

    for (size_t i = 0; i < text.len; i += len) {
        len = at[i] < 0x80 ? 1 : jwta_utf8_len(at + i, text.len - i);
        if (len == 0)
            return false;
    }
    return text.data != NULL && !jwta_text_has_control(text);
}

static int folded(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : (unsigned char)letter;
}

int jwta_text_compare(struct jwta_span a, struct jwta_span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < shorter; i++) {
        int order = folded(a.data[i]) - folded(b.data[i]);

        if (order != 0)
            return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

void jwta_text_one_line(char *out, size_t size, struct jwta_span text)
{
    static const char more[] = "...";
    size_t len = text.len < size ? text.len : size - sizeof(more);

    for (size_t i = 0; i < len; i++) {
        char byte = text.data[i];

        out[i] = byte == '"' ? '\'' : '?';
        if (byte >= 0x20 && byte < 0x7f && byte != '"')
            out[i] = byte;
    }
    memcpy(out + len, text.len > len ? more : "", text.len > len ? sizeof(more) : 1);
}
