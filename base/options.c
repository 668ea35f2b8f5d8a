/* One table of names and parsers; each parser sees one value and says whether it understood it. A value that
 * is not understood changes nothing, so the default stands.
 *
 * options_read:
 *   1. set the defaults;
 *   2. stop there in a setuid program;
 *   3. for each entry of the table find its variable and parse it, or print one line;
 *   4. tie the settings together: the exit dump, and settings that have no effect without HEAPTAP_DUMP.
 *
 * Locks: none. Allocation: none. */
#include "base/options.h"

#include <signal.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/log.h"
#include "base/units.h"

typedef bool (*option_parser)(struct options *options, const char *value);

static bool parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    *out = value;
    return value >= min && value <= max;
}

static bool parse_rate(struct options *options, const char *value) {
    return units_parse_bytes(value, &options->mem_profile_rate);
}

/* A path with these letters after percent signs, into `out` of `size` bytes. */
static bool parse_pattern(const char *value, const char *letters, char *out, size_t size) {
    size_t length = strlen(value);
    if (length >= size)
        return false;
    for (const char *p = value; (p = strchr(p, '%')); p += 2) {
        if (!p[1] || !strchr(letters, p[1]))
            return false;
    }
    memcpy(out, value, length + 1);
    return true;
}

static bool parse_dump(struct options *options, const char *value) {
    return parse_pattern(value, "pnther%", options->dump_pattern, sizeof options->dump_pattern);
}

static bool parse_blackbox(struct options *options, const char *value) {
    options->has_blackbox = parse_pattern(value, "pthe%", options->blackbox_pattern, sizeof options->blackbox_pattern);
    return options->has_blackbox;
}

/* Absolute: a program changes its directory, and whoever looks for the socket is elsewhere. */
static bool parse_control(struct options *options, const char *value) {
    options->control_off = strcmp(value, "off") == 0;
    if (options->control_off)
        return true;
    options->control_asked =
        value[0] == '/' && parse_pattern(value, "phe%", options->control_path, OPTIONS_CONTROL_MAX);
    return options->control_asked;
}

static bool parse_interval(struct options *options, const char *value) {
    int64_t interval;
    if (strcmp(value, "off") == 0) {
        options->dump_interval = 0;
        return true;
    }
    if (!units_parse_duration(value, &interval) || interval < 0)
        return false;
    options->dump_interval = interval;
    return true;
}

/* Signals whose handler a program can lend out. Those that report a fault or end a program are not here. */
static int signal_by_name(const char *name) {
    static const struct {
        char name[12];
        int number;
    } signals[] = {
        {"HUP", SIGHUP}, {"USR1", SIGUSR1},   {"USR2", SIGUSR2}, {"PROF", SIGPROF}, {"VTALRM", SIGVTALRM},
        {"URG", SIGURG}, {"WINCH", SIGWINCH}, {"CONT", SIGCONT}, {"IO", SIGIO},
    };
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (strcmp(name, signals[i].name) == 0)
            return signals[i].number;
    }
    return 0;
}

/* "10%" */
static bool parse_percent(const char *text, uint64_t most, uint32_t *percent) {
    char digits[8] = "";
    uint64_t value;
    size_t length = strlen(text);
    if (length < 2 || length > sizeof digits || text[length - 1] != '%')
        return false;
    memcpy(digits, text, length - 1);
    if (!parse_count(digits, 1, most, &value))
        return false;
    *percent = (uint32_t)value;
    return true;
}

static bool parse_dump_trigger(struct options *options, const char *trigger) {
    if (strcmp(trigger, "exit") == 0) {
        options->dump_on_exit = true;
        return true;
    }
    if (strncmp(trigger, "signal:", 7) == 0) {
        int number = signal_by_name(trigger + 7);
        options->dump_signal = number ? number : options->dump_signal;
        return number != 0;
    }
    if (strncmp(trigger, "growth:", 7) == 0)
        return units_parse_bytes(trigger + 7, &options->dump_growth) && options->dump_growth > 0;
    if (strncmp(trigger, "peak:", 5) == 0)
        return parse_percent(trigger + 5, 1000, &options->dump_peak_percent);
    if (strncmp(trigger, "limit:", 6) == 0)
        return parse_percent(trigger + 6, 100, &options->dump_limit_percent);
    return false;
}

