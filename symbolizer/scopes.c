/* libdw finds what an entry stands in by reading its unit from the begin, entry by entry, which for every function of a
 * large unit is a matter of minutes. But a tree that is written in order is a sorted list: in front of a function
 * stands the nearest recorded entry, and that is the function itself or the one whose insides it is in.
 *
 *   1. a unit's entries that are functions or may hold functions are recorded in order, each with the number of the one
 *      around it
 *   2. a function that was recorded has its scopes by following these numbers
 *   3. one inside another function (a lambda's operator) is gone down to from that function, which is small
 *
 * Answers are kept, because a function has many addresses. Depth is bounded, and a file that leads backwards ends.
 * Locks: none. Allocates with malloc and from its own region. */
#include "symbolizer/scopes.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "proto/strtab.h"

enum { MAX_DEPTH = 64, NO_PARENT = -1 };

struct entry {
    Dwarf_Die die;
    int64_t parent; /* index of entries, or NO_PARENT */
};

struct unit_entries {
    struct entry *entries; /* by rising address */
    size_t count, capacity;
};

struct scopes {
    struct region region;
    struct strtab units; /* keys: addresses of units; numbers: indexes of unit_entries */
    struct unit_entries *unit_entries;
    size_t unit_capacity;
    struct strtab declarations; /* keys: addresses of declarations; numbers: indexes of answers */
    const char **answers;
    size_t answer_capacity;
};

bool scopes_may_hold_functions(int tag) {
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_module ||
           tag == DW_TAG_interface_type;
}

struct scopes *scopes_open(void) {
    struct scopes *scopes = calloc(1, sizeof *scopes);
    if (!scopes)
        return NULL;
    strtab_init(&scopes->units, &scopes->region);
    strtab_init(&scopes->declarations, &scopes->region);
    return scopes;
}

void scopes_close(struct scopes *scopes) {
    if (!scopes)
        return;
    for (size_t i = 0; i < scopes->units.count; i++)
        if (i < scopes->unit_capacity)
            free(scopes->unit_entries[i].entries);
    free(scopes->unit_entries);
    free(scopes->answers);
    region_free(&scopes->region);
    free(scopes);
}

static bool record(struct unit_entries *unit, const Dwarf_Die *die, int64_t parent) {
    if (unit->count == unit->capacity) {
        size_t capacity = unit->capacity ? unit->capacity * 2 : 64;
        struct entry *entries = reallocarray(unit->entries, capacity, sizeof *entries);
        if (!entries)
            return false;
        unit->entries = entries;
        unit->capacity = capacity;
    }
    unit->entries[unit->count++] = (struct entry){*die, parent};
    return true;
}

static bool read_unit(struct unit_entries *unit, Dwarf_Die *above, int64_t parent, int depth) {
    Dwarf_Die die;
    const char *before = NULL;
    if (depth > MAX_DEPTH || dwarf_child(above, &die) != 0)
        return true;
    do {
        int tag = dwarf_tag(&die);
        bool is_scope = scopes_may_hold_functions(tag);
        const char *last = unit->count ? unit->entries[unit->count - 1].die.addr : NULL;
        if ((const char *)die.addr <= before || (const char *)die.addr <= last)
            return true;
        before = die.addr;
        if ((is_scope || tag == DW_TAG_subprogram) && !record(unit, &die, parent))
            return false;
        if (is_scope && !read_unit(unit, &die, (int64_t)unit->count - 1, depth + 1))
            return false;
    } while (dwarf_siblingof(&die, &die) == 0);
    return true;
}

/* The number of the key, with room for it in an array. */
static string_id intern(struct strtab *keys, const void *pointer, void **array, size_t *capacity, size_t size,
                        bool *is_new) {
    string_id number = strtab_intern(keys, (const char *)&pointer, sizeof pointer, is_new);
    if (number == PROFILE_NONE || number < *capacity)
        return number;
    size_t larger = (size_t)number * 2 + 64;
    void *items = reallocarray(*array, larger, size);
    if (!items)
        return PROFILE_NONE;
    memset((char *)items + *capacity * size, 0, (larger - *capacity) * size);
    *array = items;
    *capacity = larger;
    return number;
}

