/* A page in the macros of man(7). Words in backquotes are bold; what one replaces, in capitals, is italic.
 *
 *   1. NAME, SYNOPSIS, DESCRIPTION
 *   2. OPTIONS: those of the program without a command, by groups
 *   3. COMMANDS: of each its text and the options that only commands have; the others by name
 *   4. the table's sections; for heaptap the settings of base/options as part of ENVIRONMENT */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cli/heaptap_options.h"
#include "cli/help.h"
#include "tools/command_docs.h"

enum { MOST_COLUMNS = 78 };

/* Text as it is, whatever roff would make of it. */
static void put(const char *text, size_t length, FILE *out) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else if (text[i] == '\'')
            fputs("\\(aq", out);
        else
            fputc(text[i], out);
    }
}

static void put_font(char font, const char *text, size_t length, FILE *out) {
    fprintf(out, "\\f%c", font);
    put(text, length, out);
    fputs("\\fR", out);
}

/* Word by word, a sentence a line and no line above 80 bytes; a line that begins with a dot would be a macro. */
static void put_words(const char *text, FILE *out) {
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column && column + 1 + length > MOST_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column ? " " : *text == '.' ? "\\&" : "", (int)length, text);
        if (text[length - 1] == '.') {
            fputc('\n', out);
            column = 0;
        }
        text += length + strspn(text + length, " ");
    }
    if (column)
        fputc('\n', out);
}

static void put_paragraph(const char *text, size_t length, FILE *out) {
    char *words = NULL;
    size_t size = 0;
    const char *end = text + length;
    FILE *escaped = open_memstream(&words, &size);
    if (!escaped)
        exit(2);
    while (text < end) {
        const char *quote = memchr(text, '`', (size_t)(end - text));
        const char *close = quote ? memchr(quote + 1, '`', (size_t)(end - quote - 1)) : NULL;
        put(text, (size_t)((close ? quote : end) - text), escaped);
        if (close)
            put_font('B', quote + 1, (size_t)(close - quote - 1), escaped);
        text = close ? close + 1 : end;
    }
    if (fclose(escaped) != 0)
        exit(2);
    put_words(words, out);
    free(words);
}

static void put_text(const char *text, const char *between, FILE *out) {
    while (text && *text) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        put_paragraph(text, length, out);
        text = end ? end + 2 : NULL;
        if (text)
            fputs(between, out);
    }
}

/* A sentence of half a line. */
static void put_sentence(const char *half, FILE *out) {
    char text[HELP_TEXT_SIZE + 1];
    snprintf(text, sizeof text, "%s.", half);
    text[0] = (char)toupper((unsigned char)text[0]);
    put_paragraph(text, strlen(text), out);
}

/* "[options] -o FILE": options bold, what is replaced italic. */
static void put_usage(const char *title, const char *line, size_t length, FILE *out) {
    put_font('B', title, strlen(title), out);
    for (const char *p = line, *end = line + length; p < end;) {
        size_t word = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), option = *p == '-' ? strcspn(p, " ]|\n") : 0;
        if (p == line)
            fputc(' ', out);
        if (word)
            put_font('I', p, word, out);
        else if (option)
            put_font('B', p, word = option, out);
        else if (strncmp(p, "options", 7) == 0)
            put_font('I', p, word = 7, out);
        else
            put(p, word = 1, out);
        p += word;
    }
    fputc('\n', out);
}

static void put_synopsis(const struct opts_table *table, const struct command_spec *command, FILE *out) {
    char title[80];
    opts_title(table, command, title, sizeof title);
    for (const char *line = command->synopsis; line;) {
        size_t length = strcspn(line, "\n");
        put_usage(title, line, length, out);
        line = line[length] ? line + length + 1 : NULL;
        if (line)
            fputs(".br\n", out);
    }
}

static void put_option(const struct option_spec *spec, FILE *out) {
    char name[64], text[HELP_TEXT_SIZE];
    fputs(".TP\n", out);
    if (spec->short_name) {
        char letter[] = {'-', spec->short_name};
        put_font('B', letter, 2, out);
        fputs(", ", out);
    }
    snprintf(name, sizeof name, "%s%s", spec->single_dash ? "-" : "--", spec->name);
    put_font('B', name, strlen(name), out);
    if (spec->argument) {
        fputc(' ', out);
        put_font('I', spec->argument, strlen(spec->argument), out);
    }
    fputc('\n', out);
    put_sentence(help_describe(spec, text), out);
    put_text(spec->more, ".IP\n", out);
}

static void put_groups(const struct opts_table *table, FILE *out) {
    const struct command_spec *program = table->commands;
    for (unsigned group = 0; group < table->group_count; group++) {
        bool is_begun = false;
        for (size_t i = 0; i < table->count; i++) {
            const struct option_spec *spec = &table->options[i];
            if (spec->group != group || !opts_belongs(table, spec, program))
                continue;
            if (!is_begun)
                fprintf(out, ".SS %s\n", table->groups[group]);
            is_begun = true;
            put_option(spec, out);
        }
    }
}

