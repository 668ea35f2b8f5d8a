/* The writer of profiles. It runs inside the profiled process while that is short of memory, so it holds only
 * a string table, one message and 32 KiB of bytes that wait for zlib; each message is packed on its own, because a
 * tree of the whole profile would be as large as the profile. Samples, which are most of a profile, are packed here, in
 * half the time of protobuf-c, which packs the rest.
 *
 * A message (begin_message, end_message):
 *   1. its size, from protobuf-c or the sample's numbers
 *   2. not enough room behind the bytes that wait: give those to zlib; a message larger than the whole buffer
 *      gets a buffer of its own from the region, which is kept for the next one
 *   3. write tag and length, pack the message behind them
 *
 *   pending:  | tag length message | tag length message | ... free ... |
 *
 * A text is written as a message of its own when it is seen first, so the table of the file is in the order
 * of the numbers that writer_string gives. The format allows every order of messages.
 *
 * Locks: none. Allocation: the caller's region only, so it may run inside malloc; no stdio. */
#include "proto/writer.h"

#include <string.h>

#include "proto/gzip.h"
#include "profile.pb-c.h"
#include "proto/strtab.h"
#include "proto/wire.h"

enum { PENDING_SIZE = 32 * 1024, HEADER_MAX = 2 * WIRE_VARINT_MAX };

/* Memory that keeps its largest size for the next use. */
struct scratch {
    void *bytes;
    size_t size;
};

struct writer {
    struct region *region;
    struct proto_error error;
    struct gzip_writer gzip;
    struct strtab strings;
    unsigned char *pending;
    size_t pending_used;
    struct scratch large; /* a message that does not fit into `pending` */
    struct scratch parts; /* the lines of a location, as protobuf-c wants them */
    uint64_t mapping_count, function_count, location_count;
    size_t sample_type_count;
};

static uint64_t stream_offset(const struct writer *writer) { return writer->gzip.stream_bytes + writer->pending_used; }

static bool fail(struct writer *writer, enum proto_error_code code, const char *text) {
    return proto_fail(&writer->error, code, stream_offset(writer), text);
}

static bool failed(const struct writer *writer) { return writer->error.code != PROTO_OK; }

static void *scratch_get(struct writer *writer, struct scratch *scratch, size_t size) {
    if (size > scratch->size || !scratch->bytes) {
        size_t grown = size > scratch->size * 2 ? size : scratch->size * 2;
        void *bytes = region_alloc(writer->region, grown);
        if (!bytes) {
            fail(writer, PROTO_ERROR_MEMORY, "out of memory");
            return NULL;
        }
        *scratch = (struct scratch){bytes, grown};
    }
    return scratch->bytes;
}

static bool flush_pending(struct writer *writer) {
    size_t size = writer->pending_used;
    writer->pending_used = 0;
    return gzip_write(&writer->gzip, writer->pending, size, &writer->error);
}

static bool make_room(struct writer *writer, size_t size) {
    return size <= PENDING_SIZE - writer->pending_used || flush_pending(writer);
}

static void put_number(struct writer *writer, enum profile_field field, int64_t value) {
    if (failed(writer) || !make_room(writer, HEADER_MAX))
        return;
    unsigned char *out = writer->pending + writer->pending_used;
    size_t n = wire_put_tag(out, field, WIRE_VARINT);
    writer->pending_used += n + wire_put_varint(out + n, (uint64_t)value);
}

static size_t put_header(unsigned char *out, enum profile_field field, size_t size) {
    size_t n = wire_put_tag(out, field, WIRE_BYTES);
    return n + wire_put_varint(out + n, size);
}

/* Where a message of `size` bytes goes: behind the bytes that wait, or into a buffer of its own. NULL after an error.
 */
static unsigned char *begin_message(struct writer *writer, size_t size) {
    if (size + HEADER_MAX > PENDING_SIZE)
        return scratch_get(writer, &writer->large, size + HEADER_MAX);
    return make_room(writer, size + HEADER_MAX) ? writer->pending + writer->pending_used : NULL;
}

