/* SPDX-License-Identifier: BSD-2-Clause */
/* username and username_match: the template that makes a user name, and the pattern it must fit. */
#include "common/conf_private.h"
#include "common/json.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define LOCALPART "localpart"

/* Writes a claim's name as a JSON Pointer (RFC 6901 section 3): `~` as ~0, `/` as ~1. */
static char *pointer_to(struct jwta_loader *loader, const char *name, size_t len)
{
    char *pointer = jwta_conf_array(loader, 2 * len + 2, 1);
    size_t end = 0;

    if (pointer == NULL)
        return NULL;
    pointer[end++] = '/';
    for (size_t i = 0; i < len; i++) {
        bool escaped = name[i] == '~' || name[i] == '/';
        pointer[end++] = escaped ? '~' : name[i];
        if (escaped)
            pointer[end++] = name[i] == '~' ? '0' : '1';
    }
    return pointer;
}

static void template_error(const struct jwta_setting *setting, const char *fault)
{
    jwta_conf_error(setting->loader, jwta_setting_where(setting), "%s: %s in %s",
                    JWTA_QUOTED(setting->key->text), fault, JWTA_QUOTED(setting->value->text));
}

/* Reads what stands between `|` and `}`. */
static bool read_filter(const struct jwta_setting *setting, const char *filter, size_t len,
                        struct jwta_piece *piece)
{
    if (jwta_span_is(jwta_span(filter, len), LOCALPART)) {
        piece->kind = JWTA_PIECE_LOCALPART;
        return true;
    }
    char *name = jwta_conf_copy(setting->loader, filter, len);
    if (name == NULL)
        return false;
    struct jwta_nearest nearest = jwta_nearest_to(name);
    jwta_nearest_offer(&nearest, LOCALPART);
    jwta_conf_error(setting->loader, jwta_setting_where(setting), "%s: unknown filter %s%s",
                    JWTA_QUOTED(setting->key->text), JWTA_QUOTED(name),
                    jwta_nearest_hint(&nearest));
    free(name);
    return false;
}

/* Reads `${claim}` or `${claim|filter}` at text; returns what follows, NULL when it is wrong. */
static const char *read_claim(const struct jwta_setting *setting, const char *text,
                              struct jwta_piece *piece)
{
    if (text[1] != '{') {
        template_error(setting, "a $ that begins no ${claim}");
        return NULL;
    }
    const char *name = text + 2;
    const char *end = strchr(name, '}');
    if (end == NULL) {
        template_error(setting, "a ${ without its }");
        return NULL;
    }
    const char *bar = memchr(name, '|', (size_t)(end - name));
    size_t len = (size_t)((bar != NULL ? bar : end) - name);
    if (len == 0) {
        template_error(setting, "a ${} that names no claim");
        return NULL;
    }
    piece->kind = JWTA_PIECE_CLAIM;
    if (bar != NULL && !read_filter(setting, bar + 1, (size_t)(end - bar) - 1, piece))
        return NULL;
    piece->text = name[0] == '/' ? jwta_conf_copy(setting->loader, name, len)
                                 : pointer_to(setting->loader, name, len);
    if (piece->text == NULL)
        return NULL;
    if (!jwta_json_pointer_valid(piece->text)) {
        template_error(setting, "a JSON Pointer that is not valid");
        return NULL;
    }
    return end + 1;
}

static const char *read_literal(const struct jwta_setting *setting, const char *text,
                                struct jwta_piece *piece)
{
    size_t len = strcspn(text, "$");

    piece->kind = JWTA_PIECE_LITERAL;
    piece->text = jwta_conf_copy(setting->loader, text, len);
    return piece->text == NULL ? NULL : text + len;
}

/* How many pieces a template has at most: each `$` begins one and may end a literal before it. */
static size_t pieces_at_most(const char *text)
{
    size_t count = 1;

    for (; *text != '\0'; text++)
        count += *text == '$' ? 2 : 0;
    return count;
}

/* The claim email, wherever in the token it stands: email_verified must then be true. */
static bool is_email(const char *pointer)
{
    return strcmp(strrchr(pointer, '/'), "/email") == 0;
}

void jwta_set_TEMPLATE(const struct jwta_setting *setting, void *member)
{
    struct jwta_template *out = member;
    const char *text = jwta_setting_text(setting, setting->value);
    bool claim = false;

    out->where = jwta_setting_where(setting);
    if (text == NULL)
        return;
    out->piece = jwta_conf_array(setting->loader, pieces_at_most(text), sizeof(*out->piece));
    if (out->piece == NULL)
        return;
    while (*text != '\0') {
        struct jwta_piece *piece = &out->piece[out->count++];
        bool literal = *text != '$';
        text = literal ? read_literal(setting, text, piece) : read_claim(setting, text, piece);
        if (text == NULL)
            return;
        claim = claim || !literal;
        piece->email = !literal && is_email(piece->text);
        out->email = out->email || piece->email;
    }
    if (!claim)
        template_error(setting, "no ${claim}, so that all tokens would be one user,");
}

