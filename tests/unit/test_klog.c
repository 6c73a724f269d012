/* SPDX-License-Identifier: MIT */
/*
 * Kernel logs that are written here as [LINUX] kernel/printk/printk_ringbuffer.h and .c say, and for
 * the older format printk.c of 5.9: what a small ring keeps of a long talk, what layouts differ in,
 * and what a guest can get wrong. Then flipped bits, many of them.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/inside/klog.h"

enum {
	RAM_BYTES = 1 << 20,
	/* Where things lie; this guest's virtual addresses are physical. */
	AT_PRB = 0x1008,
	AT_STATIC = 0x1100,
	AT_DYNAMIC = 0x1200,
	AT_DESCS = 0x10000,
	AT_INFOS = 0x30000,
	AT_TEXT = 0x80000,
	/* struct prb_desc: state_var, begin, next. struct printk_info begins with seq, ts_nsec. */
	SPEC_DESC_BYTES = 24,
	SPEC_TEXT_LEN = 16,
	SPEC_FACILITY = 18,
	SPEC_FLAGS_LEVEL = 19,
	SPEC_CALLER_ID = 20,
	/* enum desc_state */
	SPEC_RESERVED = 0,
	SPEC_COMMITTED = 1,
	SPEC_FINALIZED = 2,
	SPEC_REUSABLE = 3,
	SPEC_FAILED_LPOS = 1,
	SPEC_NO_LPOS = 3,
	FUZZ_ROUNDS = 20000,
};

static uint8_t *ram;
static struct guest_memory memory;
static struct space space;
static struct klog klog;
static struct err err;

static char names[] =
	"prb\0printk_rb_dynamic\0printk_rb_static\0log_buf\0log_buf_len\0log_first_idx\0"
	"log_first_seq\0log_next_seq";
static struct symbol ring_symbols[] = {
	{ AT_PRB, 0, 'd' },
	{ AT_STATIC, 22, 'd' },
	{ AT_DYNAMIC, 4, 'b' },
};
static uint32_t ring_by_name[] = { 0, 2, 1 };
static struct symbol buf_symbols[] = {
	{ 0x1000, 39, 'd' }, { 0x1008, 47, 'd' }, { 0x100c, 59, 'b' },
	{ 0x1010, 73, 'b' }, { 0x1018, 87, 'b' },
};
static uint32_t buf_by_name[] = { 0, 1, 2, 3, 4 };
static struct symbols symbols;

static void use_symbols(struct symbol *by_address, uint32_t *by_name, size_t count)
{
	symbols = (struct symbols){ .by_address = by_address,
				    .by_name = by_name,
				    .count = count,
				    .names = names,
				    .names_bytes = sizeof(names),
				    .source = "System.map" };
}

static void setup(void)
{
	ram = calloc(1, RAM_BYTES);
	ck_assert_ptr_nonnull(ram);
	memory = (struct guest_memory){ .region[0] = { 0, RAM_BYTES, ram } };
	space = (struct space){ .memory = &memory };
	klog = (struct klog){ 0 };
	use_symbols(ring_symbols, ring_by_name, 3);
}

static void teardown(void)
{
	klog_finish(&klog);
	free(ram);
}

static void read_log(void)
{
	int rc = klog_read(&klog, &space, &symbols, &err);

	ck_assert_msg(rc == 0, "%s", err.text);
}

static void is_record(size_t i, uint64_t sequence, const char *text)
{
	ck_assert_uint_lt(i, klog.records);
	ck_assert_uint_eq(klog.record[i].sequence, sequence);
	ck_assert_str_eq(klog.text + klog.record[i].text, text);
	ck_assert_uint_eq(klog.record[i].text_bytes, strlen(text));
}

/* --- a ring and its writer ------------------------------------------------------------------- */

static struct model {
	uint64_t at;
	unsigned int text_ring; /* where text_data_ring begins */
	unsigned int info_bytes;
	unsigned int count_bits, size_bits;
	bool uses_last_bytes; /* in later kernels a block may end where the ring does */
	uint64_t head_id, tail_id, head_lpos, tail_lpos;
} model;

static uint8_t *desc_of(uint64_t id)
{
	return ram + AT_DESCS + (id & ((1u << model.count_bits) - 1)) * SPEC_DESC_BYTES;
}

static uint8_t *info_of(uint64_t id)
{
	return ram + AT_INFOS + (id & ((1u << model.count_bits) - 1)) * model.info_bytes;
}