/* `begin` to `end` is what was written where begin_message said. */
static void end_message(struct writer *writer, const unsigned char *begin, const unsigned char *end) {
    size_t size = (size_t)(end - begin);
    if (begin != writer->large.bytes)
        writer->pending_used += size;
    else if (flush_pending(writer))
        gzip_write(&writer->gzip, begin, size, &writer->error);
}

static void put_message(struct writer *writer, enum profile_field field, const ProtobufCMessage *message) {
    if (failed(writer))
        return;
    size_t size = protobuf_c_message_get_packed_size(message);
    unsigned char *begin = begin_message(writer, size);
    if (!begin)
        return;
    unsigned char *out = begin + put_header(begin, field, size);
    end_message(writer, begin, out + protobuf_c_message_pack(message, out));
}

static void put_string(struct writer *writer, const char *text, size_t length) {
    if (!make_room(writer, HEADER_MAX))
        return;
    writer->pending_used += put_header(writer->pending + writer->pending_used, FIELD_STRING, length);
    if (length > PENDING_SIZE - writer->pending_used) {
        if (flush_pending(writer))
            gzip_write(&writer->gzip, text, length, &writer->error);
        return;
    }
    memcpy(writer->pending + writer->pending_used, text, length);
    writer->pending_used += length;
}

struct writer *writer_open(struct region *region, writer_sink sink, void *context, int level) {
    struct writer *writer = region_alloc(region, sizeof *writer);
    if (!writer)
        return NULL;
    *writer = (struct writer){.region = region, .pending = region_alloc(region, PENDING_SIZE)};
    strtab_init(&writer->strings, region);
    if (!writer->pending || !gzip_writer_open(&writer->gzip, region, sink, context, level, &writer->error))
        return NULL;
    writer_string(writer, "");
    return failed(writer) ? NULL : writer;
}

string_id writer_string_n(struct writer *writer, const char *text, size_t length) {
    if (failed(writer))
        return 0;
    bool is_new;
    string_id id = strtab_intern(&writer->strings, text, length, &is_new);
    if (id == PROFILE_NONE) {
        fail(writer, PROTO_ERROR_MEMORY, "out of memory");
        return 0;
    }
    if (is_new)
        put_string(writer, text, length);
    return id;
}

string_id writer_string(struct writer *writer, const char *text) { return writer_string_n(writer, text, strlen(text)); }

static void put_value_type(struct writer *writer, enum profile_field field, const char *type, const char *unit) {
    Perftools__Profiles__ValueType message = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
    message.type = writer_string(writer, type);
    message.unit = writer_string(writer, unit);
    put_message(writer, field, &message.base);
}

void writer_sample_type(struct writer *writer, const char *type, const char *unit) {
    put_value_type(writer, FIELD_SAMPLE_TYPE, type, unit);
    writer->sample_type_count++;
}

void writer_period(struct writer *writer, const char *type, const char *unit, int64_t period) {
    put_value_type(writer, FIELD_PERIOD_TYPE, type, unit);
    put_number(writer, FIELD_PERIOD, period);
}

void writer_time(struct writer *writer, int64_t time_nanos, int64_t duration_nanos) {
    if (time_nanos)
        put_number(writer, FIELD_TIME, time_nanos);
    if (duration_nanos)
        put_number(writer, FIELD_DURATION, duration_nanos);
}

/* A field that holds the number of a text. */
static void put_text(struct writer *writer, enum profile_field field, const char *text) {
    put_number(writer, field, writer_string(writer, text));
}

void writer_comment(struct writer *writer, const char *text) { put_text(writer, FIELD_COMMENT, text); }

void writer_default_sample_type(struct writer *writer, const char *type) {
    put_text(writer, FIELD_DEFAULT_SAMPLE_TYPE, type);
}

void writer_drop_frames(struct writer *writer, const char *regex, const char *keep_regex) {
    if (regex && *regex)
        put_text(writer, FIELD_DROP_FRAMES, regex);
    if (keep_regex && *keep_regex)
        put_text(writer, FIELD_KEEP_FRAMES, keep_regex);
}

