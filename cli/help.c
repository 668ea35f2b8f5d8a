/* Locks: none. Allocates nothing.
 *
 * A text is filled to the width word by word. Columns are bytes: the tables are ASCII, which a test demands. */
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "cli/term.h"

enum { USUAL_WIDTH = 80, LEAST_FOR_COLUMNS = 72, OPTION_COLUMN = 28, NARROW_COLUMN = 10, COMMAND_COLUMN = 14 };

struct page {
    FILE *out;
    int width;
    int margin; /* of every line but the first of a text */
    int column; /* where the next character comes */
};

static void end_line(struct page *page) {
    fputc('\n', page->out);
    page->column = 0;
}

static void indent(struct page *page, int column) {
    if (page->column < column) {
        fprintf(page->out, "%*s", column - page->column, "");
        page->column = column;
    }
}

/* Backquotes become quotes. */
static void put(struct page *page, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        fputc(text[i] == '`' ? '\'' : text[i], page->out);
    page->column += (int)length;
}

static void fill_line(struct page *page, const char *text, size_t length) {
    const char *end = text + length;
    bool is_first = true;
    while (text < end) {
        size_t word = 0;
        while (text + word < end && text[word] != ' ')
            word++;
        if (!is_first && page->column + 1 + (int)word > page->width) {
            end_line(page);
            is_first = true;
        }
        indent(page, is_first ? page->margin : page->column + 1);
        put(page, text, word);
        is_first = false;
        text += word + (text + word < end);
    }
}

/* A text, with the line's end behind it. */
static void fill(struct page *page, const char *text) {
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length)
            fill_line(page, text, length);
        end_line(page);
        text += length + (text[length] == '\n');
    }
}

static void fill_at(struct page *page, int margin, const char *text) {
    page->margin = margin;
    fill(page, text);
}

/* ---- what is said ---- */

static size_t add(char out[HELP_TEXT_SIZE], size_t used, const char *before, const char *text, size_t length) {
    int n = snprintf(out + used, HELP_TEXT_SIZE - used, "%s%.*s", before, (int)length, text);
    return used + (size_t)n < HELP_TEXT_SIZE ? used + (size_t)n : HELP_TEXT_SIZE - 1;
}

char *help_describe(const struct option_spec *spec, char out[HELP_TEXT_SIZE]) {
    size_t used = add(out, 0, "", spec->help, strlen(spec->help));
    const char *before = ": ";
    for (const char *p = spec->kind == VALUE_CHOICE ? spec->choices : ""; *p;) {
        size_t length = strcspn(p, "|");
        used = add(out, used, before, p, length);
        p += length + (p[length] == '|');
        before = strchr(p, '|') ? ", " : " or ";
    }
    if (spec->is_repeatable)
        used = add(out, used, "; may be repeated", "", 0);
    if (spec->fallback) {
        used = add(out, used, " (default: ", spec->fallback, strlen(spec->fallback));
        add(out, used, ")", "", 0);
    }
    return out;
}

static void print_option(struct page *page, const struct option_spec *spec, bool is_long) {
    char text[HELP_TEXT_SIZE];
    char letter[] = {'-', spec->short_name, ',', ' ', 0};
    int column = page->width < LEAST_FOR_COLUMNS ? NARROW_COLUMN : OPTION_COLUMN;
    snprintf(text, sizeof text, "  %s%s%s%s%s", spec->short_name ? letter : "    ", spec->single_dash ? "-" : "--",
             spec->name, spec->argument ? " " : "", spec->argument ? spec->argument : "");
    put(page, text, strlen(text));
    if (page->column > column - 2)
        end_line(page);
    fill_at(page, column, help_describe(spec, text));
    if (is_long && spec->more)
        fill_at(page, column, spec->more);
}

static void print_usage(struct page *page, const struct opts_table *table, const struct command_spec *command,
                        const char *lead) {
    char title[80];
    opts_title(table, command, title, sizeof title);
    for (const char *line = command->synopsis; line; lead = "       ") {
        size_t length = strcspn(line, "\n");
        put(page, lead, strlen(lead));
        put(page, title, strlen(title));
        page->margin = page->column + 1;
        if (length)
            fill_line(page, line, length);
        end_line(page);
        line = line[length] ? line + length + 1 : NULL;
    }
}

static void print_commands(struct page *page, const struct opts_table *table) {
    if (table->command_count < 2)
        return;
    fill_at(page, 0, "\nCommands");
    for (size_t i = 1; i < table->command_count; i++) {
        indent(page, 2);
        put(page, table->commands[i].name, strlen(table->commands[i].name));
        indent(page, COMMAND_COLUMN - 1);
        fill_at(page, COMMAND_COLUMN, table->commands[i].summary);
    }
}

static void print_group(struct page *page, const struct opts_table *table, const struct command_spec *command,
                        unsigned group, bool is_long) {
    bool is_begun = false;
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        if (spec->group != group || !opts_belongs(table, spec, command))
            continue;
        if (is_long && !is_begun) {
            end_line(page);
            fill_at(page, 0, table->groups[group]);
        }
        is_begun = true;
        print_option(page, spec, is_long);
    }
}

void help_write(const struct opts_table *table, const struct command_spec *command, bool is_long, unsigned width,
                FILE *out) {
    struct page page = {.out = out, .width = (int)width};
    char title[80], last[200];
    bool is_main = command == table->commands;
    print_usage(&page, table, command, "usage: ");
    for (size_t i = 1; is_main && i < table->command_count; i++)
        print_usage(&page, table, &table->commands[i], "       ");
    end_line(&page);
    snprintf(last, sizeof last, "%s.", is_main ? table->summary : command->summary);
    last[0] = (char)toupper((unsigned char)last[0]);
    fill_at(&page, 0, last);
    const char *more = is_main ? table->more : command->more;
    if (is_long && more) {
        end_line(&page);
        fill_at(&page, 0, more);
    }
    if (is_main)
        print_commands(&page, table);
    if (!is_long)
        end_line(&page);
    for (unsigned group = 0; group < table->group_count; group++)
        print_group(&page, table, command, group, is_long);
    end_line(&page);
    if (is_long)
        snprintf(last, sizeof last, "`man %s` has examples and the exit statuses.", table->program);
    else
        snprintf(last, sizeof last, "`%s --help` says more.", opts_title(table, command, title, sizeof title));
    fill_at(&page, 0, last);
}

void help_print(const struct opts *opts, FILE *out) {
    struct term term = term_open(fileno(out), TERM_COLOR_NEVER);
    help_write(opts->table, opts->command, !opts->is_letter, term.width ? term.width : USUAL_WIDTH, out);
}
