/* DWARF's tree is large and an address needs one path of it. Three tables, each filled when first needed:
 *
 *   units      ranges of every compilation unit (read from the unit's own entry: .debug_aranges is optional)
 *   functions  ranges of the functions of one unit, on the first address inside it; `nested` has those that stand
 *              inside other functions (lambdas, local classes, GNU C's), which takes reading all of the unit, and is
 *              filled for an address that no other function has
 *   lines      libdw's line table of one unit, which it keeps itself
 *
 *   1. address -> unit -> function entry, by bisection
 *   2. from the function down: the child whose ranges hold the address, through lexical blocks, as long as
 * there is one; every inlined call on the way is a frame
 *   3. the innermost frame takes its line from the line table, every other one the call line of the frame
 * inside it
 *
 * The functions of a unit may be in a file of their own (split DWARF), which libdw opens, by the name that is in the
 * unit and for the number that is in both. Ranges that begin at 0 belong to functions the linker threw away. Depth is
 * bounded everywhere: the file may be hostile. Locks: none. Allocates with malloc. */
#include "symbolizer/inlines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/ranges.h"
#include "symbolizer/scopes.h"

enum { MAX_NESTING = 64, MAX_CHAIN = 256, MAX_RANGES = 1 << 24 };

/* Functions of one unit. */
struct function_table {
    Dwarf_Die *dies;
    size_t count, capacity;
    struct ranges ranges; /* payload: index of dies */
    bool is_collected;
    const char *reached; /* while it is collected: the last entry read, of a tree that is written in order */
};

struct unit {
    Dwarf_Die lines; /* the entry that owns the line table */
    Dwarf_Die root;  /* the entry that owns the functions: the same, or the split unit's; all 0 where that is lost */
    struct function_table functions, nested;
    bool is_split, is_opened;
};

struct inlines {
    struct unit *units;
    size_t count, capacity;
    struct ranges ranges; /* payload: index of units */
    struct scopes *scopes;
    bool has_lost_unit;
};

static bool add_die_ranges(struct ranges *ranges, Dwarf_Die *die, size_t payload) {
    Dwarf_Addr base, low, high;
    ptrdiff_t position = 0;
    /* A small file may give one long list to many entries. */
    while (ranges->count < MAX_RANGES && (position = dwarf_ranges(die, position, &base, &low, &high)) > 0)
        if (low != 0 && !ranges_add(ranges, low, high, payload))
            return false;
    return true;
}

static bool add_function(struct function_table *table, Dwarf_Die *die) {
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 32;
        Dwarf_Die *dies = reallocarray(table->dies, capacity, sizeof *dies);
        if (!dies)
            return false;
        table->dies = dies;
        table->capacity = capacity;
    }
    table->dies[table->count] = *die;
    return add_die_ranges(&table->ranges, die, table->count++);
}

static bool is_block(int tag) {
    return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

/* The functions below an entry: outside of other functions or, `is_nested`, all. */
static bool collect(struct function_table *table, Dwarf_Die *parent, bool is_nested, int depth) {
    Dwarf_Die die;
    if (depth > MAX_NESTING || dwarf_child(parent, &die) != 0)
        return true;
    do {
        /* A file may lead backwards, which would never end, or into the same subtree at every level. */
        if ((const char *)die.addr <= table->reached)
            return true;
        table->reached = die.addr;
        int tag = dwarf_tag(&die);
        bool is_function = tag == DW_TAG_subprogram;
        if (is_function && !add_function(table, &die))
            return false;
        bool is_entered = scopes_may_hold_functions(tag) || (is_nested && (is_function || is_block(tag)));
        if (is_entered && !collect(table, &die, is_nested, depth + 1))
            return false;
    } while (dwarf_siblingof(&die, &die) == 0);
    return true;
}

static void open_split(struct inlines *inlines, struct unit *unit) {
    Dwarf_Die split = {0};
    if (!unit->is_split || unit->is_opened)
        return;
    unit->is_opened = true;
    if (dwarf_cu_info(unit->lines.cu, NULL, NULL, NULL, &split, NULL, NULL, NULL) == 0 && split.cu) {
        unit->root = split;
    } else {
        unit->root = (Dwarf_Die){0};
        inlines->has_lost_unit = true;
    }
}

static bool collect_once(struct inlines *inlines, struct unit *unit, struct function_table *table) {
    if (table->is_collected)
        return true;
    table->is_collected = true;
    open_split(inlines, unit);
    return !unit->root.addr || (collect(table, &unit->root, table == &unit->nested, 0) && ranges_seal(&table->ranges));
}

static bool add_unit(struct inlines *inlines, Dwarf_Die *die, bool is_split) {
    if (inlines->count == inlines->capacity) {
        size_t capacity = inlines->capacity ? inlines->capacity * 2 : 64;
        struct unit *units = reallocarray(inlines->units, capacity, sizeof *units);
        if (!units)
            return false;
        inlines->units = units;
        inlines->capacity = capacity;
    }
    size_t index = inlines->count++, before = inlines->ranges.count;
    struct unit *unit = &inlines->units[index];
    *unit = (struct unit){.lines = *die, .root = *die, .is_split = is_split};
    if (!add_die_ranges(&inlines->ranges, die, index))
        return false;
    if (inlines->ranges.count > before)
        return true;
    struct ranges *functions = &unit->functions.ranges;
    if (!collect_once(inlines, unit, &unit->functions))
        return false;
    for (size_t i = 0; i < functions->count; i++)
        if (!ranges_add(&inlines->ranges, functions->items[i].low, functions->items[i].high, index))
            return false;
    return true;
}

struct inlines *inlines_open(struct Dwarf *dwarf) {
    struct inlines *inlines = calloc(1, sizeof *inlines);
    if (!inlines || !(inlines->scopes = scopes_open())) {
        free(inlines);
        return NULL;
    }
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    uint8_t type;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        if (!add_unit(inlines, &die, type == DW_UT_skeleton)) {
            inlines_close(inlines);
            return NULL;
        }
    }
    if (ranges_seal(&inlines->ranges))
        return inlines;
    inlines_close(inlines);
    return NULL;
}

