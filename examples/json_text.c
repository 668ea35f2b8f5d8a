/* The buffer doubles, so an answer costs a few reallocations and is gone once it is sent.
 *
 * Locks: none; one object belongs to one thread. */
#include "examples/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct json_text *json, const char *text, size_t length) {
    while (json->bytes && json->length + length + 1 > json->capacity) {
        char *bytes = realloc(json->bytes, json->capacity * 2);
        if (!bytes)
            free(json->bytes);
        json->bytes = bytes;
        json->capacity *= 2;
    }
    if (!json->bytes)
        return;
    memcpy(json->bytes + json->length, text, length);
    json->length += length;
}

static void append_quoted(struct json_text *json, const char *text) {
    append(json, "\"", 1);
    for (; *text; text++) {
        char escaped[8];
        int length = (unsigned char)*text < 0x20     ? snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*text)
                     : *text == '"' || *text == '\\' ? snprintf(escaped, sizeof escaped, "\\%c", *text)
                                                     : snprintf(escaped, sizeof escaped, "%c", *text);
        append(json, escaped, (size_t)length);
    }
    append(json, "\"", 1);
}

static void append_name(struct json_text *json, const char *name) {
    if (json->length > 1)
        append(json, ",", 1);
    append_quoted(json, name);
    append(json, ":", 1);
}

void json_text_begin(struct json_text *json) {
    *json = (struct json_text){.bytes = malloc(16), .capacity = 16};
    append(json, "{", 1);
}

void json_text_number(struct json_text *json, const char *name, uint64_t value) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    append_name(json, name);
    append(json, digits, (size_t)length);
}

void json_text_string(struct json_text *json, const char *name, const char *value) {
    append_name(json, name);
    append_quoted(json, value);
}

char *json_text_end(struct json_text *json) {
    append(json, "}", 1);
    if (json->bytes)
        json->bytes[json->length] = '\0';
    return json->bytes;
}
