/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/yaml.h"

#include "common/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* What is being parsed, and where to say what is wrong with it. */
struct reader {
    yaml_parser_t parser;
    struct jwta_span text;
    unsigned *line;
    struct jwta_why *why;
};

struct jwta_node *jwta_node_list(enum jwta_node_kind kind, unsigned line)
{
    struct jwta_node *node = calloc(1, sizeof(*node));

    if (node != NULL) {
        node->kind = kind;
        node->line = line;
    }
    return node;
}

struct jwta_node *jwta_node_scalar(const char *text, unsigned line)
{
    struct jwta_node *node = jwta_node_list(JWTA_NODE_SCALAR, line);

    if (node == NULL)
        return NULL;
    node->text = strdup(text);
    if (node->text == NULL)
        jwta_node_free(&node);
    return node;
}

enum jwta_code jwta_node_append(struct jwta_node *parent, struct jwta_node *child)
{
    if (child == NULL)
        return JWTA_MEMORY;
    /* Room is for the next power of two: it runs out when the number of children is one. */
    if ((parent->children & (parent->children - 1)) == 0) {
        size_t room = parent->children == 0 ? 1 : parent->children * 2;
        struct jwta_node **grown = reallocarray(parent->child, room, sizeof(struct jwta_node *));
        if (grown == NULL) {
            jwta_node_free(&child);
            return JWTA_MEMORY;
        }
        parent->child = grown;
    }
    parent->child[parent->children++] = child;
    return JWTA_OK;
}

void jwta_node_free(struct jwta_node **node)
{
    if (*node == NULL)
        return;
    for (size_t i = 0; i < (*node)->children; i++)
        jwta_node_free(&(*node)->child[i]);
    free((*node)->child);
    free((*node)->text);
    free(*node);
    *node = NULL;
}

static unsigned line_of(const yaml_event_t *event)
{
    return (unsigned)event->start_mark.line + 1;
}

/* Bytes that libyaml cannot read have an offset but no line. */
static unsigned line_at(struct jwta_span text, size_t offset)
{
    unsigned line = 1;

    for (size_t i = 0; i < text.len && i < offset; i++)
        line += text.data[i] == '\n';
    return line;
}

static enum jwta_code refuse(const struct reader *reader, unsigned line, const char *what)
{
    *reader->line = line;
    return jwta_fail(reader->why, JWTA_CONF_INVALID, "%s", what);
}

/* What libyaml itself found wrong. */
static enum jwta_code refuse_syntax(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;

    switch (parser->error) {
    case YAML_MEMORY_ERROR:
        return jwta_fail(reader->why, JWTA_MEMORY, "out of memory");
    case YAML_READER_ERROR:
        return refuse(reader, line_at(reader->text, parser->problem_offset), parser->problem);
    default:
        break;
    }
    *reader->line = (unsigned)parser->problem_mark.line + 1;
    if (parser->context == NULL)
        return jwta_fail(reader->why, JWTA_CONF_INVALID, "%s", parser->problem);
    return jwta_fail(reader->why, JWTA_CONF_INVALID, "%s %s", parser->problem, parser->context);
}

static enum jwta_code next_event(struct reader *reader, yaml_event_t *event)
{
    return yaml_parser_parse(&reader->parser, event) ? JWTA_OK : refuse_syntax(reader);
}

/* The ways of YAML's core schema to write null: an unquoted one is a value left out. */
static bool is_null(const yaml_event_t *event)
{
    static const char *const null[] = {"", "~", "null", "Null", "NULL"};
    const char *text = (const char *)event->data.scalar.value;

    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(null) / sizeof(null[0]); i++) {
        if (strcmp(text, null[i]) == 0)
            return true;
    }
    return false;
}

/* Makes an event's node, without its children; NULL with the reason in *code. */
static struct jwta_node *node_of(const struct reader *reader, const yaml_event_t *event,
                                 enum jwta_node_kind kind, const void *anchor, const void *tag,
                                 enum jwta_code *code)
{
    unsigned line = line_of(event);
    struct jwta_node *node = NULL;