static void set_state(uint64_t id, uint64_t state)
{
	put_le64(desc_of(id), state << 62 | id);
}

static void put_ring(void)
{
	uint8_t *ring = ram + model.at;

	put_le32(ring, model.count_bits);
	put_le64(ring + 8, AT_DESCS);
	put_le64(ring + 16, AT_INFOS);
	put_le64(ring + 24, model.head_id);
	put_le64(ring + 32, model.tail_id);
	if (model.text_ring == 48)
		put_le64(ring + 40, model.head_id);
	put_le32(ring + model.text_ring, model.size_bits);
	put_le64(ring + model.text_ring + 8, AT_TEXT);
	put_le64(ring + model.text_ring + 16, model.head_lpos);
	put_le64(ring + model.text_ring + 24, model.tail_lpos);
}

/* "Descriptor Bootstrap", BLK0_LPOS, DESC0_ID (-(1U << bits) - 1 is an unsigned int). */
static void make_ring(unsigned int text_ring, unsigned int info_bytes, unsigned int count_bits,
		      unsigned int size_bits)
{
	model = (struct model){ .at = AT_STATIC,
				.text_ring = text_ring,
				.info_bytes = info_bytes,
				.count_bits = count_bits,
				.size_bits = size_bits };
	model.head_id = model.tail_id = -((1u << count_bits) + 1);
	model.head_lpos = model.tail_lpos = -(1ull << size_bits);
	set_state(model.tail_id, SPEC_REUSABLE);
	put_le64(desc_of(model.tail_id) + 8, SPEC_FAILED_LPOS);
	put_le64(desc_of(model.tail_id) + 16, SPEC_FAILED_LPOS);
	put_le64(info_of(0), -(1ull << count_bits));
	put_le64(ram + AT_PRB, AT_STATIC);
	put_ring();
}

static void push_tail(void)
{
	uint64_t next = get_le64(desc_of(model.tail_id) + 16);

	set_state(model.tail_id, SPEC_REUSABLE);
	if (!(next & 1))
		model.tail_lpos = next;
	model.tail_id++;
}

/* Reserves a descriptor as desc_reserve() and prb_reserve() do; its ID. */
static uint64_t reserve(void)
{
	uint64_t id = model.head_id + 1, count = 1ull << model.count_bits;
	uint64_t sequence = get_le64(info_of(id));

	if (id - model.tail_id == count)
		push_tail();
	model.head_id = id;
	put_le64(info_of(id), sequence == 0 && id % count ? id % count : sequence + count);
	set_state(id, SPEC_RESERVED);
	return id;
}

/* data_alloc(): where a block of text goes; what would not fit before the end begins again. */
static uint8_t *allocate(uint64_t id, size_t text_bytes)
{
	uint64_t size = 1ull << model.size_bits, block = (8 + text_bytes + 7) & ~7ull;
	uint64_t begin = model.head_lpos, next = begin + block;
	bool wraps = begin / size != (next - model.uses_last_bytes) / size;

	if (wraps)
		next = next / size * size + block;
	while (next - model.tail_lpos > size)
		push_tail();
	model.head_lpos = next;
	put_le64(desc_of(id) + 8, begin);
	put_le64(desc_of(id) + 16, next);
	put_le64(ram + AT_TEXT + begin % size, id);
	if (wraps)
		begin = 0;
	put_le64(ram + AT_TEXT + begin % size, id);
	return ram + AT_TEXT + begin % size + 8;
}

static uint64_t say_bytes(unsigned int level, uint64_t at_ns, const char *text, size_t text_bytes)
{
	uint64_t id = reserve();
	uint8_t *info = info_of(id);

	memcpy(allocate(id, text_bytes), text, text_bytes);
	put_le64(info + 8, at_ns);
	put_le16(info + SPEC_TEXT_LEN, (uint16_t)text_bytes);
	info[SPEC_FACILITY] = 0;
	info[SPEC_FLAGS_LEVEL] = (uint8_t)(level << 5 | 2); /* LOG_NEWLINE */
	put_le32(info + SPEC_CALLER_ID, 0x80000000);
	memset(info + 24, 0xff, model.info_bytes - 24);
	set_state(id, SPEC_FINALIZED);
	put_ring();
	return id;
}

static uint64_t say(const char *text)
{
	return say_bytes(6, 1000, text, strlen(text));
}

