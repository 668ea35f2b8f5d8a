/* .eh_frame_hdr is what linkers make for this: a sorted table of pairs, start of code and place of the entry (FDE),
 * each relative to the header.
 *
 * find:
 *   1. the header, its forms checked: the one form of table that linkers write is read, no other;
 *   2. binary search of the last pair that starts at or before the address;
 *   3. the FDE, then its CIE, which says how the FDE's pointers are written;
 *   4. the instructions are run (profiler/unwind_program.h).
 *
 * Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/eh_frame.h"

#include "profiler/dwarf_numbers.h"
#include "profiler/unwind_program.h"

enum { HEADER_VERSION = 1, PAIR_BYTES = 8, EXTENDED_LENGTH = UINT32_MAX };

struct byte_reader eh_frame_segment(const struct dl_phdr_info *object, uintptr_t address) {
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_R && address - start < segment->p_memsz)
            return (struct byte_reader){(const uint8_t *)address, (const uint8_t *)start + segment->p_memsz, false};
    }
    return (struct byte_reader){NULL, NULL, true};
}

/* A pointer in the form `encoding`; 0 and is_bad where that is not one of the forms in use. */
static uintptr_t read_pointer(struct byte_reader *reader, uint8_t encoding, uintptr_t data) {
    uintptr_t here = (uintptr_t)reader->at, base = 0;
    switch (encoding & 0x70) {
    case 0:
        break;
    case DW_EH_PE_pcrel:
        base = here;
        break;
    case DW_EH_PE_datarel:
        base = data;
        break;
    default:
        reader->is_bad = true;
    }
    switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return base + byte_reader_fixed(reader, 8, false);
    case DW_EH_PE_udata4:
        return base + byte_reader_fixed(reader, 4, false);
    case DW_EH_PE_sdata4:
        return base + byte_reader_fixed(reader, 4, true);
    case DW_EH_PE_udata2:
        return base + byte_reader_fixed(reader, 2, false);
    case DW_EH_PE_sdata2:
        return base + byte_reader_fixed(reader, 2, true);
    case DW_EH_PE_uleb128:
        return base + byte_reader_uleb(reader);
    case DW_EH_PE_sleb128:
        return base + (uintptr_t)byte_reader_sleb(reader);
    default:
        reader->is_bad = true;
        return 0;
    }
}

/* What an entry contains after its length; its limit is the entry's. */
static struct byte_reader open_entry(const struct dl_phdr_info *object, uintptr_t address) {
    struct byte_reader reader = eh_frame_segment(object, address);
    uint64_t length = byte_reader_u32(&reader);
    if (length == EXTENDED_LENGTH)
        length = byte_reader_fixed(&reader, 8, false);
    return byte_reader_part(&reader, length);
}

struct common {
    struct unwind_entry *entry;
    uint8_t pointer_encoding;
    bool has_augmentation_data;
};

/* The letters say what the augmentation data consist of, in their order. */
static void read_augmentation(struct byte_reader *reader, const char *letters, struct common *common) {
    struct byte_reader data = byte_reader_part(reader, byte_reader_uleb(reader));
    for (letters++; *letters && !data.is_bad; letters++) {
        if (*letters == 'R') {
            common->pointer_encoding = byte_reader_u8(&data);
        } else if (*letters == 'L') {
            byte_reader_skip(&data, 1);
        } else if (*letters == 'P') {
            uint8_t encoding = byte_reader_u8(&data);
            read_pointer(&data, encoding & 0x7f, 0);
        } else if (*letters == 'S') {
            common->entry->is_signal = true;
        } else if (*letters != 'B' && *letters != 'G') { /* kinds of pointer authentication and memory tags */
            reader->is_bad = true;
        }
    }
    reader->is_bad |= data.is_bad;
}