static void free_functions(struct function_table *table) {
    ranges_free(&table->ranges);
    free(table->dies);
}

void inlines_close(struct inlines *inlines) {
    if (!inlines)
        return;
    for (size_t i = 0; i < inlines->count; i++) {
        free_functions(&inlines->units[i].functions);
        free_functions(&inlines->units[i].nested);
    }
    ranges_free(&inlines->ranges);
    scopes_close(inlines->scopes);
    free(inlines->units);
    free(inlines);
}

static const char *find_linkage_name(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
        return dwarf_formstring(&attribute);
    return NULL;
}

static bool is_cplusplus(Dwarf_Die *unit) {
    int language = dwarf_srclang(unit);
    return language == DW_LANG_C_plus_plus || language == DW_LANG_C_plus_plus_03 ||
           language == DW_LANG_C_plus_plus_11 || language == DW_LANG_C_plus_plus_14;
}

/* The declaration behind a concrete or inlined function: the one that stands inside its namespace. */
static Dwarf_Die find_declaration(Dwarf_Die *die) {
    Dwarf_Die current = *die;
    for (int i = 0; i < MAX_NESTING; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if (!dwarf_attr(&current, DW_AT_abstract_origin, &attribute) &&
            !dwarf_attr(&current, DW_AT_specification, &attribute))
            break;
        if (!dwarf_formref_die(&attribute, &next))
            break;
        current = next;
    }
    return current;
}

static void find_names(struct inlines *inlines, struct unit *unit, Dwarf_Die *die, struct source_frame *frame) {
    frame->name = find_linkage_name(die);
    if (frame->name)
        return;
    frame->name = dwarf_diename(die);
    if (!frame->name || !is_cplusplus(&unit->root))
        return;
    Dwarf_Die declaration = find_declaration(die);
    frame->qualified = scopes_qualify(inlines->scopes, &declaration, frame->name);
}

/* The child, or a lexical block's child, that holds the address. */
static bool descend(Dwarf_Die *parent, uint64_t address, Dwarf_Die *child) {
    const void *before = NULL;
    if (dwarf_child(parent, child) != 0)
        return false;
    do {
        if (before && (const char *)child->addr <= (const char *)before)
            return false;
        before = child->addr;
        int tag = dwarf_tag(child);
        bool is_scope = tag == DW_TAG_inlined_subroutine || is_block(tag);
        if (is_scope && dwarf_haspc(child, address) == 1)
            return true;
    } while (dwarf_siblingof(child, child) == 0);
    return false;
}

/* The function and the inlined calls inside it that hold the address, outermost first. */
static size_t find_chain(Dwarf_Die *function, uint64_t address, Dwarf_Die *chain) {
    size_t count = 1;
    Dwarf_Die scope = *function, child;
    chain[0] = scope;
    for (int depth = 0; depth < MAX_CHAIN && count < MAX_CHAIN && descend(&scope, address, &child); depth++) {
        scope = child;
        if (dwarf_tag(&scope) == DW_TAG_inlined_subroutine)
            chain[count++] = scope;
    }
    return count;
}

