/* One flat JSON object, written into a buffer that grows. */
#ifndef EXAMPLES_JSON_TEXT_H
#define EXAMPLES_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct json_text {
    char *bytes; /* NULL after a failed allocation; then every call does nothing */
    size_t length;
    size_t capacity;
};

void json_text_begin(struct json_text *json);
void json_text_number(struct json_text *json, const char *name, uint64_t value);
void json_text_string(struct json_text *json, const char *name, const char *value);
/* The finished text, which the caller frees; NULL when memory ran out. */
char *json_text_end(struct json_text *json);

#endif