uint64_t writer_mapping(struct writer *writer, const struct profile_mapping *mapping) {
    Perftools__Profiles__Mapping message = PERFTOOLS__PROFILES__MAPPING__INIT;
    message.id = ++writer->mapping_count;
    message.memory_start = mapping->start;
    message.memory_limit = mapping->limit;
    message.file_offset = mapping->offset;
    message.filename = mapping->filename;
    message.build_id = mapping->build_id;
    message.has_functions = mapping->has_functions;
    message.has_filenames = mapping->has_filenames;
    message.has_line_numbers = mapping->has_line_numbers;
    message.has_inline_frames = mapping->has_inline_frames;
    put_message(writer, FIELD_MAPPING, &message.base);
    return failed(writer) ? 0 : message.id;
}

uint64_t writer_function(struct writer *writer, const struct profile_function *function) {
    Perftools__Profiles__Function message = PERFTOOLS__PROFILES__FUNCTION__INIT;
    message.id = ++writer->function_count;
    message.name = function->name;
    message.system_name = function->system_name;
    message.filename = function->filename;
    message.start_line = function->start_line;
    put_message(writer, FIELD_FUNCTION, &message.base);
    return failed(writer) ? 0 : message.id;
}

/* Room for `count` sub-messages of `size` bytes and the pointers to them, which protobuf-c wants. */
static void **sub_messages(struct writer *writer, size_t count, size_t size, void **items) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size + sizeof(void *), &bytes)) {
        fail(writer, PROTO_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    void **pointers = scratch_get(writer, &writer->parts, bytes);
    *items = pointers + count;
    return pointers;
}

/* pprof refuses the whole profile when one line has no function, so such a line is left out: it says nothing
 * that the address of its location does not say. */
static bool pack_lines(struct writer *writer, Perftools__Profiles__Location *message, const struct profile_line *lines,
                       size_t count) {
    Perftools__Profiles__Line *items = NULL;
    message->line = (Perftools__Profiles__Line **)sub_messages(writer, count, sizeof *items, (void **)&items);
    if (!message->line)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].function == PROFILE_NONE)
            continue;
        Perftools__Profiles__Line *item = &items[message->n_line];
        *item = (Perftools__Profiles__Line)PERFTOOLS__PROFILES__LINE__INIT;
        item->function_id = lines[i].function;
        item->line = lines[i].line;
        item->column = lines[i].column;
        message->line[message->n_line++] = item;
    }
    return true;
}

static uint64_t put_location(struct writer *writer, const struct profile_location *location,
                             const struct profile_line *lines, size_t line_count) {
    Perftools__Profiles__Location message = PERFTOOLS__PROFILES__LOCATION__INIT;
    message.id = ++writer->location_count;
    message.mapping_id = location->mapping == PROFILE_NONE ? 0 : location->mapping;
    message.address = location->address;
    message.is_folded = location->is_folded;
    if (line_count && !pack_lines(writer, &message, lines, line_count))
        return 0;
    put_message(writer, FIELD_LOCATION, &message.base);
    return failed(writer) ? 0 : message.id;
}

uint64_t writer_location(struct writer *writer, uint64_t address, uint32_t mapping, const struct profile_line *lines,
                         size_t line_count) {
    struct profile_location location = {.address = address, .mapping = mapping};
    return put_location(writer, &location, lines, line_count);
}

static size_t packed_size(const uint64_t *numbers, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += wire_varint_size(numbers[i]);
    return size;
}

/* A field that is left out where it is 0: its tag is one byte. */
static size_t number_size(uint64_t value) { return value ? 1 + wire_varint_size(value) : 0; }

/* A field that is left out where it is empty. */
static size_t part_size(size_t size) { return size ? 1 + wire_varint_size(size) + size : 0; }

/* A label is a text, or a number with its unit. */
static struct profile_label plain_label(struct profile_label label) {
    if (label.text) {
        label.number = 0;
        label.unit = 0;
    }
    return label;
}

static size_t label_size(struct profile_label label) {
    return number_size(label.key) + number_size(label.text) + number_size((uint64_t)label.number) +
           number_size(label.unit);
}

static size_t label_part_size(struct profile_label label) {
    size_t size = label_size(label);
    return 1 + wire_varint_size(size) + size;
}

static size_t labels_size(const struct profile_label *labels, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += label_part_size(plain_label(labels[i]));
    return size;
}