static void clear_triggers(struct options *options) {
    options->dump_on_exit = false;
    options->dump_signal = 0;
    options->dump_growth = 0;
    options->dump_peak_percent = 0;
    options->dump_limit_percent = 0;
}

/* A comma list. One bad entry spoils it: the default is then the dump at exit. */
static bool parse_dump_on(struct options *options, const char *value) {
    bool ok = true;
    clear_triggers(options);
    while (ok && *value) {
        char trigger[64];
        size_t length = strcspn(value, ",");
        size_t kept = length < sizeof trigger ? length : sizeof trigger - 1;
        memcpy(trigger, value, kept);
        trigger[kept] = '\0';
        ok = parse_dump_trigger(options, trigger);
        value += length + (value[length] == ',');
    }
    if (!ok) {
        clear_triggers(options);
        options->dump_on_exit = true;
    }
    return ok;
}

static bool parse_keep(struct options *options, const char *value) {
    uint64_t count;
    if (!parse_count(value, 1, 1000000, &count))
        return false;
    options->dump_keep = (uint32_t)count;
    return true;
}

static bool parse_dump_max_bytes(struct options *options, const char *value) {
    return units_parse_bytes(value, &options->dump_max_bytes);
}

static bool parse_unwinder(struct options *options, const char *value) {
    static const char *const names[] = {[OPTIONS_UNWINDER_AUTO] = "auto",
                                        [OPTIONS_UNWINDER_FP] = "fp",
                                        [OPTIONS_UNWINDER_LIBUNWIND] = "libunwind",
                                        [OPTIONS_UNWINDER_EH] = "eh"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            options->unwinder = (enum options_unwinder)i;
            return true;
        }
    }
    return false;
}

static bool parse_depth(struct options *options, const char *value) {
    uint64_t depth;
    if (!parse_count(value, 1, OPTIONS_DEPTH_MAX, &depth))
        return false;
    options->depth = (uint32_t)depth;
    return true;
}

static bool parse_table_max(struct options *options, const char *value) {
    uint64_t bytes;
    if (!units_parse_bytes(value, &bytes) || bytes < (1 << 20) || bytes > (16ull << 30))
        return false;
    options->table_max = bytes;
    return true;
}

static bool parse_seed(struct options *options, const char *value) {
    uint64_t seed;
    if (!parse_count(value, 0, UINT64_MAX, &seed))
        return false;
    options->seed = seed;
    options->has_seed = true;
    return true;
}

static bool parse_switch(const char *value, bool *out) {
    if ((value[0] != '0' && value[0] != '1') || value[1])
        return false;
    *out = value[0] == '1';
    return true;
}

static bool parse_follow_fork(struct options *options, const char *value) {
    return parse_switch(value, &options->follow_fork);
}

static bool parse_memlimit(struct options *options, const char *value) {
    uint64_t bytes;
    if (strcmp(value, "off") == 0) {
        options->memlimit = INT64_MAX;
        return true;
    }
    if (!units_parse_bytes(value, &bytes) || bytes > INT64_MAX)
        return false;
    options->memlimit = (int64_t)bytes;
    return true;
}

static bool parse_scavtrace(struct options *options, const char *value) {
    return parse_switch(value, &options->scavtrace);
}

static bool parse_check(struct options *options, const char *value) { return parse_switch(value, &options->check); }

static bool parse_labels(struct options *options, const char *value) {
    bool threads = false, ages = false;
    for (const char *word = value; word; word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL) {
        size_t length = strcspn(word, ",");
        if (length == 6 && strncmp(word, "thread", length) == 0)
            threads = true;
        else if (length == 3 && strncmp(word, "age", length) == 0)
            ages = true;
        else
            return false;
    }
    options->label_threads = threads;
    options->label_ages = ages;
    return true;
}

