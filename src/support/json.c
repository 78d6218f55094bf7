/* json: JSON as it is written, value by value, indented for people. What is opened flat stands on one line. */
#include "support/support.h"

Json json_new(Text *to) { return (Json){.to = to}; }

/* Comma, line and key before a value; key NULL: an element of an array. */
static void begin(Json *j, const char *key) {
    if (j->depth > 0) {
        JsonLevel *level = &j->levels[j->depth - 1];
        text_add(j->to, level->filled ? "," : "");
        if (!level->flat)
            text_add(j->to, "\n%*s", 2 * j->depth, "");
        else if (level->filled)
            text_add(j->to, " ");
        level->filled = true;
    }
    if (!key) return;
    text_add_json(j->to, key);
    text_add(j->to, ": ");
}

static void open(Json *j, const char *key, char bracket, char closing, bool flat) {
    begin(j, key);
    if (j->depth == JSON_MOST_DEPTH) INTERNAL_ERROR("JSON of more than %d levels", JSON_MOST_DEPTH);
    flat |= j->depth > 0 && j->levels[j->depth - 1].flat;
    j->levels[j->depth++] = (JsonLevel){closing, flat, false};
    text_add_bytes(j->to, &bracket, 1);
}

void json_object(Json *j, const char *key) { open(j, key, '{', '}', false); }
void json_array(Json *j, const char *key) { open(j, key, '[', ']', false); }
void json_flat_object(Json *j, const char *key) { open(j, key, '{', '}', true); }
void json_flat_array(Json *j, const char *key) { open(j, key, '[', ']', true); }

void json_close(Json *j) {
    const JsonLevel *level = &j->levels[--j->depth];
    if (!level->flat && level->filled) text_add(j->to, "\n%*s", 2 * j->depth, "");
    text_add_bytes(j->to, &level->closing, 1);
    if (j->depth == 0) text_add(j->to, "\n");
}

void json_null(Json *j, const char *key) {
    begin(j, key);
    text_add(j->to, "null");
}

void json_text(Json *j, const char *key, const char *value) {
    begin(j, key);
    if (value)
        text_add_json(j->to, value);
    else
        text_add(j->to, "null");
}

void json_integer(Json *j, const char *key, int64_t value) {
    begin(j, key);
    text_add(j->to, "%lld", (long long)value);
}

void json_number(Json *j, const char *key, double value) {
    begin(j, key);
    text_add(j->to, "%s", value - value == 0 ? text_number(j->to->arena, value, false) : "null");
}

void json_bool(Json *j, const char *key, bool value) {
    begin(j, key);
    text_add(j->to, value ? "true" : "false");
}