static const struct {
	unsigned int text_ring, info_bytes;
} layouts[] = { { 40, 88 }, { 48, 88 }, { 48, 112 } };

START_TEST(a_log_is_read_in_each_layout)
{
	make_ring(layouts[_i].text_ring, layouts[_i].info_bytes, 5, 10);
	say_bytes(5, 0, "Linux version 6.1.0", 19);
	say_bytes(6, 123456789, "two\nlines", 9);
	say_bytes(3, 5000000000, "", 0);
	read_log();
	ck_assert_str_eq(klog.format, "printk_ringbuffer");
	ck_assert_uint_eq(klog.records, 3);
	ck_assert_uint_eq(klog.lost, 0);
	ck_assert_uint_eq(klog.damaged, 0);
	is_record(0, 0, "Linux version 6.1.0");
	is_record(1, 1, "two\nlines");
	is_record(2, 2, "");
	ck_assert_uint_eq(klog.record[0].level, 5);
	ck_assert_uint_eq(klog.record[1].level, 6);
	ck_assert_uint_eq(klog.record[2].level, 3);
	ck_assert_uint_eq(klog.record[1].at_ns, 123456789);
	ck_assert_uint_eq(klog.record[2].at_ns, 5000000000);
}
END_TEST

START_TEST(a_new_ring_is_empty)
{
	make_ring(48, 88, 5, 10);
	read_log();
	ck_assert_uint_eq(klog.records, 0);
	ck_assert_uint_eq(klog.lost, 0);
	ck_assert_uint_eq(klog.damaged, 0);
}
END_TEST

/* Records of all lengths, so that blocks come to lie in every way across the ring's end. */
static void talk(unsigned int words)
{
	char text[64];

	for (unsigned int i = 0; i < words; i++) {
		memset(text, 'a' + i % 26, sizeof(text));
		say_bytes(i % 8, i, text, i * 7 % 50);
	}
}

static void is_the_end_of_the_talk(unsigned int words)
{
	uint64_t first = words - klog.records;

	ck_assert_uint_eq(klog.damaged, 0);
	ck_assert_uint_eq(klog.lost, first);
	for (size_t i = 0; i < klog.records; i++) {
		const struct klog_record *record = &klog.record[i];

		ck_assert_uint_eq(record->sequence, first + i);
		ck_assert_uint_eq(record->at_ns, first + i);
		ck_assert_uint_eq(record->level, (first + i) % 8);
		ck_assert_uint_eq(record->text_bytes, (first + i) * 7 % 50);
		for (size_t j = 0; j < record->text_bytes; j++)
			ck_assert_uint_eq(klog.text[record->text + j], 'a' + (first + i) % 26);
	}
}

/* Few descriptors for much text, and the other way round; both ways of using the last bytes. */
START_TEST(what_was_overwritten_is_counted)
{
	for (unsigned int words = 1; words < 200; words++) {
		memset(ram, 0, RAM_BYTES);
		make_ring(48, 88, _i & 1 ? 3 : 6, _i & 1 ? 10 : 8);
		model.uses_last_bytes = _i & 2;
		talk(words);
		read_log();
		ck_assert_uint_ge(klog.records, words < 3 ? words : 3);
		is_the_end_of_the_talk(words);
		klog_finish(&klog);
	}
}
END_TEST

START_TEST(a_block_may_end_where_the_ring_ends)
{
	make_ring(48, 88, 5, 6);
	model.uses_last_bytes = true;
	say("24 bytes with the ID....");
	say("24 bytes with the ID,,,,");
	ck_assert_uint_eq(model.head_lpos, 0);
	read_log();
	ck_assert_uint_eq(klog.records, 2);
	is_record(1, 1, "24 bytes with the ID,,,,");
}
END_TEST

START_TEST(records_can_have_no_block)
{
	uint64_t id;

	make_ring(48, 88, 5, 10);
	id = say("nothing to say");
	put_le64(desc_of(id) + 8, SPEC_NO_LPOS);
	put_le64(desc_of(id) + 16, SPEC_NO_LPOS);
	id = say("no room to say it");
	put_le64(desc_of(id) + 8, SPEC_FAILED_LPOS);
	put_le64(desc_of(id) + 16, SPEC_FAILED_LPOS);
	id = say("neither of the two");
	put_le64(desc_of(id) + 8, SPEC_FAILED_LPOS);
	put_le64(desc_of(id) + 16, SPEC_NO_LPOS);
	set_state(say("about to be overwritten"), SPEC_REUSABLE);
	say("last");
	read_log();
	ck_assert_uint_eq(klog.records, 2);
	ck_assert_uint_eq(klog.lost, 3);
	ck_assert_uint_eq(klog.damaged, 0);
	is_record(0, 0, "");
	is_record(1, 4, "last");
}
END_TEST

