/* The names in a heap profile that the Go runtime wrote as text (debug=1): a comment line for each frame
 * follows the stack that it belongs to. Not thread safe. */
#ifndef HEAPTAP_PROTO_GO_NAMES_H
#define HEAPTAP_PROTO_GO_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/legacy_profile.h"
#include "proto/text_lines.h"

struct go_name; /* what is known of a location */

struct go_names {
    struct legacy_profile *legacy;
    struct region region;
    struct go_name *names; /* by location */
    uint32_t count;        /* of those */
    size_t capacity;       /* bytes */
    uint32_t sample;       /* the one whose lines are being read; PROFILE_NONE between two */
    uint32_t location;     /* the one that the last line named, whose lines may go on; or PROFILE_NONE */
    bool is_new;           /* it had no lines before */
    bool has_shown;        /* a line of this sample was there */
};

void go_names_open(struct go_names *names, struct legacy_profile *legacy);
void go_names_close(struct go_names *names);

/* After a sample was added: the lines that follow are of its frames. */
void go_names_begin(struct go_names *names);
/* A line that is empty or a comment. */
bool go_names_line(struct go_names *names, const struct text_line *line);
/* After the last line: names for what the runtime left out. */
bool go_names_finish(struct go_names *names);

#endif