    if (anchor != NULL) {
        *code = refuse(reader, line, "an anchor (&) is not accepted");
        return NULL;
    }
    if (tag != NULL) {
        *code = refuse(reader, line, "a tag (!) is not accepted");
        return NULL;
    }
    if (kind != JWTA_NODE_SCALAR) {
        node = jwta_node_list(kind, line);
    } else if (jwta_text_has_control(
                   jwta_span((const char *)event->data.scalar.value, event->data.scalar.length))) {
        *code = refuse(reader, line, "a control character or line break in a value");
        return NULL;
    } else {
        node = jwta_node_scalar((const char *)event->data.scalar.value, line);
    }
    *code = node != NULL ? JWTA_OK : jwta_fail(reader->why, JWTA_MEMORY, "out of memory");
    return node;
}

static enum jwta_code check_key(const struct reader *reader, const yaml_event_t *event)
{
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
        return refuse(reader, line_of(event), "a key must be one word or text");
    if (event->type != YAML_SCALAR_EVENT)
        return JWTA_OK;
    if (is_null(event))
        return refuse(reader, line_of(event), "a key is missing");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        strcmp((const char *)event->data.scalar.value, "<<") == 0)
        return refuse(reader, line_of(event), "a merge key (<<) is not accepted");
    return JWTA_OK;
}

static enum jwta_code check_value(const struct reader *reader, const yaml_event_t *event,
                                  const struct jwta_node *key)
{
    struct jwta_quoted quoted;

    if (event->type != YAML_SCALAR_EVENT || !is_null(event))
        return JWTA_OK;
    if (key == NULL)
        return refuse(reader, line_of(event), "an entry of a list is empty");
    *reader->line = key->line;
    return jwta_fail(reader->why, JWTA_CONF_INVALID, "%s has no value",
                     jwta_quote(&quoted, jwta_span_of(key->text)));
}

static int compare_keys(const void *a, const void *b)
{
    const struct jwta_node *const *left = a;
    const struct jwta_node *const *right = b;
    int order = strcmp((*left)->text, (*right)->text);

    if (order != 0)
        return order;
    return ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

/* Sorted, equal keys are neighbours: a role table may have thousands. */
static enum jwta_code check_duplicates(const struct reader *reader, const struct jwta_node *mapping)
{
    enum jwta_code code = JWTA_OK;
    size_t count = mapping->children / 2;
    const struct jwta_node **keys = NULL;

    if (count < 2)
        return JWTA_OK;
    keys = calloc(count, sizeof(*keys));
    if (keys == NULL)
        return jwta_fail(reader->why, JWTA_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        keys[i] = mapping->child[2 * i];
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < count && code == JWTA_OK; i++) {
        struct jwta_quoted quoted;
        if (strcmp(keys[i - 1]->text, keys[i]->text) != 0)
            continue;
        *reader->line = keys[i]->line;
        code = jwta_fail(reader->why, JWTA_CONF_INVALID, "%s is here a second time, after line %u",
                         jwta_quote(&quoted, jwta_span_of(keys[i]->text)), keys[i - 1]->line);
    }
    free(keys);
    return code;
}

static enum jwta_code parse_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
                                 struct jwta_node **out);

/* Parses the children of a list up to its end. In a mapping they are key, value, key, value. */
static enum jwta_code parse_children(struct reader *reader, struct jwta_node *list, unsigned depth)
{
    const yaml_event_type_t end =
        list->kind == JWTA_NODE_MAPPING ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    enum jwta_code code = JWTA_OK;
    bool at_end = false;

    while (code == JWTA_OK && !at_end) {
        bool in_mapping = list->kind == JWTA_NODE_MAPPING;
        bool key = in_mapping && list->children % 2 == 0;
        struct jwta_node *child = NULL;
        yaml_event_t event;

        code = next_event(reader, &event);
        if (code != JWTA_OK)
            break;
        at_end = event.type == end;
        if (!at_end) {
            code = key ? check_key(reader, &event)
                       : check_value(reader, &event,
                                     in_mapping ? list->child[list->children - 1] : NULL);
            if (code == JWTA_OK)
                code = parse_node(reader, &event, depth, &child);
            if (code == JWTA_OK)
                code = jwta_node_append(list, child);
        }
        yaml_event_delete(&event);
    }
    if (code == JWTA_OK && list->kind == JWTA_NODE_MAPPING)
        code = check_duplicates(reader, list);
    return code;
}

