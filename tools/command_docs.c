/* Prints one document of one of the two programs:
 *
 *   command_docs man PROGRAM                        its man page
 *   command_docs bash|zsh|fish PROGRAM TEMPLATE     its completions: the template with @program@ replaced by the
 *                                                   name, and each line that is only @block@ by what the table says
 *
 * The build runs it. */
#include "tools/command_docs.h"

#include <stdlib.h>
#include <string.h>

#include "cli/heapdiff_options.h"
#include "cli/heaptap_options.h"

int command_takes_value(const struct option_spec *spec) { return spec->kind != VALUE_NONE; }

int command_is_marker(const struct option_spec *spec) { return spec->kind == VALUE_NONE && spec->argument; }

static int is_told(const struct opts_table *table, const struct option_spec *spec) {
    for (const struct option_spec *before = table->options; before < spec; before++)
        if (strcmp(before->name, spec->name) == 0)
            return 1;
    return 0;
}

size_t command_spellings(const struct opts_table *table, int (*choose)(const struct option_spec *spec),
                         void (*write)(const struct command_spelling *spelling, FILE *out), FILE *out) {
    struct command_spelling spelling = {.index = 0};
    for (size_t i = 0; i < table->count; i++) {
        spelling.spec = &table->options[i];
        if (!choose(spelling.spec) || is_told(table, spelling.spec))
            continue;
        if (spelling.spec->short_name) {
            snprintf(spelling.text, sizeof spelling.text, "-%c", spelling.spec->short_name);
            write(&spelling, out);
            spelling.index++;
        }
        snprintf(spelling.text, sizeof spelling.text, "%s%s", spelling.spec->single_dash ? "-" : "--",
                 spelling.spec->name);
        write(&spelling, out);
        spelling.index++;
    }
    return spelling.index;
}

void command_choices(const struct option_spec *spec, const char *between, FILE *out) {
    for (const char *p = spec->choices; p && *p;) {
        size_t length = strcspn(p, "|");
        const char *colon = memchr(p, ':', length);
        int shown = (int)(colon && spec->kind == VALUE_CHOICE ? (size_t)(colon - p) + 1 : length);
        fprintf(out, "%s%.*s", p == spec->choices ? "" : between, shown, p);
        p += length + (p[length] == '|');
    }
}

static void fail(const char *what, const char *subject) {
    fprintf(stderr, "command_docs: %s '%s'\n", what, subject);
    exit(2);
}

/* A line without blocks. */
static void print_line(const struct opts_table *table, const char *line) {
    static const char mark[] = "@program@";
    for (const char *at; (at = strstr(line, mark)); line = at + strlen(mark))
        printf("%.*s%s", (int)(at - line), line, table->program);
    fputs(line, stdout);
}

static void fill(const struct opts_table *table, const struct command_block *blocks, const char *path) {
    char line[400], name[64];
    FILE *file = fopen(path, "r");
    if (!file)
        fail("cannot open", path);
    while (fgets(line, sizeof line, file)) {
        const struct command_block *block = blocks;
        if (sscanf(line, " @%60[a-z_]@", name) != 1 || strcmp(name, "program") == 0) {
            print_line(table, line);
            continue;
        }
        while (block->name && strcmp(block->name, name) != 0)
            block++;
        if (!block->name)
            fail("no such block", name);
        block->write(table, stdout);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    enum { PROGRAMS = 2 };
    static const struct opts_table *const tables[PROGRAMS] = {&heapdiff_options, &heaptap_options};
    static const struct {
        const char *name;
        const struct command_block *blocks;
    } shells[] = {{"bash", command_bash}, {"zsh", command_zsh}, {"fish", command_fish}};
    const struct opts_table *table = NULL;
    for (size_t i = 0; argc > 2 && i < PROGRAMS; i++)
        if (strcmp(tables[i]->program, argv[2]) == 0)
            table = tables[i];
    if (!table)
        fail("usage: command_docs man|bash|zsh|fish PROGRAM [TEMPLATE], not", argc > 2 ? argv[2] : "");
    if (strcmp(argv[1], "man") == 0)
        command_man(table, stdout);
    for (size_t i = 0; argc > 3 && i < sizeof shells / sizeof *shells; i++)
        if (strcmp(argv[1], shells[i].name) == 0)
            fill(table, shells[i].blocks, argv[3]);
    return fflush(stdout) || ferror(stdout) ? 2 : 0;
}