/* What a pattern must be beyond what regcomp asks. */
struct shape {
    bool ends_in_anchor; /* its last character is the anchor `$` */
    bool alternatives;   /* a `|` outside all parentheses: `^a|b$` is anchored at neither end */
    bool back_reference;
};

/* The end of the bracket expression that begins at text (regex(7)). */
static const char *bracket_end(const char *text)
{
    const char *at = text + 1;

    at += *at == '^';
    at += *at == ']';
    while (*at != '\0' && *at != ']') {
        if (at[0] == '[' && at[1] != '\0' && strchr(".:=", at[1]) != NULL) {
            const char close[] = {at[1], ']', '\0'};
            at = strstr(at + 2, close);
            if (at == NULL)
                return NULL;
            at++;
        }
        at++;
    }
    return *at == ']' ? at : NULL;
}

/* Of a pattern that regcomp accepts. */
static struct shape shape_of(const char *pattern)
{
    struct shape shape = {0};
    int depth = 0;

    for (const char *at = pattern; at != NULL && *at != '\0'; at++) {
        shape.ends_in_anchor = *at == '$' && depth == 0;
        if (*at == '\\' && at[1] != '\0') {
            at++;
            shape.back_reference = shape.back_reference || (*at >= '1' && *at <= '9');
            continue;
        }
        if (*at == '[') {
            at = bracket_end(at);
            if (at == NULL)
                break; /* regcomp would have refused it */
        } else if (*at == '|' && depth == 0) {
            shape.alternatives = true;
        }
        depth += (*at == '(') - (*at == ')');
    }
    return shape;
}

static const char *pattern_fault(const char *pattern)
{
    struct shape shape = shape_of(pattern);

    if (shape.back_reference)
        return "has a back-reference, which is not accepted";
    if (pattern[0] != '^' || !shape.ends_in_anchor)
        return "must begin with ^ and end with $, to match the whole name";
    if (shape.alternatives)
        return "has alternatives of which ^ and $ anchor only one each; write ^(a|b)$";
    return NULL;
}

/*
 * In the C locale a range such as [a-z] means those bytes, whatever process this is. Returns it,
 * entered for this thread, with the one to go back to in *before; (locale_t)0 without memory.
 */
static locale_t enter_plain_locale(locale_t *before)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);

    if (plain != (locale_t)0)
        *before = uselocale(plain);
    return plain;
}

static void leave_plain_locale(locale_t plain, locale_t before)
{
    uselocale(before);
    freelocale(plain);
}

static int compile(regex_t *regex, const char *pattern)
{
    locale_t before = (locale_t)0;
    locale_t plain = enter_plain_locale(&before);

    if (plain == (locale_t)0)
        return REG_ESPACE;
    int result = regcomp(regex, pattern, REG_EXTENDED);
    leave_plain_locale(plain, before);
    return result;
}

bool jwta_pattern_match(const struct jwta_pattern *pattern, const char *text, regmatch_t *group,
                        size_t count)
{
    locale_t before = (locale_t)0;
    locale_t plain = enter_plain_locale(&before);

    if (plain == (locale_t)0)
        return false;
    int result = regexec(pattern->regex, text, count, group, 0);
    leave_plain_locale(plain, before);
    return result == 0;
}

void jwta_set_PATTERN(const struct jwta_setting *setting, void *member)
{
    struct jwta_pattern *out = member;
    const char *text = jwta_setting_text(setting, setting->value);
    char reason[128];

    out->where = jwta_setting_where(setting);
    if (text == NULL)
        return;
    out->text = jwta_conf_copy(setting->loader, text, strlen(text));
    regex_t *regex = jwta_conf_array(setting->loader, 1, sizeof(*regex));
    if (regex == NULL)
        return;
    int result = compile(regex, text);
    if (result == REG_ESPACE) {
        free(regex);
        setting->loader->code = JWTA_MEMORY;
        return;
    }
    if (result != 0) {
        regerror(result, regex, reason, sizeof(reason));
        free(regex);
        jwta_conf_error(setting->loader, out->where, "%s: %s is no regular expression: %s",
                        JWTA_QUOTED(setting->key->text), JWTA_QUOTED(text), reason);
        return;
    }
    out->regex = regex;
    const char *fault = pattern_fault(text);
    if (fault != NULL)
        jwta_conf_error(setting->loader, out->where, "%s: %s %s", JWTA_QUOTED(setting->key->text),
                        JWTA_QUOTED(text), fault);
}
