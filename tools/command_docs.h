/* Man pages and completions, written from the option tables. */
#ifndef HEAPTAP_TOOLS_COMMAND_DOCS_H
#define HEAPTAP_TOOLS_COMMAND_DOCS_H

#include <stdio.h>

#include "cli/opts.h"

void command_man(const struct opts_table *table, FILE *out);

/* What stands in the place of @name@ on a line of a shell's template. */
struct command_block {
    const char *name;
    void (*write)(const struct opts_table *table, FILE *out);
};

/* Each ends with a NULL name. */
extern const struct command_block command_bash[], command_zsh[], command_fish[];

/* Calls `write` with each spelling of the options for which `choose` is true; returns how many there were. Spellings
 * are told once, however many rows have them. */
struct command_spelling {
    const struct option_spec *spec;
    char text[64]; /* "--rows", "-n", "-inuse_space" */
    size_t index;  /* 0 for the first */
};
size_t command_spellings(const struct opts_table *table, int (*choose)(const struct option_spec *spec),
                         void (*write)(const struct command_spelling *spelling, FILE *out), FILE *out);

int command_takes_value(const struct option_spec *spec);
/* The operands behind it are its own. */
int command_is_marker(const struct option_spec *spec);

/* The choices as words for a shell, `between` them; "label:KEY" is "label:". */
void command_choices(const struct option_spec *spec, const char *between, FILE *out);

#endif