/* The options that the command shares with the program. */
static void put_shared(const struct opts_table *table, const struct command_spec *command, FILE *out) {
    char text[4096];
    size_t used = 0;
    for (size_t i = 0; i < table->count && used < sizeof text; i++) {
        const struct option_spec *spec = &table->options[i];
        bool is_usual = strcmp(spec->name, "help") == 0 || strcmp(spec->name, "version") == 0;
        if (!is_usual && opts_belongs(table, spec, command) && opts_belongs(table, spec, table->commands))
            used += (size_t)snprintf(
                text + used, sizeof text - used, "%s`%s%s`",
                used ? ", " : "It also takes these options, as above: ", spec->single_dash ? "-" : "--", spec->name);
    }
    if (!used || used + 2 > sizeof text)
        return;
    strcpy(text + used, ".");
    fputs(".PP\n", out);
    put_paragraph(text, used + 1, out);
}

static void put_command(const struct opts_table *table, const struct command_spec *command, FILE *out) {
    char title[80];
    fprintf(out, ".SS %s\n", opts_title(table, command, title, sizeof title));
    put_synopsis(table, command, out);
    fputs(".PP\n", out);
    put_sentence(command->summary, out);
    put_text(command->more, ".PP\n", out);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        if (opts_belongs(table, spec, command) && !opts_belongs(table, spec, table->commands))
            put_option(spec, out);
    }
    put_shared(table, command, out);
}

static const struct option_spec *find_option(int id) {
    const struct option_spec *spec = heaptap_options.options;
    while (spec->id != id)
        spec++;
    return spec;
}

static void put_setting(const struct heaptap_setting *setting, FILE *out) {
    char line[200];
    fputs(".TP\n", out);
    put_font('B', setting->variable, strlen(setting->variable), out);
    fputc('\n', out);
    put_text(setting->text, ".IP\n", out);
    snprintf(line, sizeof line, "It is %s%s%s.", options_want(setting->variable),
             setting->fallback ? "; default: " : "", setting->fallback ? setting->fallback : "");
    put_paragraph(line, strlen(line), out);
    if (!setting->option)
        return;
    snprintf(line, sizeof line, "Set by `heaptap run --%s`.", find_option(setting->option)->name);
    put_paragraph(line, strlen(line), out);
}

/* All variables that the library reads, in its order. */
static void put_settings(FILE *out) {
    const char *variable;
    for (size_t i = 0; (variable = options_variable(i)); i++) {
        const struct heaptap_setting *setting = heaptap_settings;
        const struct heaptap_setting *end = setting + heaptap_setting_count;
        while (setting < end && strcmp(setting->variable, variable) != 0)
            setting++;
        if (setting == end) {
            fprintf(stderr, "command_docs: nothing is said of %s\n", variable);
            exit(2);
        }
        put_setting(setting, out);
    }
}

static void put_row(const struct opts_section *section, const struct opts_row *row, FILE *out) {
    if (!section->has_examples) {
        fputs(".TP\n", out);
        put_font('B', row->term, strlen(row->term), out);
        fputc('\n', out);
        put_text(row->text, ".IP\n", out);
        return;
    }
    fputs(row > section->rows ? ".PP\n" : "", out);
    put_text(row->text, ".PP\n", out);
    fputs(".PP\n.RS 4\n.nf\n", out);
    put(row->term, strlen(row->term), out);
    fputs("\n.fi\n.RE\n", out);
}

static void put_section(const struct opts_table *table, const struct opts_section *section, FILE *out) {
    fprintf(out, ".SH %s\n", section->title);
    put_text(section->text, ".PP\n", out);
    if (table == &heaptap_options && strcmp(section->title, "ENVIRONMENT") == 0)
        put_settings(out);
    for (size_t i = 0; i < section->row_count; i++)
        put_row(section, &section->rows[i], out);
}

void command_man(const struct opts_table *table, FILE *out) {
    char upper[32];
    snprintf(upper, sizeof upper, "%s", table->program);
    for (char *p = upper; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    fprintf(out, ".TH %s 1 %s \"heaptap %s\" \"User Commands\"\n", upper, HEAPTAP_DATE, HEAPTAP_VERSION);
    fputs(".nh\n.ad l\n", out); /* names are not to be broken */
    fprintf(out, ".SH NAME\n%s \\- ", table->program);
    put_paragraph(table->summary, strlen(table->summary), out);
    fputs(".SH SYNOPSIS\n", out);
    for (size_t i = 0; i < table->command_count; i++) {
        fputs(i ? ".br\n" : "", out);
        put_synopsis(table, &table->commands[i], out);
    }
    fputs(".SH DESCRIPTION\n", out);
    put_sentence(table->summary, out);
    fputs(table->more ? ".PP\n" : "", out);
    put_text(table->more, ".PP\n", out);
    fputs(".SH OPTIONS\n", out);
    put_groups(table, out);
    fputs(table->command_count > 1 ? ".SH COMMANDS\n" : "", out);
    for (size_t i = 1; i < table->command_count; i++)
        put_command(table, &table->commands[i], out);
    for (size_t i = 0; i < table->section_count; i++)
        put_section(table, &table->sections[i], out);
    fprintf(out, ".SH SEE ALSO\n.BR %s (1)\n", table == &heaptap_options ? "heapdiff" : "heaptap");
}