static bool read_common(const struct dl_phdr_info *object, uintptr_t address, struct common *common) {
    struct byte_reader reader = open_entry(object, address);
    uint32_t id = byte_reader_u32(&reader);
    uint8_t version = byte_reader_u8(&reader);
    const char *letters = (const char *)reader.at;
    while (byte_reader_u8(&reader))
        ;
    if (reader.is_bad || id != 0 || (version != 1 && version != 3))
        return false;
    common->entry->code_factor = byte_reader_uleb(&reader);
    common->entry->data_factor = byte_reader_sleb(&reader);
    common->entry->return_register = version == 1 ? byte_reader_u8(&reader) : byte_reader_uleb(&reader);
    common->has_augmentation_data = *letters == 'z';
    if (common->has_augmentation_data)
        read_augmentation(&reader, letters, common);
    else if (*letters)
        return false;
    common->entry->common_code = reader;
    return !reader.is_bad;
}

static bool read_entry(const struct dl_phdr_info *object, uintptr_t address, struct unwind_entry *entry) {
    struct common common = {.entry = entry, .pointer_encoding = DW_EH_PE_absptr};
    struct byte_reader reader = open_entry(object, address);
    uintptr_t here = (uintptr_t)reader.at;
    uint32_t distance = byte_reader_u32(&reader);
    if (reader.is_bad || distance == 0 || !read_common(object, here - distance, &common))
        return false;
    entry->start = read_pointer(&reader, common.pointer_encoding, 0);
    entry->limit = entry->start + read_pointer(&reader, common.pointer_encoding & 0x0f, 0);
    if (common.has_augmentation_data)
        byte_reader_skip(&reader, byte_reader_uleb(&reader));
    entry->code = reader;
    return !reader.is_bad && !(common.pointer_encoding & DW_EH_PE_indirect);
}

static int32_t pair_word(const struct byte_reader *table, uint64_t index, unsigned word) {
    int32_t value;
    memcpy(&value, table->at + index * PAIR_BYTES + word * sizeof value, sizeof value);
    return value;
}

/* A pair of the table, each word relative to the header. */
struct pair {
    int32_t code, entry;
};

/* The last pair whose code starts at or before the address; false where there is none. */
static bool search(const struct dl_phdr_info *object, uintptr_t header, uintptr_t address, struct pair *pair) {
    struct byte_reader reader = eh_frame_segment(object, header);
    uint8_t version = byte_reader_u8(&reader), frame_encoding = byte_reader_u8(&reader);
    uint8_t count_encoding = byte_reader_u8(&reader), table_encoding = byte_reader_u8(&reader);
    if (version != HEADER_VERSION || count_encoding == DW_EH_PE_omit ||
        table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
        return false;
    if (frame_encoding != DW_EH_PE_omit)
        read_pointer(&reader, frame_encoding, header);
    uint64_t count = read_pointer(&reader, count_encoding, header);
    if (reader.is_bad || count == 0 || count > (uint64_t)(reader.limit - reader.at) / PAIR_BYTES)
        return false;
    int64_t wanted = (int64_t)(address - header);
    uint64_t low = 0, high = count; /* the pair is in [low, high) */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (pair_word(&reader, middle, 0) <= wanted)
            low = middle;
        else
            high = middle;
    }
    pair->code = pair_word(&reader, low, 0);
    pair->entry = pair_word(&reader, low, 1);
    return pair->code <= wanted;
}

static uintptr_t find_header(const struct dl_phdr_info *object) {
    uintptr_t header = 0;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            header = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
    }
    return header;
}

bool eh_frame_begins(const struct dl_phdr_info *object, uintptr_t address) {
    uintptr_t header = find_header(object);
    struct pair pair;
    return header && search(object, header, address, &pair) && header + (uintptr_t)(intptr_t)pair.code == address;
}

bool eh_frame_find(const struct dl_phdr_info *object, uintptr_t address, struct unwind_rule *rule) {
    struct unwind_entry entry = {0};
    uintptr_t header = find_header(object);
    struct pair pair;
    if (!header || !search(object, header, address, &pair) ||
        !read_entry(object, header + (uintptr_t)(intptr_t)pair.entry, &entry) ||
        address - entry.start >= entry.limit - entry.start)
        return false;
    *rule = unwind_program_run(&entry, address);
    return true;
}