/* 24 bytes each in a ring of 64: the third begins again at 0, and has room for 16 there. */
START_TEST(a_block_that_went_round_is_not_left)
{
	uint64_t id;

	make_ring(48, 88, 5, 6);
	say("16 bytes of text");
	say("16 bytes ,, text");
	id = say("16 bytes -- text");
	read_log();
	ck_assert_uint_eq(klog.records, 2);
	is_record(1, 2, "16 bytes -- text");
	klog_finish(&klog);
	put_le16(info_of(id) + SPEC_TEXT_LEN, 17);
	read_log();
	ck_assert_uint_eq(klog.records, 1);
	ck_assert_uint_eq(klog.damaged, 1);
}
END_TEST

/* The guest may have stopped in the middle of a printk(). */
START_TEST(a_record_that_is_being_written_is_none)
{
	uint64_t id;

	make_ring(48, 88, 5, 10);
	say("first");
	id = say("is being written");
	set_state(id, SPEC_RESERVED);
	id = say("may be continued");
	set_state(id, SPEC_COMMITTED);
	read_log();
	ck_assert_uint_eq(klog.records, 2);
	ck_assert_uint_eq(klog.lost + klog.damaged, 0);
	is_record(1, 2, "may be continued");
}
END_TEST

static void spoil_state(uint64_t id)
{
	put_le64(desc_of(id), get_le64(desc_of(id)) + 32);
}

static void spoil_sequence(uint64_t id)
{
	put_le64(info_of(id), get_le64(info_of(id)) + 32);
}

static void spoil_block_id(uint64_t id)
{
	ram[AT_TEXT + get_le64(desc_of(id) + 8) % 1024] ^= 1;
}

/* As if the block began in its middle, all else being right. */
static void spoil_alignment(uint64_t id)
{
	uint64_t begin = get_le64(desc_of(id) + 8);

	put_le64(desc_of(id) + 8, begin + 4);
	put_le64(desc_of(id) + 16, begin + 24);
	put_le64(ram + AT_TEXT + (begin + 4) % 1024, id);
}

/* The same place, one round ago. */
static void spoil_begin(uint64_t id)
{
	put_le64(desc_of(id) + 8, get_le64(desc_of(id) + 8) - 1024);
	put_le64(desc_of(id) + 16, get_le64(desc_of(id) + 16) - 1024);
}

static void spoil_next(uint64_t id)
{
	put_le64(desc_of(id) + 16, model.head_lpos + 8);
}

static void spoil_order(uint64_t id)
{
	put_le64(desc_of(id) + 16, get_le64(desc_of(id) + 8));
}

static void spoil_length(uint64_t id)
{
	put_le16(info_of(id) + SPEC_TEXT_LEN, 9);
}

static void (*const spoilers[])(uint64_t id) = {
	spoil_state, spoil_sequence, spoil_block_id, spoil_alignment,
	spoil_begin, spoil_next,     spoil_order,    spoil_length,
};

START_TEST(a_damaged_record_does_not_hide_the_others)
{
	uint64_t id;

	make_ring(48, 88, 5, 10);
	say("first");
	id = say("12345678");
	say("third");
	spoilers[_i](id);
	read_log();
	ck_assert_uint_eq(klog.records, 2);
	ck_assert_uint_eq(klog.damaged, 1);
	ck_assert_uint_eq(klog.lost, 0);
	is_record(0, 0, "first");
	is_record(1, 2, "third");
}
END_TEST

START_TEST(the_rings_themselves_are_found_when_prb_is_not)
{
	make_ring(48, 88, 5, 10);
	say("static");
	put_le64(ram + AT_PRB, 0xffff888000001000);
	read_log();
	is_record(0, 0, "static");
	klog_finish(&klog);
	memcpy(ram + AT_DYNAMIC, ram + AT_STATIC, 0x80);
	memset(ram + AT_STATIC, 0, 0x80);
	read_log();
	is_record(0, 0, "static");
	klog_finish(&klog);
	memset(ram + AT_DYNAMIC, 0, 0x80);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "System.map"));
}
END_TEST