static const struct unit_entries *find_unit(struct scopes *scopes, Dwarf_CU *cu) {
    bool is_new = false;
    void *array = scopes->unit_entries;
    string_id number =
        intern(&scopes->units, cu, &array, &scopes->unit_capacity, sizeof *scopes->unit_entries, &is_new);
    scopes->unit_entries = array;
    if (number == PROFILE_NONE)
        return NULL;
    struct unit_entries *unit = &scopes->unit_entries[number];
    Dwarf_Die root;
    if (is_new && dwarf_cu_info(cu, NULL, NULL, &root, NULL, NULL, NULL, NULL) == 0 &&
        !read_unit(unit, &root, NO_PARENT, 0))
        return NULL;
    return unit;
}

/* The last recorded entry that begins at or before the address, or NO_PARENT. */
static int64_t find_entry(const struct unit_entries *unit, const void *address) {
    size_t low = 0, high = unit->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((const char *)unit->entries[middle].die.addr <= (const char *)address)
            low = middle + 1;
        else
            high = middle;
    }
    return (int64_t)low - 1;
}

/* The child of `above` that is the address or has it inside. */
static bool step_down(Dwarf_Die *above, const char *address, Dwarf_Die *child) {
    Dwarf_Die next;
    if (dwarf_child(above, child) != 0 || (const char *)child->addr > address)
        return false;
    while (dwarf_siblingof(child, &next) == 0 && (const char *)next.addr > (const char *)child->addr &&
           (const char *)next.addr <= address)
        *child = next;
    return true;
}

/* Scopes around the declaration, innermost first. */
static size_t find_scopes(const struct unit_entries *unit, const Dwarf_Die *declaration, Dwarf_Die *around) {
    Dwarf_Die inner[MAX_DEPTH];
    size_t inner_count = 0, count = 0;
    int64_t at = find_entry(unit, declaration->addr);
    if (at < 0)
        return 0;
    Dwarf_Die die = unit->entries[at].die, child;
    while (die.addr != declaration->addr && inner_count < MAX_DEPTH && step_down(&die, declaration->addr, &child)) {
        inner[inner_count++] = die;
        die = child;
    }
    for (size_t i = inner_count; i-- > 0;)
        around[count++] = inner[i];
    for (int64_t i = unit->entries[at].parent; i >= 0 && count < MAX_DEPTH; i = unit->entries[i].parent)
        around[count++] = unit->entries[i].die;
    return count;
}

static const char *scope_name(Dwarf_Die *scope) {
    int tag = dwarf_tag(scope);
    if (!scopes_may_hold_functions(tag) || tag == DW_TAG_module)
        return NULL;
    const char *name = dwarf_diename(scope);
    return name ? name : tag == DW_TAG_namespace ? "(anonymous namespace)" : "(unnamed)";
}

static const char *join(struct scopes *scopes, Dwarf_Die *declaration, const char *name) {
    const struct unit_entries *unit = find_unit(scopes, declaration->cu);
    Dwarf_Die around[2 * MAX_DEPTH];
    const char *names[2 * MAX_DEPTH];
    size_t count = unit ? find_scopes(unit, declaration, around) : 0, named = 0, size = strlen(name) + 1;
    for (size_t i = 0; i < count; i++)
        if ((names[named] = scope_name(&around[i])) != NULL)
            size += strlen(names[named++]) + 2;
    char *text = named ? region_alloc(&scopes->region, size) : NULL, *end = text;
    for (size_t i = named; text && i-- > 0;)
        end = stpcpy(stpcpy(end, names[i]), "::");
    if (text)
        strcpy(end, name);
    return text;
}

const char *scopes_qualify(struct scopes *scopes, Dwarf_Die *declaration, const char *name) {
    bool is_new = false;
    void *array = scopes->answers;
    string_id number = intern(&scopes->declarations, declaration->addr, &array, &scopes->answer_capacity,
                              sizeof *scopes->answers, &is_new);
    scopes->answers = array;
    if (number == PROFILE_NONE)
        return NULL;
    if (is_new)
        scopes->answers[number] = join(scopes, declaration, name);
    return scopes->answers[number];
}
