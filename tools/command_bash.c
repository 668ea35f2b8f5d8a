#include <string.h>

#include "tools/command_docs.h"

static void write_alternative(const struct command_spelling *spelling, FILE *out) {
    fprintf(out, "%s%s", spelling->index ? " | " : "            ", spelling->text);
}

static void write_options_with_values(const struct opts_table *table, FILE *out) {
    command_spellings(table, command_takes_value, write_alternative, out);
    fputs(") value=$word ;;\n", out);
}

static void write_options_before_operands(const struct opts_table *table, FILE *out) {
    if (command_spellings(table, command_is_marker, write_alternative, out))
        fputs(") operands=$((operands + 1)) ;;\n", out);
}

/* A pattern of extglob, which has no blanks. */
static void write_command_test(const struct opts_table *table, FILE *out) {
    fputs("        elif [[ ! $ended && ! $command && $operands == 0 && $word == @(", out);
    for (size_t i = 1; i < table->command_count; i++)
        fprintf(out, "%s%s", i > 1 ? "|" : "", table->commands[i].name);
    fputs(") ]]; then\n", out);
}

/* What follows is another program's command line. */
static void write_launcher(const struct opts_table *table, FILE *out) {
    for (size_t i = 1; i < table->command_count; i++) {
        if (!table->commands[i].runs_command)
            continue;
        fprintf(out,
                "            if [[ $command == %s ]]; then\n"
                "                declare -F _command_offset >/dev/null && _command_offset \"${at[i]}\" && return\n"
                "                ended=1\n"
                "            fi\n",
                table->commands[i].name);
    }
}

static void write_kind(enum value_kind kind, const char *program, FILE *out) {
    switch (kind) {
    case VALUE_FILE:
        fprintf(out, " _%s_files;", program);
        break;
    case VALUE_DIRECTORY:
        fprintf(out, " _%s_directories;", program);
        break;
    case VALUE_PROFILE:
        fprintf(out, " _%s_profiles;", program);
        break;
    case VALUE_PID:
        fprintf(out, " _%s_pids;", program);
        break;
    default:
        break;
    }
}

static void write_value_answer(const struct opts_table *table, const struct option_spec *spec, FILE *out) {
    const char *between = "    ";
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = table->commands[i].name ? table->commands[i].name : "";
        if (!opts_belongs(table, spec, &table->commands[i]))
            continue;
        fprintf(out, "%s'%s --%s'", between, name, spec->name);
        if (spec->short_name)
            fprintf(out, " | '%s -%c'", name, spec->short_name);
        between = " | ";
    }
    fputs(")", out);
    if (spec->choices) {
        fprintf(out, " _%s_words '", table->program);
        command_choices(spec, " ", out);
        fputs("';", out);
    }
    write_kind(spec->kind, table->program, out);
    fputs(" : ;;\n", out);
}

static void write_option_answer(const struct opts_table *table, const struct command_spec *command, FILE *out) {
    fprintf(out, "    '%s option') _%s_words '", command->name ? command->name : "", table->program);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        if (!opts_belongs(table, spec, command))
            continue;
        if (spec->short_name)
            fprintf(out, "-%c ", spec->short_name);
        fprintf(out, "%s%s ", spec->single_dash ? "-" : "--", spec->name);
    }
    fputs("' ;;\n", out);
}

static void write_operand_answer(const struct opts_table *table, const struct command_spec *command, const char *which,
                                 enum value_kind kind, FILE *out) {
    fprintf(out, "    '%s %s')", command->name ? command->name : "", which);
    write_kind(kind, table->program, out);
    if (!command->name && strcmp(which, "first") == 0) {
        fprintf(out, " _%s_words '", table->program);
        for (size_t i = 1; i < table->command_count; i++)
            fprintf(out, "%s ", table->commands[i].name);
        fputs("';", out);
    }
    if (kind == VALUE_COMMAND && strcmp(which, "operand") == 0)
        write_kind(VALUE_FILE, table->program, out);
    else if (kind == VALUE_COMMAND)
        fprintf(out, " _%s_offer < <(compgen -c -- \"$cur\");", table->program);
    fputs(" : ;;\n", out);
}

static void write_answers(const struct opts_table *table, FILE *out) {
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].kind != VALUE_NONE)
            write_value_answer(table, &table->options[i], out);
    for (size_t i = 0; i < table->command_count; i++) {
        const struct command_spec *command = &table->commands[i];
        write_option_answer(table, command, out);
        write_operand_answer(table, command, "first", command->first, out);
        write_operand_answer(table, command, "operand", command->others, out);
    }
}

const struct command_block command_bash[] = {
    {"options_with_values", write_options_with_values},
    {"options_before_operands", write_options_before_operands},
    {"command_test", write_command_test},
    {"launcher", write_launcher},
    {"answers", write_answers},
    {NULL, NULL},
};