/* Each is a ring's field that makes a ring of it no longer. */
START_TEST(a_ring_that_cannot_be_one_is_refused)
{
	static const struct {
		unsigned int at;
		uint64_t value;
	} field[] = {
		{ 0, 0 },                  /* count_bits */
		{ 0, 21 },                 /* more than KLOG_RECORDS_MAX */
		{ 0, 0xffffffff },         /* more than any shift */
		{ 8, RAM_BYTES },          /* descs */
		{ 8, 0xfffffffffffffff0 }, /* descs around the end of all addresses */
		{ 16, RAM_BYTES },         /* infos */
		{ 24, 0x7fffffff }, /* head_id: further from the tail than the ring is long */
		{ 48, 0 },          /* size_bits */
		{ 48, 32 },         /* longer than log_buf_len can be */
		{ 48, 0xffffffff },
		{ 56, RAM_BYTES - 1023 }, /* data: the last byte is not there */
		{ 64, 0 },                /* head_lpos: as if more than all was in use */
	};

	make_ring(48, 88, 5, 10);
	say("first");
	put_le64(ram + AT_STATIC + 72, 8); /* tail_lpos beyond the head */
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	put_ring();
	put_le64(ram + AT_STATIC + field[_i].at, field[_i].value);
	if (field[_i].at == 64)
		put_le64(ram + AT_STATIC + 64, model.tail_lpos + 1025);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	ck_assert_ptr_null(klog.record);
}
END_TEST

/* 2048 blocks that lie 16 bytes apart and claim almost 64 KiB each: 128 MiB out of 128 KiB. */
START_TEST(text_is_bounded)
{
	enum { COUNT = 2048, CLAIM = 0xfff8 };

	make_ring(48, 88, 11, 17);
	for (unsigned int i = 0; i < COUNT; i++) {
		uint64_t id = say("8 bytes.");

		put_le64(desc_of(id) + 16, get_le64(desc_of(id) + 8) + CLAIM + 8);
		put_le16(info_of(id) + SPEC_TEXT_LEN, CLAIM);
	}
	model.head_lpos = model.tail_lpos + (1 << 17);
	put_ring();
	read_log();
	ck_assert_uint_gt(klog.records, 900);
	ck_assert_uint_le(klog.text_bytes, 64 << 20);
	ck_assert_uint_gt(klog.damaged, 900);
	ck_assert_uint_eq(klog.records + klog.damaged, COUNT);
}
END_TEST

START_TEST(without_symbols_there_is_no_log)
{
	make_ring(48, 88, 5, 10);
	use_symbols(NULL, NULL, 0);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "prb"));
}
END_TEST

/* --- log_buf --------------------------------------------------------------------------------- */

/* 4096 bytes at AT_TEXT; the variables are where buf_symbols say. */
static void make_log_buf(uint32_t first_idx, uint64_t first_seq, uint64_t next_seq)
{
	use_symbols(buf_symbols, buf_by_name, 5);
	put_le64(ram + 0x1000, AT_TEXT);
	put_le32(ram + 0x1008, 4096);
	put_le32(ram + 0x100c, first_idx);
	put_le64(ram + 0x1010, first_seq);
	put_le64(ram + 0x1018, next_seq);
}

/* struct printk_log, its text, its dictionary, up to a multiple of 4; where the next one is. */
static uint32_t put_log(uint32_t at, const char *text, const char *dict, bool has_caller)
{
	uint8_t *head = ram + AT_TEXT + at;
	uint32_t head_bytes = has_caller ? 20 : 16;
	uint32_t text_len = (uint32_t)strlen(text), dict_len = (uint32_t)strlen(dict);
	uint32_t len = (head_bytes + text_len + dict_len + 3) & ~3u;

	memset(head, 0, len);
	put_le64(head, 1000000000 + at);
	put_le16(head + 8, (uint16_t)len);
	put_le16(head + 10, (uint16_t)text_len);
	put_le16(head + 12, (uint16_t)dict_len);
	head[14] = 3;
	head[15] = 4 << 5 | 6;
	memset(head + 16, 0xee, head_bytes - 16);
	memcpy(head + head_bytes, text, text_len);
	memcpy(head + head_bytes + text_len, dict, dict_len);
	return at + len;
}

