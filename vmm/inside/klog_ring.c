/* SPDX-License-Identifier: MIT */
/*
 * printk's ring buffer of Linux 5.10 and later: a ring of descriptors, beside it as many struct
 * printk_info, and a ring of text blocks, each with the ID of its descriptor before the text.
 *
 *   struct printk_ringbuffer           struct prb_desc              struct printk_info
 *   0  u32 desc_ring.count_bits        0   u64 state_var            0   u64 seq
 *   8  u64 .descs                      8   u64 text_blk_lpos.begin  8   u64 ts_nsec
 *   16 u64 .infos                      16  u64 .next                16  u16 text_len
 *   24 u64 .head_id                                                 18  u8 facility
 *   32 u64 .tail_id                                                 19  u8 flags:5, level:3
 *   [40 u64 .last_finalized_id]                                     20  u32 caller_id
 *   then, in text_data_ring:                                        [...]
 *   0  u32 size_bits                                                u8 dev_info[64]
 *   8  u64 data
 *   16 u64 head_lpos
 *   24 u64 tail_lpos
 *
 * The two top bits of state_var are the descriptor's state, the others its ID. An ID is a place in
 * the ring that counts on with each round, and so is an lpos in the ring of text.
 */
#include <errno.h>

#include "vmm/base/le.h"
#include "vmm/inside/klog_formats.h"

enum {
	INFOS_AT = 16,
	HEAD_ID_AT = 24,
	TAIL_ID_AT = 32,
	DATA_RING_BYTES = 32,
	RING_MAX_BYTES = 80,
	DESC_BYTES = 24,
	INFO_HEAD_BYTES = 24, /* what is read of it */
	ID_BYTES = 8,         /* before the text of a block, and its alignment */
	COUNT_BITS_MAX = 20,
	SIZE_BITS_MAX = 31, /* log_buf_len is at most 1 << 31 */
	STATE_SHIFT = 62,
	LEVEL_SHIFT = 5,
	LPOS_DATALESS = 1, /* of both: there is no block */
	LPOS_NO_TEXT = 3,  /* because there is no text; else, because there was no room */
};

_Static_assert(1 << COUNT_BITS_MAX <= KLOG_RECORDS_MAX, "a ring has more than the log may");

/* enum desc_state */
enum state { RESERVED, COMMITTED, FINALIZED, REUSABLE };

#define ID_MASK (UINT64_MAX >> 2)

/* What differs between versions: the optional fields in the drawing above. */
static const struct layout {
	unsigned int desc_ring_bytes;
	unsigned int info_bytes;
} layouts[] = {
	{ 40, 88 },
	{ 48, 88 },  /* with last_finalized_id, later last_finalized_seq */
	{ 48, 112 }, /* and with CONFIG_PRINTK_EXECUTION_CTX: comm[16] and a CPU or thread */
};

/* Which variables lead to it: the pointer to the one in use, then those that it can point to. */
static const struct {
	const char *name;
	bool is_pointer;
} variables[] = {
	{ "prb", true },
	{ "printk_rb_dynamic", false },
	{ "printk_rb_static", false },
};

struct ring {
	const struct space *space;
	uint64_t descs, count, head_id, tail_id;
	uint64_t infos, info_bytes;
	uint64_t data, data_bytes, head_lpos, tail_lpos;
};

struct slot {
	enum state state;
	uint64_t begin, next; /* of its block of text */
	struct klog_record record;
};

static bool is_byte_there(const struct space *space, uint64_t at)
{
	uint64_t physical;

	return space_translate(space, at, &physical);
}

/* Takes the ring at an address apart; false when it cannot be one in this layout. */
static bool parse_ring(struct ring *ring, const struct space *space, uint64_t at,
		       const struct layout *layout)
{
	uint8_t raw[RING_MAX_BYTES];
	const uint8_t *text_ring = raw + layout->desc_ring_bytes;
	uint32_t count_bits, size_bits;

	if (!space_read(space, at, raw, layout->desc_ring_bytes + DATA_RING_BYTES))
		return false;
	count_bits = get_le32(raw);
	size_bits = get_le32(text_ring);
	if (count_bits > COUNT_BITS_MAX || size_bits > SIZE_BITS_MAX)
		return false;
	*ring = (struct ring){
		.space = space,
		.descs = get_le64(raw + 8),
		.count = 1ull << count_bits,
		.head_id = get_le64(raw + HEAD_ID_AT) & ID_MASK,
		.tail_id = get_le64(raw + TAIL_ID_AT) & ID_MASK,
		.infos = get_le64(raw + INFOS_AT),
		.info_bytes = layout->info_bytes,
		.data = get_le64(text_ring + 8),
		.data_bytes = 1ull << size_bits,
		.head_lpos = get_le64(text_ring + 16),
		.tail_lpos = get_le64(text_ring + 24),
	};
	return ((ring->head_id - ring->tail_id) & ID_MASK) < ring->count &&
	       ring->head_lpos - ring->tail_lpos <= ring->data_bytes &&
	       is_byte_there(space, ring->data) &&
	       is_byte_there(space, ring->data + ring->data_bytes - 1);
}

/*
 * The ID of the descriptor that a new ring has as its head and tail, and that was never a record.
 * DESC0_ID is -(count + 1) in an unsigned int, then widened: it has 32 bits.
 */
static uint64_t id_before_first(const struct ring *ring)
{
	return (uint32_t)(0 - (ring->count + 1));
}

/* The first record after that has the number 0. */
static uint64_t sequence_of(const struct ring *ring, uint64_t id)
{
	return id == id_before_first(ring) ? 0 : (id - id_before_first(ring) - 1) & ID_MASK;
}