static int64_t find_number(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    if (!dwarf_attr_integrate(die, name, &attribute) || dwarf_formudata(&attribute, &value) != 0 || value > INT32_MAX)
        return 0;
    return (int64_t)value;
}

/* The file of this number in the line table that the entry's unit uses. libdw's dwarf_decl_file ends the program where
 * the table of a split unit is missing. */
static const char *find_file(Dwarf_Die *unit, int64_t index) {
    Dwarf_Files *files;
    size_t count;
    if (dwarf_getsrcfiles(unit, &files, &count) != 0 || index < 0 || (size_t)index >= count)
        return NULL;
    const char *name = dwarf_filesrc(files, (size_t)index, NULL, NULL);
    return name && strcmp(name, "???") != 0 ? name : NULL;
}

/* The file of the declaration, by the table of the unit that the attribute stands in. */
static const char *find_declared_file(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    Dwarf_Word index;
    Dwarf_Die unit;
    if (!dwarf_attr_integrate(die, DW_AT_decl_file, &attribute) || dwarf_formudata(&attribute, &index) != 0 ||
        index > INT32_MAX)
        return NULL;
    if (dwarf_cu_info(attribute.cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) != 0)
        return NULL;
    return find_file(&unit, (int64_t)index);
}

static void find_line(Dwarf_Die *unit, uint64_t address, struct source_frame *frame) {
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    bool is_end = false;
    int number;
    if (!line || dwarf_lineendsequence(line, &is_end) != 0 || is_end)
        return;
    frame->file = dwarf_linesrc(line, NULL, NULL);
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        frame->line = number;
}

static void fill_frame(struct inlines *inlines, struct unit *unit, Dwarf_Die *die, Dwarf_Die *inner, uint64_t address,
                       struct source_frame *frame) {
    *frame = (struct source_frame){0};
    find_names(inlines, unit, die, frame);
    if (inner) {
        frame->file = find_file(&unit->lines, find_number(inner, DW_AT_call_file));
        frame->line = find_number(inner, DW_AT_call_line);
    } else {
        find_line(&unit->lines, address, frame);
    }
    const char *declared = find_declared_file(die);
    if (declared && frame->file && strcmp(declared, frame->file) == 0)
        frame->start_line = find_number(die, DW_AT_decl_line);
}

static const struct range *narrowest(const struct ranges *ranges, uint64_t address) {
    const struct range *best = NULL, *range = NULL;
    while ((range = ranges_find(ranges, address, range)) != NULL)
        if (!best || range->high - range->low < best->high - best->low)
            best = range;
    return best;
}

/* The function of this unit at the address, or NULL. */
static Dwarf_Die *find_function(struct inlines *inlines, struct unit *unit, uint64_t address) {
    struct function_table *const tables[] = {&unit->functions, &unit->nested};
    for (size_t i = 0; i < 2; i++) {
        if (!collect_once(inlines, unit, tables[i]))
            return NULL;
        const struct range *range = narrowest(&tables[i]->ranges, address);
        if (range)
            return &tables[i]->dies[range->payload];
    }
    return NULL;
}

size_t inlines_find(struct inlines *inlines, uint64_t address, struct source_frame *frames, size_t most) {
    const struct range *range = NULL;
    struct unit *unit = NULL;
    Dwarf_Die *function = NULL;
    while (!function && (range = ranges_find(&inlines->ranges, address, range)) != NULL) {
        unit = &inlines->units[range->payload];
        function = find_function(inlines, unit, address);
    }
    if (!function || !most)
        return 0;
    Dwarf_Die chain[MAX_CHAIN];
    size_t count = find_chain(function, address, chain), filled = 0;
    for (size_t i = count; i-- > 0;) {
        if (filled == most)
            filled--;
        fill_frame(inlines, unit, &chain[i], i + 1 < count ? &chain[i + 1] : NULL, address, &frames[filled++]);
    }
    return filled;
}

void inlines_find_line(struct inlines *inlines, uint64_t address, struct source_frame *frame) {
    const struct range *range = NULL;
    frame->file = NULL;
    frame->line = 0;
    while (!frame->file && (range = ranges_find(&inlines->ranges, address, range)) != NULL)
        find_line(&inlines->units[range->payload].lines, address, frame);
}

bool inlines_has_lost_unit(const struct inlines *inlines) { return inlines->has_lost_unit; }
