#include "cli/heapdiff_options.h"

static const struct option_spec options[] = {
    {OPT_SAMPLE, 0, false, "sample", "VIEW", NULL, "sample type to show (default: the file's own, else its last)"},
    {OPT_ALLOC_SPACE, 0, true, "alloc_space", NULL, NULL, "bytes allocated since the start"},
    {OPT_ALLOC_OBJECTS, 0, true, "alloc_objects", NULL, NULL, "objects allocated since the start"},
    {OPT_INUSE_SPACE, 0, true, "inuse_space", NULL, NULL, "bytes in use"},
    {OPT_INUSE_OBJECTS, 0, true, "inuse_objects", NULL, NULL, "objects in use"},
    {OPT_FLAT, 0, false, "flat", NULL, NULL, "order by what a row allocates itself (default)"},
    {OPT_CUM, 0, false, "cum", NULL, NULL,
     "order by what a row and its callees allocate;\na diff then shows these numbers"},
    {OPT_BY, 0, false, "by", "WHAT", NULL,
     "what a row is: function (default), line, file,\npackage, mapping, stack or label:KEY"},
    {OPT_ROWS, 'n', false, "rows", "N", NULL, "rows to show, 0 = all (default: 20)"},
    {OPT_FORMAT, 0, false, "format", "FORMAT", "text|json|proto", "form of the output (default: text)"},
    {OPT_OUTPUT, 'o', false, "output", "FILE", NULL, "write to FILE instead of standard output"},
    {OPT_BASE_MODE, 0, false, "base-mode", "MODE", "diff|subtract",
     "how --format proto takes OLD away: as pprof's\n-diff_base (default) or its -base"},
    {OPT_FOCUS, 0, false, "focus", "REGEX", NULL, "only samples with a frame that matches"},
    {OPT_IGNORE, 0, false, "ignore", "REGEX", NULL, "only samples without a frame that matches"},
    {OPT_HIDE, 0, false, "hide", "REGEX", NULL, "take frames that match out of the stacks"},
    {OPT_SHOW, 0, false, "show", "REGEX", NULL, "keep only frames that match in the stacks"},
    {OPT_DEBUG_DIR, 0, false, "debug-dir", "DIR", NULL,
     "look for binaries and debug files here first;\nmay be repeated"},
    {OPT_NO_SYMBOLIZE, 0, false, "no-symbolize", NULL, NULL, "leave frames without names as they are"},
    {OPT_COLOR, 0, false, "color", "WHEN", "auto|always|never", "colour the changes (default: auto)"},
    {OPT_VERSION, 0, false, "version", NULL, NULL, "print the version"},
    {OPT_HELP, 'h', false, "help", NULL, NULL, "print this text"},
};

const struct opts_table heapdiff_options = {
    .program = "heapdiff",
    .summary = "Shows heap profiles in pprof's format, or what changed from OLD to NEW. \"-\" is standard input.",
    .synopsis = "[options] OLD NEW\n[options] PROFILE\nmerge FILE... -o OUT\nsymbolize IN -o OUT",
    .options = options,
    .count = sizeof options / sizeof *options,
};