/* What is at an ID's place; false when that is something else, or its number is not that ID's. */
static bool read_slot(const struct ring *ring, uint64_t id, struct slot *slot)
{
	uint64_t index = id & (ring->count - 1);
	uint8_t desc[DESC_BYTES], info[INFO_HEAD_BYTES];

	if (!space_read(ring->space, ring->descs + index * DESC_BYTES, desc, sizeof(desc)) ||
	    !space_read(ring->space, ring->infos + index * ring->info_bytes, info, sizeof(info)))
		return false;
	*slot = (struct slot){
		.state = (enum state)(get_le64(desc) >> STATE_SHIFT),
		.begin = get_le64(desc + 8),
		.next = get_le64(desc + 16),
		.record = { .sequence = get_le64(info),
			    .at_ns = get_le64(info + 8),
			    .text_bytes = get_le16(info + 16),
			    .facility = info[18],
			    .level = info[19] >> LEVEL_SHIFT },
	};
	return (get_le64(desc) & ID_MASK) == id && slot->record.sequence == sequence_of(ring, id);
}

/* Where a record's text is; false when its block does not lie in the ring or is another's. */
static bool find_text(const struct ring *ring, uint64_t id, const struct slot *slot, uint64_t *at)
{
	uint64_t mask = ring->data_bytes - 1;
	uint64_t used_bytes = ring->head_lpos - ring->tail_lpos;
	uint64_t begin = slot->begin, next = slot->next, room_bytes = next - begin;
	uint8_t id_of_block[ID_BYTES];

	if ((begin | next) % ID_BYTES != 0 || begin - ring->tail_lpos >= used_bytes ||
	    room_bytes > used_bytes - (begin - ring->tail_lpos))
		return false;
	/* What would not fit before the ring's end lies at its beginning as a whole. */
	if (((begin ^ (next - 1)) & ~mask) != 0) {
		begin = 0;
		room_bytes = next & mask;
	}
	*at = ring->data + (begin & mask);
	if (!space_read(ring->space, *at, id_of_block, sizeof(id_of_block)))
		return false;
	*at += ID_BYTES;
	return get_le64(id_of_block) == id && room_bytes >= ID_BYTES &&
	       slot->record.text_bytes <= room_bytes - ID_BYTES;
}

enum found { DAMAGED, NOTHING, LOST, RECORD };

/* What an ID stands for; for a RECORD, *record and where its text is. */
static enum found examine(const struct ring *ring, uint64_t id, struct klog_record *record,
			  uint64_t *text_at)
{
	struct slot slot;

	if (!read_slot(ring, id, &slot))
		return DAMAGED;
	if (slot.state == RESERVED || id == id_before_first(ring))
		return NOTHING; /* its writer was not done; or it never had one */
	if (slot.state == REUSABLE)
		return LOST;
	*record = slot.record;
	if (!(slot.begin & slot.next & LPOS_DATALESS))
		return find_text(ring, id, &slot, text_at) ? RECORD : DAMAGED;
	record->text_bytes = 0;
	*text_at = 0;
	return slot.begin == LPOS_NO_TEXT && slot.next == LPOS_NO_TEXT ? RECORD : LOST;
}

static uint64_t ids_in_use(const struct ring *ring)
{
	return ((ring->head_id - ring->tail_id) & ID_MASK) + 1;
}

static uint64_t nth_id(const struct ring *ring, uint64_t i)
{
	return (ring->tail_id + i) & ID_MASK;
}

static uint64_t count_good(const struct ring *ring)
{
	struct klog_record record;
	uint64_t text_at, good = 0;

	for (uint64_t i = 0; i < ids_in_use(ring); i++)
		good += examine(ring, nth_id(ring, i), &record, &text_at) != DAMAGED;
	return good;
}

/* The layout that most fits in; false when nothing does in any. */
static bool find_layout(struct ring *ring, const struct space *space, uint64_t at)
{
	uint64_t best = 0;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct ring tried;
		uint64_t good = parse_ring(&tried, space, at, &layouts[i]) ? count_good(&tried) : 0;

		if (good > best) {
			best = good;
			*ring = tried;
		}
	}
	return best > 0;
}

static bool find_ring(struct ring *ring, const struct space *space, const struct symbols *symbols)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		uint64_t at = symbols_find(symbols, variables[i].name);
		uint8_t pointer[8];

		if (at == 0)
			continue;
		if (variables[i].is_pointer) {
			if (!space_read(space, at, pointer, sizeof(pointer)))
				continue;
			at = get_le64(pointer);
		}
		if (find_layout(ring, space, at))
			return true;
	}
	return false;
}

static int take(struct klog *klog, const struct ring *ring, uint64_t id, struct err *e)
{
	struct klog_record record;
	uint64_t text_at;
	enum found found = examine(ring, id, &record, &text_at);

	klog->lost += found == LOST;
	klog->damaged += found == DAMAGED;
	return found == RECORD ? klog_add(klog, ring->space, &record, text_at, e) : 0;
}

int klog_read_ring(struct klog *klog, const struct space *space, const struct symbols *symbols,
		   struct err *e)
{
	struct ring ring;
	int rc = 0;

	if (!find_ring(&ring, space, symbols))
		return err_set(e, EBADMSG,
			       "kernel log: what prb leads to (%s) is no printk_ringbuffer that "
			       "holds together in any known layout; are these the symbols of the "
			       "kernel that ran?",
			       symbols->source);
	klog->format = "printk_ringbuffer";
	klog->lost = sequence_of(&ring, ring.tail_id);
	for (uint64_t i = 0; i < ids_in_use(&ring) && rc == 0; i++)
		rc = take(klog, &ring, nth_id(&ring, i), e);
	return rc;
}