static unsigned char *put_part_header(unsigned char *out, unsigned field, size_t size) {
    out += wire_put_tag(out, field, WIRE_BYTES);
    return out + wire_put_varint(out, size);
}

static unsigned char *put_packed(unsigned char *out, unsigned field, const uint64_t *numbers, size_t count,
                                 size_t size) {
    if (!count)
        return out;
    out = put_part_header(out, field, size);
    for (size_t i = 0; i < count; i++)
        out += wire_put_varint(out, numbers[i]);
    return out;
}

static unsigned char *put_label_field(unsigned char *out, unsigned field, uint64_t value) {
    if (!value)
        return out;
    out += wire_put_tag(out, field, WIRE_VARINT);
    return out + wire_put_varint(out, value);
}

static unsigned char *put_label(unsigned char *out, struct profile_label label) {
    out = put_part_header(out, SAMPLE_LABEL, label_size(label));
    out = put_label_field(out, LABEL_KEY, label.key);
    out = put_label_field(out, LABEL_TEXT, label.text);
    out = put_label_field(out, LABEL_NUMBER, (uint64_t)label.number);
    return put_label_field(out, LABEL_UNIT, label.unit);
}

void writer_sample(struct writer *writer, const uint64_t *location_ids, size_t location_count, const int64_t *values,
                   size_t value_count, const struct profile_label *labels, size_t label_count) {
    if (value_count != writer->sample_type_count)
        fail(writer, PROTO_ERROR_CORRUPT, "a sample needs one value for each sample type");
    if (failed(writer))
        return;
    const uint64_t *numbers = (const uint64_t *)values;
    size_t locations_size = packed_size(location_ids, location_count), values_size = packed_size(numbers, value_count);
    size_t size = part_size(locations_size) + part_size(values_size) + labels_size(labels, label_count);
    unsigned char *begin = begin_message(writer, size);
    if (!begin)
        return;
    unsigned char *out = begin + put_header(begin, FIELD_SAMPLE, size);
    out = put_packed(out, SAMPLE_LOCATION_ID, location_ids, location_count, locations_size);
    out = put_packed(out, SAMPLE_VALUE, numbers, value_count, values_size);
    for (size_t i = 0; i < label_count; i++)
        out = put_label(out, plain_label(labels[i]));
    end_message(writer, begin, out);
}

bool writer_close(struct writer *writer, struct proto_error *error) {
    if (!failed(writer) && flush_pending(writer))
        gzip_writer_close(&writer->gzip, &writer->error);
    if (failed(writer))
        *error = writer->error;
    return !failed(writer);
}

/* A profile of the model on its way into a writer. */
struct copy {
    const struct profile *from;
    struct writer *to;
    string_id *strings; /* number in `from` -> number in `to` + 1, 0 = not copied yet */
    struct scratch ids;
};

static string_id copy_string(struct copy *copy, string_id id) {
    if (!copy->strings[id]) {
        const struct profile_string *string = &copy->from->strings[id];
        copy->strings[id] = writer_string_n(copy->to, string->text, string->length) + 1;
    }
    return copy->strings[id] - 1;
}

static void copy_value_type(struct copy *copy, enum profile_field field, struct profile_value_type type) {
    Perftools__Profiles__ValueType message = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
    message.type = copy_string(copy, type.type);
    message.unit = copy_string(copy, type.unit);
    put_message(copy->to, field, &message.base);
}

static void copy_text(struct copy *copy, enum profile_field field, string_id id) {
    if (id)
        put_number(copy->to, field, copy_string(copy, id));
}

static void copy_header(struct copy *copy) {
    const struct profile *from = copy->from;
    for (uint32_t i = 0; i < from->sample_type_count; i++)
        copy_value_type(copy, FIELD_SAMPLE_TYPE, from->sample_types[i]);
    copy->to->sample_type_count = from->sample_type_count;
    copy_text(copy, FIELD_DROP_FRAMES, from->drop_frames);
    copy_text(copy, FIELD_KEEP_FRAMES, from->keep_frames);
    writer_time(copy->to, from->time_nanos, from->duration_nanos);
    if (from->period_type.type || from->period_type.unit)
        copy_value_type(copy, FIELD_PERIOD_TYPE, from->period_type);
    if (from->period)
        put_number(copy->to, FIELD_PERIOD, from->period);
    for (uint32_t i = 0; i < from->comment_count; i++)
        put_number(copy->to, FIELD_COMMENT, copy_string(copy, from->comments[i]));
    copy_text(copy, FIELD_DEFAULT_SAMPLE_TYPE, from->default_sample_type);
    copy_text(copy, FIELD_DOC_URL, from->doc_url);
}