/* The texts lie in the table: pointers to them would each be relocated, in a page of this process alone. */
static const struct option {
    char name[24];
    option_parser parse;
    char want[40];
} option_table[] = {
    {"HEAPTAP_MEMPROFILERATE", parse_rate, "a size such as 512KiB"},
    {"HEAPTAP_DUMP", parse_dump, "a path with %p %n %t %h %e %r"},
    {"HEAPTAP_DUMP_INTERVAL", parse_interval, "a duration such as 30s"},
    {"HEAPTAP_DUMP_ON", parse_dump_on, "a list such as exit,growth:64MiB"},
    {"HEAPTAP_DUMP_KEEP", parse_keep, "a count of files, 1 to 1000000"},
    {"HEAPTAP_DUMP_MAX_BYTES", parse_dump_max_bytes, "a size such as 1GiB"},
    {"HEAPTAP_CONTROL", parse_control, "an absolute path with %p %h %e, or off"},
    {"HEAPTAP_UNWINDER", parse_unwinder, "auto, eh, fp or libunwind"},
    {"HEAPTAP_DEPTH", parse_depth, "a number from 1 to 1024"},
    {"HEAPTAP_TABLE_MAX", parse_table_max, "a size from 1MiB to 16GiB"},
    {"HEAPTAP_SEED", parse_seed, "a number"},
    {"HEAPTAP_FOLLOW_FORK", parse_follow_fork, "0 or 1"},
    {"HEAPTAP_MEMLIMIT", parse_memlimit, "a size such as 2GiB, or off"},
    {"HEAPTAP_SCAVTRACE", parse_scavtrace, "0 or 1"},
    {"HEAPTAP_CHECK", parse_check, "0 or 1"},
    {"HEAPTAP_BLACKBOX", parse_blackbox, "a path with %p %t %h %e"},
    {"HEAPTAP_LABELS", parse_labels, "a list of thread, age"},
};

/* The value of `name` in "NAME=value" strings; NULL where it is not set. The first one counts, as in getenv.
 */
static const char *find_variable(char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return NULL;
}

void options_set_defaults(struct options *options) {
    memset(options, 0, offsetof(struct options, control_path));
    options->control_path[0] = '\0';
    options->dump_pattern[0] = '\0';
    options->mem_profile_rate = UINT64_C(512) << 10;
    options->table_max = 64ull << 20;
    options->dump_max_bytes = 1ull << 30;
    options->dump_keep = 100;
    options->depth = 128;
    options->unwinder = OPTIONS_UNWINDER_AUTO;
    options->dump_on_exit = true;
    options->follow_fork = true;
    options->memlimit = INT64_MAX;
}

/* A trigger without a pattern would never write a file; silence would look like success. */
static void tie_dump_settings(struct options *options) {
    if (options->dump_pattern[0])
        return;
    bool has_trigger =
        options->dump_signal || options->dump_growth || options->dump_peak_percent || options->dump_limit_percent;
    options->dump_on_exit = false;
    if (!has_trigger && !options->dump_interval)
        return;
    log_line("%s has no effect without HEAPTAP_DUMP", has_trigger ? "HEAPTAP_DUMP_ON" : "HEAPTAP_DUMP_INTERVAL");
    clear_triggers(options);
    options->dump_interval = 0;
}

/* The place of the control socket where nobody names one, as far as the environment has a say in it. */
static void place_control(struct options *options, const char *runtime_directory) {
    static const char tail[] = "/heaptap/%p.sock";
    size_t length = runtime_directory ? strlen(runtime_directory) : 0;
    if (options->control_off || options->control_asked || !length || runtime_directory[0] != '/' ||
        length + sizeof tail > sizeof options->control_path || strchr(runtime_directory, '%'))
        return;
    memcpy(options->control_path, runtime_directory, length);
    memcpy(options->control_path + length, tail, sizeof tail);
}

void options_read(struct options *options, char *const *environment) {
    options_set_defaults(options);
    options->control_off = getauxval(AT_SECURE);
    if (!options->control_off) {
        for (size_t i = 0; i < sizeof option_table / sizeof *option_table; i++) {
            const struct option *option = &option_table[i];
            const char *value = find_variable(environment, option->name);
            if (value && *value && !option->parse(options, value))
                log_line("bad value '%s' of %s: want %s; the default is used", value, option->name, option->want);
        }
        place_control(options, find_variable(environment, "XDG_RUNTIME_DIR"));
    }
    tie_dump_settings(options);
}

static const struct option *find_option(const char *variable) {
    for (size_t i = 0; i < sizeof option_table / sizeof *option_table; i++) {
        if (strcmp(option_table[i].name, variable) == 0)
            return &option_table[i];
    }
    return NULL;
}

bool options_accept(const char *variable, const char *value) {
    static struct options options;
    const struct option *option = find_option(variable);
    options_set_defaults(&options);
    return option && *value && option->parse(&options, value);
}

const char *options_variable(size_t index) {
    return index < sizeof option_table / sizeof *option_table ? option_table[index].name : NULL;
}

const char *options_want(const char *variable) {
    const struct option *option = find_option(variable);
    return option ? option->want : NULL;
}
