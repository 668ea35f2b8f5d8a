#include <string.h>

#include "tools/command_docs.h"

/* Inside of single quotes; `special` are the characters that _arguments or _describe would take for their own. */
static void put(const char *text, const char *special, FILE *out) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", out);
        else if (strchr(special, *text))
            fputc('\\', out);
        if (*text != '`')
            fputc(*text, out);
    }
}

static void write_alternative(const struct command_spelling *spelling, FILE *out) {
    fprintf(out, "%s%s", spelling->index ? "|" : "            (", spelling->text);
}

static void write_options_with_values(const struct opts_table *table, FILE *out) {
    command_spellings(table, command_takes_value, write_alternative, out);
    fputs(") value=$word ;;\n", out);
}

static void write_options_before_operands(const struct opts_table *table, FILE *out) {
    if (command_spellings(table, command_is_marker, write_alternative, out))
        fputs(") ended=1; break ;;\n", out);
}

static void write_command_test(const struct opts_table *table, FILE *out) {
    for (size_t i = 1; i < table->command_count; i++)
        fprintf(out, "%s%s", i > 1 ? "|" : "            (", table->commands[i].name);
    fputs(")\n", out);
}

static void write_commands(const struct opts_table *table, FILE *out) {
    for (size_t i = 1; i < table->command_count; i++) {
        fprintf(out, "        '%s:", table->commands[i].name);
        put(table->commands[i].summary, ":\\", out);
        fputs("'\n", out);
    }
}

/* What there is to do without a command's name, and the names. */
static void write_first(const struct opts_table *table, FILE *out) {
    if (table->commands[0].first == VALUE_NONE)
        fprintf(out, "    _%s_commands\n", table->program);
    else
        fprintf(out,
                "    if [[ -n $ended ]]; then\n"
                "        _%s_profiles\n"
                "    else\n"
                "        _alternative 'commands:command:_%s_commands' 'files:profile:_%s_profiles'\n"
                "    fi\n",
                table->program, table->program, table->program);
}

static void write_action(const struct opts_table *table, enum value_kind kind, FILE *out) {
    switch (kind) {
    case VALUE_FILE:
        fputs("_files", out);
        break;
    case VALUE_DIRECTORY:
        fputs("_files -/", out);
        break;
    case VALUE_PROFILE:
        fprintf(out, "_%s_profiles", table->program);
        break;
    case VALUE_PID:
        fprintf(out, "_%s_pids", table->program);
        break;
    default:
        fputc(' ', out);
        break;
    }
}

/* Words that end with a colon go on behind it. */
static void write_choices(const struct option_spec *spec, FILE *out) {
    char words[400] = "";
    FILE *file = fmemopen(words, sizeof words, "w");
    if (!file)
        return;
    command_choices(spec, " ", file);
    fclose(file);
    fputs("{compadd -", out);
    for (char *rest = words, *word; (word = strsep(&rest, " "));)
        if (!strchr(word, ':') || spec->kind != VALUE_CHOICE) {
            fputc(' ', out);
            put(word, ":", out);
        }
    for (const char *p = spec->kind == VALUE_CHOICE ? spec->choices : ""; *p;) {
        size_t length = strcspn(p, "|");
        const char *colon = memchr(p, ':', length);
        if (colon)
            fprintf(out, "; compadd -S \"\" - %.*s\\:", (int)(colon - p), p);
        p += length + (p[length] == '|');
    }
    fputs("}", out);
}

static void write_value(const struct opts_table *table, const struct option_spec *spec, FILE *out) {
    fputc(':', out);
    put(spec->argument, ":", out);
    fputc(':', out);
    if (spec->choices)
        write_choices(spec, out);
    else
        write_action(table, spec->kind, out);
}

static void write_option(const struct opts_table *table, const struct option_spec *spec, FILE *out) {
    const char *dashes = spec->single_dash ? "-" : "--", *value = spec->kind == VALUE_NONE ? "" : "=";
    fputs("            ", out);
    if (spec->is_repeatable)
        fputs("'*'", out);
    else if (spec->short_name)
        fprintf(out, "'(-%c %s%s)'", spec->short_name, dashes, spec->name);
    if (spec->short_name)
        fprintf(out, "{-%c%s,%s%s%s}", spec->short_name, *value ? "+" : "", dashes, spec->name, value);
    else
        fprintf(out, "%s%s%s", dashes, spec->name, value);
    fputs("'[", out);
    put(spec->help, "[]:\\", out);
    fputc(']', out);
    if (spec->kind != VALUE_NONE)
        write_value(table, spec, out);
    fputs("'\n", out);
}

static void write_operands(const struct opts_table *table, const struct command_spec *command, FILE *out) {
    if (command->runs_command) {
        fputs("            '*::program: _normal'\n", out);
        return;
    }
    if (!command->name)
        fprintf(out, "            '1: :_%s_first'\n", table->program);
    else if (command->first != VALUE_NONE) {
        fputs("            '1:operand:", out);
        write_action(table, command->first, out);
        fputs("'\n", out);
    }
    if (command->others != VALUE_NONE) {
        fputs("            '*:operand:", out);
        write_action(table, command->others, out);
        fputs("'\n", out);
    }
}

static void write_answers(const struct opts_table *table, FILE *out) {
    for (size_t i = 0; i < table->command_count; i++) {
        const struct command_spec *command = &table->commands[i];
        fprintf(out, "    ('%s')\n        specs=(\n", command->name ? command->name : "");
        for (size_t j = 0; j < table->count; j++)
            if (opts_belongs(table, &table->options[j], command))
                write_option(table, &table->options[j], out);
        write_operands(table, command, out);
        fputs("        )\n", out);
        if (command->runs_command)
            fputs("        flags+=(-A '-*')\n", out);
        fputs("        ;;\n", out);
    }
}

const struct command_block command_zsh[] = {
    {"options_with_values", write_options_with_values},
    {"options_before_operands", write_options_before_operands},
    {"command_test", write_command_test},
    {"commands", write_commands},
    {"first", write_first},
    {"answers", write_answers},
    {NULL, NULL},
};