static void copy_mappings(struct copy *copy) {
    for (uint32_t i = 0; i < copy->from->mapping_count; i++) {
        struct profile_mapping mapping = copy->from->mappings[i];
        mapping.filename = copy_string(copy, mapping.filename);
        mapping.build_id = copy_string(copy, mapping.build_id);
        writer_mapping(copy->to, &mapping);
    }
}

static void copy_functions(struct copy *copy) {
    for (uint32_t i = 0; i < copy->from->function_count; i++) {
        struct profile_function function = copy->from->functions[i];
        function.name = copy_string(copy, function.name);
        function.system_name = copy_string(copy, function.system_name);
        function.filename = copy_string(copy, function.filename);
        writer_function(copy->to, &function);
    }
}

/* Indexes count from 0, ids from 1. */
static uint32_t id_of(uint32_t index) { return index == PROFILE_NONE ? PROFILE_NONE : index + 1; }

static void copy_locations(struct copy *copy) {
    for (uint32_t i = 0; i < copy->from->location_count; i++) {
        struct profile_location location = copy->from->locations[i];
        const struct profile_line *lines = copy->from->lines + location.first_line;
        struct profile_line *renumbered = scratch_get(copy->to, &copy->ids, location.line_count * sizeof *renumbered);
        if (!renumbered && location.line_count)
            return;
        for (uint32_t k = 0; k < location.line_count; k++) {
            renumbered[k] = lines[k];
            renumbered[k].function = id_of(lines[k].function);
        }
        location.mapping = id_of(location.mapping);
        put_location(copy->to, &location, renumbered, location.line_count);
    }
}

static bool copy_sample(struct copy *copy, uint32_t index) {
    const struct profile *from = copy->from;
    const struct profile_sample *sample = &from->samples[index];
    size_t id_bytes = sample->location_count * sizeof(uint64_t);
    uint64_t *ids = scratch_get(copy->to, &copy->ids, id_bytes + sample->label_count * sizeof(struct profile_label));
    if (!ids && (sample->location_count || sample->label_count))
        return false;
    for (uint32_t i = 0; i < sample->location_count; i++)
        ids[i] = (uint64_t)from->location_ids[sample->first_location + i] + 1;
    struct profile_label *labels = (struct profile_label *)(ids + sample->location_count);
    for (uint32_t i = 0; i < sample->label_count; i++) {
        labels[i] = from->labels[sample->first_label + i];
        labels[i].key = copy_string(copy, labels[i].key);
        labels[i].text = copy_string(copy, labels[i].text);
        labels[i].unit = copy_string(copy, labels[i].unit);
    }
    const int64_t *values = from->values + (size_t)index * from->sample_type_count;
    writer_sample(copy->to, ids, sample->location_count, values, from->sample_type_count, labels, sample->label_count);
    return !failed(copy->to);
}

static bool copy_profile(struct copy *copy, struct proto_error *error) {
    copy_header(copy);
    uint32_t sample = 0;
    while (sample < copy->from->sample_count && copy_sample(copy, sample))
        sample++;
    copy_mappings(copy);
    copy_locations(copy);
    copy_functions(copy);
    return writer_close(copy->to, error);
}

bool writer_write_profile(const struct profile *profile, writer_sink sink, void *context, int level,
                          struct proto_error *error) {
    struct region region = {0};
    *error = (struct proto_error){0};
    struct copy copy = {
        .from = profile,
        .to = writer_open(&region, sink, context, level),
        .strings = region_alloc(&region, (size_t)profile->string_count * sizeof(string_id)),
    };
    bool ok = copy.to && copy.strings ? copy_profile(&copy, error)
                                      : proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
    region_free(&region);
    return ok;
}