/* Parses the node that event begins; the event stays the caller's. */
static enum jwta_code parse_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
                                 struct jwta_node **out)
{
    enum jwta_code code = JWTA_OK;
    struct jwta_node *node = NULL;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        *out = node_of(reader, event, JWTA_NODE_SCALAR, event->data.scalar.anchor,
                       event->data.scalar.tag, &code);
        return code;
    case YAML_SEQUENCE_START_EVENT:
        node = node_of(reader, event, JWTA_NODE_SEQUENCE, event->data.sequence_start.anchor,
                       event->data.sequence_start.tag, &code);
        break;
    case YAML_MAPPING_START_EVENT:
        node = node_of(reader, event, JWTA_NODE_MAPPING, event->data.mapping_start.anchor,
                       event->data.mapping_start.tag, &code);
        break;
    case YAML_ALIAS_EVENT:
        return refuse(reader, line_of(event), "an alias (*) is not accepted");
    default:
        return refuse(reader, line_of(event), "unexpected content");
    }
    if (code == JWTA_OK && depth > JWTA_YAML_DEPTH)
        code = refuse(reader, line_of(event), "nested too deeply");
    if (code == JWTA_OK)
        code = parse_children(reader, node, depth + 1);
    if (code != JWTA_OK)
        jwta_node_free(&node);
    *out = node;
    return code;
}

/* The root, from the start of its document; a document of nothing is an empty mapping. */
static enum jwta_code parse_root(struct reader *reader, const yaml_event_t *start,
                                 struct jwta_node **root)
{
    enum jwta_code code = JWTA_OK;
    yaml_event_t event;

    if (start->data.document_start.version_directive != NULL ||
        start->data.document_start.tag_directives.start !=
            start->data.document_start.tag_directives.end)
        return refuse(reader, line_of(start), "a directive (%) is not accepted");
    code = next_event(reader, &event);
    if (code != JWTA_OK)
        return code;
    if (event.type == YAML_SCALAR_EVENT && is_null(&event) && event.data.scalar.length == 0 &&
        event.data.scalar.anchor == NULL && event.data.scalar.tag == NULL)
        *root = jwta_node_list(JWTA_NODE_MAPPING, line_of(&event));
    else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT)
        code = refuse(reader, line_of(&event), "the document must be a mapping (keyword: value)");
    else
        code = parse_node(reader, &event, 1, root);
    yaml_event_delete(&event);
    if (code == JWTA_OK && *root == NULL)
        code = jwta_fail(reader->why, JWTA_MEMORY, "out of memory");
    return code;
}

/* The stream: at most one document. */
static enum jwta_code parse_stream(struct reader *reader, struct jwta_node **root)
{
    enum jwta_code code = JWTA_OK;
    bool at_end = false;

    while (code == JWTA_OK && !at_end) {
        yaml_event_t event;
        code = next_event(reader, &event);
        if (code != JWTA_OK)
            break;
        at_end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && *root != NULL)
            code = refuse(reader, line_of(&event), "a second document is not accepted");
        else if (event.type == YAML_DOCUMENT_START_EVENT)
            code = parse_root(reader, &event, root);
        yaml_event_delete(&event);
    }
    if (code == JWTA_OK && *root == NULL) {
        *root = jwta_node_list(JWTA_NODE_MAPPING, 1);
        if (*root == NULL)
            code = jwta_fail(reader->why, JWTA_MEMORY, "out of memory");
    }
    return code;
}

static bool starts_as_utf16(struct jwta_span text)
{
    return text.data != NULL && text.len >= 2 &&
           (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0);
}

enum jwta_code jwta_yaml_parse(struct jwta_span text, struct jwta_node **root, unsigned *line,
                               struct jwta_why *why)
{
    struct reader reader = {.text = text, .line = line, .why = why};
    const unsigned char *input = (const unsigned char *)(text.data != NULL ? text.data : "");
    struct jwta_node *parsed = NULL;

    *line = 0;
    if (starts_as_utf16(text))
        return refuse(&reader, 1, "UTF-16 is not accepted, only UTF-8");
    if (!yaml_parser_initialize(&reader.parser))
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, input, text.len);
    enum jwta_code code = parse_stream(&reader, &parsed);
    yaml_parser_delete(&reader.parser);
    if (code != JWTA_OK)
        jwta_node_free(&parsed);
    else
        *root = parsed;
    return code;
}