START_TEST(log_buf_is_read)
{
	uint32_t at = 0;
	bool has_caller = _i;

	make_log_buf(0, 0, 4);
	at = put_log(at, "first", "", has_caller);
	at = put_log(at, "pci 0000:00:01.0: reg", "SUBSYSTEM=pci", has_caller);
	at = put_log(at, "", "", has_caller);
	put_log(at, "fourth", "", has_caller);
	read_log();
	ck_assert_str_eq(klog.format, "log_buf");
	ck_assert_uint_eq(klog.records, 4);
	ck_assert_uint_eq(klog.lost + klog.damaged, 0);
	is_record(0, 0, "first");
	is_record(1, 1, "pci 0000:00:01.0: reg");
	is_record(2, 2, "");
	is_record(3, 3, "fourth");
	ck_assert_uint_eq(klog.record[0].at_ns, 1000000000);
	ck_assert_uint_eq(klog.record[0].level, 4);
	ck_assert_uint_eq(klog.record[0].facility, 3);
}
END_TEST

/* A head of zeros says: the next one is at the beginning. */
START_TEST(log_buf_goes_round)
{
	make_log_buf(4000, 70, 73);
	put_log(put_log(0, "at the beginning", "", false), "then this", "", false);
	memset(ram + AT_TEXT + put_log(4000, "before the end", "", false), 0, 16);
	read_log();
	ck_assert_uint_eq(klog.records, 3);
	ck_assert_uint_eq(klog.lost, 70);
	is_record(0, 70, "before the end");
	is_record(1, 71, "at the beginning");
	is_record(2, 72, "then this");
}
END_TEST

/* Without a length there is no way to the next record; all behind it counts. */
START_TEST(log_buf_ends_where_it_is_damaged)
{
	make_log_buf(0, 0, 3);
	put_log(put_log(put_log(0, "first", "", false), "second", "", false), "third", "", false);
	ram[AT_TEXT + 24 + 8] ^= 1; /* len */
	read_log();
	ck_assert_uint_eq(klog.records, 1);
	ck_assert_uint_eq(klog.damaged, 2);
	klog_finish(&klog);
	put_le16(ram + AT_TEXT + 8,
		 0); /* at the beginning: nothing is behind an empty ring's end */
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
}
END_TEST

START_TEST(log_buf_is_not_left)
{
	make_log_buf(4080, 0, 2);
	put_log(4080, "beyond the end", "", false);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	make_log_buf(4100, 0, 2);
	put_log(4100, "behind the end", "", false);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	make_log_buf(0xfffffff0, 0, 2);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	make_log_buf(0, 0, 257); /* more records than 4096 bytes can hold */
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	make_log_buf(0, 2, 1);
	ck_assert_int_eq(klog_read(&klog, &space, &symbols, &err), -EBADMSG);
	make_log_buf(0, 0, 0);
	read_log();
	ck_assert_uint_eq(klog.records, 0);
}
END_TEST

/* --- printing -------------------------------------------------------------------------------- */

