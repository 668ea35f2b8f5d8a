#include <string.h>

#include "tools/command_docs.h"

/* Inside of single quotes. */
static void put(const char *text, FILE *out) {
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        if (*text != '`')
            fputc(*text, out);
    }
}

static void write_alternative(const struct command_spelling *spelling, FILE *out) {
    fprintf(out, "%s%s", spelling->index ? " " : "                case ", spelling->text);
}

static void write_options_with_values(const struct opts_table *table, FILE *out) {
    command_spellings(table, command_takes_value, write_alternative, out);
    fputs("\n                    set value $word\n", out);
}

static void write_options_before_operands(const struct opts_table *table, FILE *out) {
    if (command_spellings(table, command_is_marker, write_alternative, out))
        fputs("\n                    set operands (math $operands + 1)\n", out);
}

static void write_command_test(const struct opts_table *table, FILE *out) {
    fputs("        else if test -z \"$ended$command\" -a $operands = 0; and contains -- $word", out);
    for (size_t i = 1; i < table->command_count; i++)
        fprintf(out, " %s", table->commands[i].name);
    fputc('\n', out);
}

/* Its options are the program's. */
static void write_launcher(const struct opts_table *table, FILE *out) {
    for (size_t i = 1; i < table->command_count; i++)
        if (table->commands[i].runs_command)
            fprintf(out, "            test \"$command\" = %s; and set command program; and set ended yes\n",
                    table->commands[i].name);
}

static void write_name(const struct command_spec *command, FILE *out) {
    if (command->name)
        fprintf(out, " %s", command->name);
    else
        fputs(" \"\"", out);
}

static int has_launcher(const struct opts_table *table) {
    for (size_t i = 1; i < table->command_count; i++)
        if (table->commands[i].runs_command)
            return 1;
    return 0;
}

static void write_option(const struct opts_table *table, const struct option_spec *spec, FILE *out) {
    fprintf(out, "complete -c %s", table->program);
    if (spec->commands || has_launcher(table)) {
        fprintf(out, " -n '__%s_in", table->program);
        for (size_t i = 0; i < table->command_count; i++)
            if (opts_belongs(table, spec, &table->commands[i]))
                write_name(&table->commands[i], out);
        fputc('\'', out);
    }
    if (spec->short_name)
        fprintf(out, " -s %c", spec->short_name);
    fprintf(out, " -%c %s", spec->single_dash ? 'o' : 'l', spec->name);
    if (spec->kind == VALUE_FILE || spec->kind == VALUE_PROFILE)
        fputs(" -r -F", out);
    else if (spec->kind != VALUE_NONE)
        fputs(" -x", out);
    if (spec->kind == VALUE_DIRECTORY)
        fputs(" -a '(__fish_complete_directories)'", out);
    if (spec->choices) {
        fputs(" -a '", out);
        command_choices(spec, " ", out);
        fputs("'", out);
    }
    fputs(" -d '", out);
    put(spec->help, out);
    fputs("'\n", out);
}

static void write_operand(const struct opts_table *table, const struct command_spec *command, const char *which,
                          enum value_kind kind, FILE *out) {
    const char *program = table->program;
    if (kind != VALUE_FILE && kind != VALUE_PROFILE && kind != VALUE_PID)
        return;
    fprintf(out, "complete -c %s -n '__%s_operand %s", program, program, which);
    write_name(command, out);
    if (kind == VALUE_PID)
        fprintf(out, "' -a '(__%s_pids)'\n", program);
    else if (kind == VALUE_FILE)
        fputs("' -F\n", out);
    else
        fputs("' -k -a '(__fish_complete_suffix .pb.gz)'\n", out);
}

static void write_command(const struct opts_table *table, const struct command_spec *command, FILE *out) {
    fprintf(out, "complete -c %s -n '__%s_operand first \"\"' -a %s -d '", table->program, table->program,
            command->name);
    put(command->summary, out);
    fputs("'\n", out);
}

static void write_answers(const struct opts_table *table, FILE *out) {
    for (size_t i = 0; i < table->count; i++)
        write_option(table, &table->options[i], out);
    for (size_t i = 0; i < table->command_count; i++) {
        const struct command_spec *command = &table->commands[i];
        if (command->runs_command)
            fprintf(out, "complete -c %s -n '__%s_in %s program' -x -a '(__%s_program)'\n", table->program,
                    table->program, command->name, table->program);
        write_operand(table, command, "first", command->first, out);
        write_operand(table, command, "others", command->others, out);
    }
    for (size_t i = 1; i < table->command_count; i++)
        write_command(table, &table->commands[i], out);
}

const struct command_block command_fish[] = {
    {"options_with_values", write_options_with_values},
    {"options_before_operands", write_options_before_operands},
    {"command_test", write_command_test},
    {"launcher", write_launcher},
    {"answers", write_answers},
    {NULL, NULL},
};
