/* SPDX-License-Identifier: BSD-2-Clause */
/* roles and require: where in a token something stands, and what must stand there. */
#include "common/conf_private.h"
#include "common/json.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum jwta_require_op op;
    bool value;
} operators[] = {{"exists", JWTA_REQUIRE_EXISTS, false},
                 {"contains", JWTA_REQUIRE_CONTAINS, true},
                 {"equals", JWTA_REQUIRE_EQUALS, true}};

#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

/* "realm_access.roles" is how most providers' pages write what we call /realm_access/roles. */
static void refuse_pointer(const struct jwta_setting *setting, struct jwta_where where,
                           const char *pointer)
{
    struct jwta_nearest meant = jwta_nearest_to(pointer);
    char *guess = NULL;

    if (pointer[0] != '/' && strlen(pointer) < sizeof(meant.hint) / 2)
        guess = jwta_conf_array(setting->loader, strlen(pointer) + 2, 1);
    if (guess != NULL) {
        guess[0] = '/';
        for (size_t i = 0; pointer[i] != '\0'; i++)
            guess[i + 1] = pointer[i] == '.' ? '/' : pointer[i];
        if (jwta_json_pointer_valid(guess))
            meant.best = guess;
    }
    jwta_conf_error(setting->loader, where, "%s: %s is no JSON Pointer%s",
                    JWTA_QUOTED(setting->key->text), JWTA_QUOTED(pointer),
                    jwta_nearest_hint(&meant));
    free(guess);
}

void jwta_set_POINTERS(const struct jwta_setting *setting, void *member)
{
    struct jwta_strings *out = member;

    out->where = jwta_setting_where(setting);
    if (!jwta_setting_list(setting, setting->value, out))
        return;
    for (size_t i = 0; i < out->count; i++) {
        if (!jwta_json_pointer_valid(out->item[i].text))
            refuse_pointer(setting, out->item[i].where, out->item[i].text);
    }
}

/* The end of the word at text, and the start of the next one. */
static const char *word_end(const char *text)
{
    return text + strcspn(text, " ");
}

static const char *next_word(const char *text)
{
    return text + strspn(text, " ");
}

static void refuse_operator(const struct jwta_setting *setting,
                            const struct jwta_requirement *requirement, const char *word)
{
    struct jwta_nearest nearest = jwta_nearest_to(word);

    for (size_t i = 0; i < OPERATORS; i++)
        jwta_nearest_offer(&nearest, operators[i].name);
    jwta_conf_error(setting->loader, requirement->where,
                    "\"require\": %s is not of the form POINTER exists, POINTER contains WORD or "
                    "POINTER equals VALUE%s",
                    JWTA_QUOTED(requirement->text), jwta_nearest_hint(&nearest));
}

/* Reads operator and value, which follow the pointer. */
static void read_condition(const struct jwta_setting *setting, const char *text,
                           struct jwta_requirement *out)
{
    const char *end = word_end(text);
    const char *value = next_word(end);
    char *word = jwta_conf_copy(setting->loader, text, (size_t)(end - text));

    for (size_t i = 0; word != NULL && i < OPERATORS; i++) {
        if (strcmp(word, operators[i].name) != 0)
            continue;
        if (operators[i].value == (*value == '\0'))
            break;
        out->op = operators[i].op;
        if (operators[i].value)
            out->value = jwta_conf_copy(setting->loader, value, strlen(value));
        free(word);
        return;
    }
    if (word != NULL)
        refuse_operator(setting, out, word);
    free(word);
}

static void read_requirement(const struct jwta_setting *setting, struct jwta_requirement *out)
{
    const char *end = word_end(out->text);

    out->pointer = jwta_conf_copy(setting->loader, out->text, (size_t)(end - out->text));
    if (out->pointer == NULL)
        return;
    if (!jwta_json_pointer_valid(out->pointer))
        refuse_pointer(setting, out->where, out->pointer);
    else
        read_condition(setting, next_word(end), out);
}

void jwta_set_REQUIREMENTS(const struct jwta_setting *setting, void *member)
{
    struct jwta_requirements *out = member;
    struct jwta_strings texts = {0};

    out->where = jwta_setting_where(setting);
    if (jwta_setting_list(setting, setting->value, &texts))
        out->item = jwta_conf_array(setting->loader, texts.count, sizeof(*out->item));
    for (size_t i = 0; out->item != NULL && i < texts.count; i++) {
        struct jwta_requirement *item = &out->item[out->count++];
        item->text = texts.item[i].text;
        item->where = texts.item[i].where;
        texts.item[i].text = NULL;
        read_requirement(setting, item);
    }
    jwta_strings_clear(&texts);
}