START_TEST(it_prints_like_dmesg)
{
	static const char binary[] = "\x1b[31mred\x07\r\0\xc2\x9b";
	char *printed;
	size_t printed_bytes;
	FILE *out = open_memstream(&printed, &printed_bytes);

	make_ring(48, 88, 5, 10);
	say_bytes(6, 123456789, "one line", 8);
	say_bytes(5, 12345678901234567, "two\n\tlines", 10);
	say_bytes(4, 0, "ends here\n", 10);
	say_bytes(7, 999999999, "", 0);
	info_of(say_bytes(3, 1000000000, binary, sizeof(binary) - 1))[SPEC_FACILITY] = 23;
	read_log();
	klog_print(&klog, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(printed, "<6>[    0.123456] one line\n"
				  "<5>[12345678.901234] two\n"
				  "                     \tlines\n"
				  "<4>[    0.000000] ends here\n"
				  "<7>[    0.999999] \n"
				  "<187>[    1.000000] \\x1b[31mred\\x07\\x0d\\x00\\xc2\\x9b\n");
	free(printed);
}
END_TEST

/* --- flipped bits ---------------------------------------------------------------------------- */

static uint32_t random_state;

static uint32_t random32(void)
{
	random_state = random_state * 1664525 + 1013904223; /* any will do; always the same */
	return random_state >> 8;
}

static void is_within_bounds(void)
{
	ck_assert_uint_le(klog.records, KLOG_RECORDS_MAX);
	ck_assert_uint_le(klog.text_bytes, KLOG_TEXT_MAX_BYTES);
	for (size_t i = 0; i < klog.records; i++) {
		const struct klog_record *record = &klog.record[i];

		ck_assert_uint_lt(record->text, klog.text_bytes);
		ck_assert_uint_lt(record->text_bytes, klog.text_bytes - record->text);
		ck_assert_int_eq(klog.text[record->text + record->text_bytes], '\0');
	}
}

struct part {
	uint64_t at, bytes;
};

/* Reads it again and again, each time with up to 8 bytes of some of its parts changed. */
static void flip(const struct part *part, size_t parts)
{
	uint8_t *good = malloc(RAM_BYTES);
	unsigned int survived = 0;

	memcpy(good, ram, RAM_BYTES);
	random_state = 1;
	for (unsigned int round = 0; round < FUZZ_ROUNDS; round++) {
		for (unsigned int flips = random32() % 8 + 1; flips > 0; flips--) {
			const struct part *p = &part[random32() % parts];

			ram[p->at + random32() % p->bytes] = (uint8_t)random32();
		}
		if (klog_read(&klog, &space, &symbols, &err) == 0) {
			is_within_bounds();
			survived++;
			klog_finish(&klog);
		}
		for (size_t i = 0; i < parts; i++)
			memcpy(ram + part[i].at, good + part[i].at, part[i].bytes);
	}
	ck_assert_uint_gt(survived, FUZZ_ROUNDS / 20);
	ck_assert_uint_lt(survived, FUZZ_ROUNDS);
	free(good);
}

START_TEST(no_flipped_bits_break_a_ring)
{
	static const struct part part[] = {
		{ AT_PRB, 8 },         { AT_STATIC, 80 },     { AT_STATIC, 80 },
		{ AT_DESCS, 16 * 24 }, { AT_INFOS, 16 * 88 }, { AT_TEXT, 1024 },
	};

	make_ring(48, 88, 4, 10);
	talk(100);
	flip(part, sizeof(part) / sizeof(part[0]));
}
END_TEST

START_TEST(no_flipped_bits_break_a_log_buf)
{
	static const struct part part[] = { { 0x1000, 32 }, { AT_TEXT, 4096 } };
	char text[] = "some text";
	uint32_t at = 0, count = 0;

	while (at < 4000) {
		at = put_log(at, text + at % 9, "", at & 4);
		count++;
	}
	make_log_buf(0, 0, count);
	flip(part, sizeof(part) / sizeof(part[0]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("klog");
	TCase *ring = tcase_create("printk_ringbuffer");
	TCase *buf = tcase_create("log_buf");
	TCase *rest = tcase_create("print, flipped bits");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(ring, setup, teardown);
	tcase_add_loop_test(ring, a_log_is_read_in_each_layout, 0, 3);
	tcase_add_test(ring, a_new_ring_is_empty);
	tcase_add_loop_test(ring, what_was_overwritten_is_counted, 0, 4);
	tcase_add_test(ring, a_block_may_end_where_the_ring_ends);
	tcase_add_test(ring, a_block_that_went_round_is_not_left);
	tcase_add_test(ring, records_can_have_no_block);
	tcase_add_test(ring, a_record_that_is_being_written_is_none);
	tcase_add_loop_test(ring, a_damaged_record_does_not_hide_the_others, 0,
			    sizeof(spoilers) / sizeof(spoilers[0]));
	tcase_add_test(ring, the_rings_themselves_are_found_when_prb_is_not);
	tcase_add_loop_test(ring, a_ring_that_cannot_be_one_is_refused, 0, 12);
	tcase_add_test(ring, text_is_bounded);
	tcase_add_test(ring, without_symbols_there_is_no_log);
	suite_add_tcase(suite, ring);
	tcase_add_checked_fixture(buf, setup, teardown);
	tcase_add_loop_test(buf, log_buf_is_read, 0, 2);
	tcase_add_test(buf, log_buf_goes_round);
	tcase_add_test(buf, log_buf_ends_where_it_is_damaged);
	tcase_add_test(buf, log_buf_is_not_left);
	suite_add_tcase(suite, buf);
	tcase_add_checked_fixture(rest, setup, teardown);
	tcase_set_timeout(rest, 60);
	tcase_add_test(rest, it_prints_like_dmesg);
	tcase_add_test(rest, no_flipped_bits_break_a_ring);
	tcase_add_test(rest, no_flipped_bits_break_a_log_buf);
	suite_add_tcase(suite, rest);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
