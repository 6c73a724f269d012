/* SPDX-License-Identifier: MIT */
/*
 * The cache of unpacked kernels by its headers' promises: what was stored is found, whatever is
 * damaged or no file of ours is not, the bound is kept, and many processes at once never see half
 * an entry. Limits and file names are typed from vmm/kernelcache.h; its directory has tests of its own.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/kernelcache.h"

#define SPEC_MAX_BYTES       536870912LL /* 512 MiB */
#define SPEC_ENTRY_MAX_BYTES 268435456LL /* half of it */

enum {
	SPEC_MAX_ENTRIES = 64,
	SPEC_TRAILER_BYTES = 80,
	SPEC_SEED_BYTES = 200, /* 192 random ones and a check of 8 */
	SPEC_TOUCH_S = 3600,
	SMALL = 500,
};

static struct kernelcache cache;
static struct kernelcache_entry entry;
static struct err e;
static size_t descriptors;

/* --- a host that reads little at once, and lets others act while a store writes ---------------- */

static size_t pread_max_bytes = SIZE_MAX;
static int pread_interruptions;
static void (*on_write)(void); /* called once */

ssize_t pread(int fd, void *to, size_t size_bytes, off_t offset)
{
	if (pread_interruptions > 0) {
		pread_interruptions--;
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_pread64, fd, to,
		       size_bytes < pread_max_bytes ? size_bytes : pread_max_bytes, offset);
}

ssize_t write(int fd, const void *bytes, size_t size_bytes)
{
	void (*act)(void) = on_write;

	on_write = NULL;
	if (act)
		act();
	return syscall(SYS_write, fd, bytes, size_bytes);
}

/* --- an unpacked kernel, as the caller has it ---------------------------------------------- */

struct sample {
	struct kernelcache_key key;
	struct kernelcache_sums sums;
	size_t size_bytes;
	uint8_t *elf;
};

static struct kernelcache_hash hash_of(enum kernelcache_subject subject,
				       const struct kernelcache_key *key, const void *bytes,
				       size_t size_bytes)
{
	struct kernelcache_hasher hasher;
	struct kernelcache_hash hash;

	kernelcache_hash_begin(&hasher, &cache, subject, key);
	kernelcache_hash_update(&hasher, bytes, size_bytes);
	kernelcache_hash_end(&hasher, &hash);
	return hash;
}

static struct kernelcache_key key_of(const char *payload)
{
	struct kernelcache_key key;
	struct input_file file;

	file_of_memory(&file, "kernel", "some/bzImage", payload, strlen(payload));
	if (kernelcache_key_of(&cache, &file, 0, file.size_bytes, &key, &e) < 0)
		abort();
	return key;
}

/* The same number gives the same bytes and, in one cache, the same key. */
static void sample_init(struct sample *sample, unsigned int number, size_t size_bytes)
{
	uint32_t x = number * 2654435761u + 1;
	char payload[32];

	(void)snprintf(payload, sizeof(payload), "payload %u", number);
	sample->key = key_of(payload);
	sample->size_bytes = size_bytes;
	sample->elf = malloc(size_bytes);
	if (!sample->elf)
		abort();
	for (size_t i = 0; i < size_bytes; i++) {
		x = x * 1664525 + 1013904223;
		sample->elf[i] = (uint8_t)(x >> 24);
	}
	sample->sums.facts = hash_of(KERNELCACHE_FACTS, &sample->key, payload, strlen(payload));
	sample->sums.loaded =
		hash_of(KERNELCACHE_LOADED, &sample->key, sample->elf, sample->size_bytes);
}

static int sample_store(const struct sample *sample)
{
	return kernelcache_store(&cache, &sample->key, &sample->sums, sample->elf,
				 sample->size_bytes);
}

/* What kernelcache_find() says; a hit is compared, and -EILSEQ if it is not what was stored. */
static int sample_find(const struct sample *sample)
{
	int rc = kernelcache_find(&cache, &sample->key, &entry);
	uint8_t *bytes;
	bool same;

	if (rc < 0)
		return entry.file.fd == -1 ? rc : -EILSEQ;
	bytes = malloc(sample->size_bytes);
	same = bytes && entry.file.size_bytes == sample->size_bytes &&
	       file_read(&entry.file, 0, bytes, sample->size_bytes, &e) == 0 &&
	       memcmp(bytes, sample->elf, sample->size_bytes) == 0 &&
	       kernelcache_hash_same(&entry.sums.facts, &sample->sums.facts) &&
	       kernelcache_hash_same(&entry.sums.loaded, &sample->sums.loaded);
	free(bytes);
	file_close(&entry.file);
	return same ? 0 : -EILSEQ;
}

static const char *name_of(const struct kernelcache_key *key)
{
	static char name[80];
	int n = snprintf(name, sizeof(name), "tvmm/");

	for (size_t i = 0; i < sizeof(key->bytes); i++)
		n += snprintf(name + n, sizeof(name) - (size_t)n, "%02x", key->bytes[i]);
	(void)snprintf(name + n, sizeof(name) - (size_t)n, ".unpacked");
	return name;
}

static const char *path_of(const struct sample *sample)
{
	return folder_at(name_of(&sample->key));
}

/* A file with an entry's name, of holes only, last used that many seconds ago. */
static const char *put_hollow(unsigned int number, off_t size_bytes, long seconds)
{
	char name[80];
	const char *path;

	(void)snprintf(name, sizeof(name), "tvmm/%032x.unpacked", number);
	path = folder_at(name);
	folder_put(path, "", 0);
	ck_assert_int_eq(truncate(path, size_bytes), 0);
	folder_age(path, seconds);
	return path;
}

static bool has_hollow(unsigned int number)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "tvmm/%032x.unpacked", number);
	return folder_has(folder_at(name));
}

static void open_cache(void)
{
	kernelcache_init(&cache);
	kernelcache_open(&cache);
}

static void reopen(void)
{
	kernelcache_close(&cache);
	open_cache();
}

/* There is no cache, and both words are in the reason, which is one line. */
static void expect_none(const char *word, const char *other)
{
	reopen();
	ck_assert_msg(!kernelcache_is_there(&cache), "there is a cache; expected: %s", word);
	ck_assert_int_gt(cache.why.code, 0);
	ck_assert_msg(strstr(cache.why.text, word) && strstr(cache.why.text, other),
		      "no \"%s\" and \"%s\" in: %s", word, other, cache.why.text);
	ck_assert_ptr_null(strchr(cache.why.text, '\n'));
}

static void expect_there(void)
{
	reopen();
	ck_assert_msg(kernelcache_is_there(&cache), "%s", cache.why.text);
	ck_assert_int_eq(cache.why.code, 0);
}

static struct sample one;

static void setup(void)
{
	(void)umask(022);
	descriptors = folder_count("/proc/self/fd");
	folder_make();
	ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder_at(""), 1), 0);
	ck_assert_int_eq(setenv("HOME", "/nonexistent", 1), 0);
	open_cache();
	ck_assert_msg(kernelcache_is_there(&cache), "%s", cache.why.text);
	sample_init(&one, 1, SMALL);
}

static void teardown(void)
{
	size_t left;

	free(one.elf);
	kernelcache_close(&cache);
	left = folder_count("/proc/self/fd");
	folder_remove();
	ck_assert_uint_eq(left, descriptors);
}

/* --- hashes and keys ----------------------------------------------------------------------- */

START_TEST(pieces_make_no_difference)
{
	static uint8_t bytes[5000];
	static const size_t pieces[] = { 1, 7, 63, 64, 65, 255, 256, 257, 1023, 1024, 4096 };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		for (size_t size = 0; size < sizeof(bytes); size += 1 + size / 3) {
			struct kernelcache_hash whole =
				hash_of(KERNELCACHE_LOADED, &one.key, bytes, size);
			struct kernelcache_hasher hasher;
			struct kernelcache_hash hash;
			size_t done = 0;

			kernelcache_hash_begin(&hasher, &cache, KERNELCACHE_LOADED, &one.key);
			while (done < size) {
				size_t n = size - done < pieces[p] ? size - done : pieces[p];

				kernelcache_hash_update(&hasher, bytes + done, n);
				kernelcache_hash_update(&hasher, NULL, 0);
				done += n;
			}
			kernelcache_hash_end(&hasher, &hash);
			ck_assert_msg(kernelcache_hash_same(&whole, &hash),
				      "%zu bytes in pieces of %zu", size, pieces[p]);
		}
	}
}
END_TEST

START_TEST(every_bit_counts)
{
	uint8_t bytes[700] = { 0 };
	struct kernelcache_hash zeros = hash_of(KERNELCACHE_LOADED, &one.key, bytes, sizeof(bytes));
	struct kernelcache_hash hash;

	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		hash = hash_of(KERNELCACHE_LOADED, &one.key, bytes, sizeof(bytes));
		ck_assert_msg(!kernelcache_hash_same(&zeros, &hash), "bit %zu", bit);
		ck_assert_mem_ne(zeros.bytes, hash.bytes, 8);
		ck_assert_mem_ne(zeros.bytes + 8, hash.bytes + 8, 8);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t size = 0; size < sizeof(bytes); size++) {
		hash = hash_of(KERNELCACHE_LOADED, &one.key, bytes, size);
		ck_assert_msg(!kernelcache_hash_same(&zeros, &hash), "%zu zeros", size);
	}
	for (size_t bit = 0; bit < 8 * sizeof(one.key.bytes); bit++) {
		struct kernelcache_key key = one.key;

		key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		hash = hash_of(KERNELCACHE_LOADED, &key, bytes, sizeof(bytes));
		ck_assert_msg(!kernelcache_hash_same(&zeros, &hash), "bit %zu of the key", bit);
	}
}
END_TEST

START_TEST(hashes_compare_all_their_bytes)
{
	struct kernelcache_hash a = one.sums.loaded;

	for (size_t i = 0; i < sizeof(a.bytes); i++) {
		struct kernelcache_hash b = a;

		ck_assert(kernelcache_hash_same(&a, &b));
		b.bytes[i] ^= 0x80;
		ck_assert(!kernelcache_hash_same(&a, &b));
	}
}
END_TEST

START_TEST(subjects_are_apart)
{
	struct kernelcache_hash packed = hash_of(KERNELCACHE_PACKED, NULL, "x", 1);
	struct kernelcache_hash facts = hash_of(KERNELCACHE_FACTS, &one.key, "x", 1);
	struct kernelcache_hash loaded = hash_of(KERNELCACHE_LOADED, &one.key, "x", 1);

	ck_assert(!kernelcache_hash_same(&packed, &facts));
	ck_assert(!kernelcache_hash_same(&packed, &loaded));
	ck_assert(!kernelcache_hash_same(&facts, &loaded));
}
END_TEST

/* A payload has one key, wherever it lies; another cache calls it differently. */
START_TEST(keys)
{
	static uint8_t bytes[200000]; /* more than is read at once */
	struct kernelcache_key disk, memory, other;
	struct input_file file;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 >> 2);
	folder_put(folder_at("bzImage"), bytes, sizeof(bytes));
	ck_assert_int_eq(file_open(&file, "kernel", folder_at("bzImage"), sizeof(bytes), &e), 0);
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 1000, 190000, &disk, &e), 0);
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 1000, 189999, &other, &e), 0);
	ck_assert_mem_ne(&disk, &other, sizeof(disk));
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 1001, 190000, &other, &e), 0);
	ck_assert_mem_ne(&disk, &other, sizeof(disk));
	file_close(&file);
	file_of_memory(&file, "kernel", "some/bzImage", bytes + 1000, 190000);
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 0, 190000, &memory, &e), 0);
	ck_assert_mem_eq(&disk, &memory, sizeof(disk));
	bytes[1000 + 189999] ^= 1;
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 0, 190000, &other, &e), 0);
	ck_assert_mem_ne(&disk, &other, sizeof(disk));
	bytes[1000 + 189999] ^= 1;
	reopen();
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 0, 190000, &other, &e), 0);
	ck_assert_mem_eq(&disk, &other, sizeof(disk));
	ck_assert_int_eq(unlink(folder_at("tvmm/seed")), 0);
	reopen();
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 0, 190000, &other, &e), 0);
	ck_assert_mem_ne(&disk, &other, sizeof(disk));
}
END_TEST

START_TEST(no_key_beyond_the_file)
{
	static const struct {
		uint64_t offset, size_bytes;
	} beyond[] = { { 0, 11 }, { 10, 1 },         { 11, 0 },
		       { 1, 10 }, { 1, UINT64_MAX }, { UINT64_MAX, 1 } };
	struct kernelcache_key key;
	struct input_file file;

	file_of_memory(&file, "kernel", "some/bzImage", "0123456789", 10);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		ck_assert_int_eq(kernelcache_key_of(&cache, &file, beyond[i].offset,
						    beyond[i].size_bytes, &key, &e),
				 -EIO);
		ck_assert_str_eq(e.text, "kernel some/bzImage: ends at offset 10");
	}
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 0, 10, &key, &e), 0);
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 10, 0, &key, &e), 0);
}
END_TEST

/* A file that shrank after it was opened, as one that is being rebuilt does. */
START_TEST(no_key_of_a_file_that_shrinks)
{
	struct kernelcache_key key;
	struct input_file file;

	folder_put(folder_at("bzImage"), "0123456789", 10);
	ck_assert_int_eq(file_open(&file, "kernel", folder_at("bzImage"), 100, &e), 0);
	ck_assert_int_eq(truncate(folder_at("bzImage"), 5), 0);
	ck_assert_int_eq(kernelcache_key_of(&cache, &file, 0, 10, &key, &e), -EIO);
	file_close(&file);
}
END_TEST

/* --- hit and miss -------------------------------------------------------------------------- */

START_TEST(stored_is_found)
{
	struct stat st;

	ck_assert_int_eq(sample_find(&one), -ENOENT);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(sample_find(&one), 0);
	ck_assert_str_eq(entry.path, path_of(&one));
	ck_assert_ptr_eq(entry.file.path, entry.path);
	ck_assert_str_eq(entry.file.what, "cached file");
	st = folder_look(path_of(&one));
	ck_assert_int_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(st.st_size, SMALL + SPEC_TRAILER_BYTES);
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 2);
	reopen();
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

START_TEST(short_and_interrupted_reads)
{
	ck_assert_int_eq(sample_store(&one), 0);
	pread_max_bytes = 7;
	pread_interruptions = 3;
	reopen();
	ck_assert_int_eq(sample_find(&one), 0);
	ck_assert_int_eq(pread_interruptions, 0);
}
END_TEST

START_TEST(each_has_its_own)
{
	struct sample two;

	sample_init(&two, 2, 100000);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(sample_find(&two), -ENOENT);
	ck_assert_int_eq(sample_store(&two), 0);
	ck_assert_int_eq(sample_find(&two), 0);
	ck_assert_int_eq(sample_find(&one), 0);
	free(two.elf);
}
END_TEST

/* The ELF file may be of a single byte; what it is worth is for its reader to say. */
START_TEST(smallest_entry)
{
	struct sample tiny;

	sample_init(&tiny, 3, 1);
	ck_assert_int_eq(sample_store(&tiny), 0);
	ck_assert_int_eq(sample_find(&tiny), 0);
	free(tiny.elf);
}
END_TEST

START_TEST(what_is_there_is_left)
{
	ino_t before;

	ck_assert_int_eq(sample_store(&one), 0);
	before = folder_look(path_of(&one)).st_ino;
	folder_age(path_of(&one), 1000);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_uint_eq(folder_look(path_of(&one)).st_ino, before);
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

START_TEST(what_is_there_otherwise_is_replaced)
{
	struct kernelcache_sums sums = one.sums;

	sums.loaded.bytes[15] ^= 1;
	ck_assert_int_eq(kernelcache_store(&cache, &one.key, &sums, one.elf, one.size_bytes), 0);
	ck_assert_int_eq(sample_find(&one), -EILSEQ);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(sample_find(&one), 0);
	sums = one.sums;
	sums.facts.bytes[0] ^= 1;
	ck_assert_int_eq(kernelcache_store(&cache, &one.key, &sums, one.elf, one.size_bytes), 0);
	ck_assert_int_eq(sample_find(&one), -EILSEQ);
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 2);
}
END_TEST

START_TEST(open_entries_outlive_their_names)
{
	uint8_t bytes[SMALL];

	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(kernelcache_find(&cache, &one.key, &entry), 0);
	kernelcache_drop(&cache, &one.key);
	ck_assert(!folder_has(path_of(&one)));
	kernelcache_drop(&cache, &one.key);
	kernelcache_close(&cache);
	ck_assert_int_eq(file_read(&entry.file, 0, bytes, SMALL, &e), 0);
	ck_assert_mem_eq(bytes, one.elf, SMALL);
	file_close(&entry.file);
}
END_TEST

/* A program that the guest's runner starts must not inherit them. */
START_TEST(descriptors_close_on_exec)
{
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(kernelcache_find(&cache, &one.key, &entry), 0);
	ck_assert_int_eq(fcntl(entry.file.fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(cache.dir.fd, F_GETFD), FD_CLOEXEC);
	file_close(&entry.file);
}
END_TEST

START_TEST(no_cache_does_nothing)
{
	struct kernelcache_key key = one.key;

	kernelcache_close(&cache);
	kernelcache_none(&cache, "--no-cache was given");
	ck_assert(!kernelcache_is_there(&cache));
	ck_assert_str_eq(cache.why.text, "--no-cache was given");
	ck_assert_int_eq(kernelcache_find(&cache, &key, &entry), -ENOENT);
	ck_assert_int_eq(entry.file.fd, -1);
	kernelcache_drop(&cache, &key);
	ck_assert_int_eq(sample_store(&one), -ENOENT);
	kernelcache_close(&cache);
	kernelcache_close(&cache);
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 1);
}
END_TEST

/* --- damage -------------------------------------------------------------------------------- */

static uint8_t stored[SMALL + SPEC_TRAILER_BYTES];

static void store_and_keep(void)
{
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_uint_eq(folder_get(path_of(&one), stored, sizeof(stored)), sizeof(stored));
}

/* Refused, gone, and stored anew. */
static void expect_mended(const char *what, size_t where)
{
	int rc = sample_find(&one);

	ck_assert_msg(rc == -EBADMSG, "%s %zu: %d", what, where, rc);
	ck_assert_msg(!folder_has(path_of(&one)), "%s %zu", what, where);
	ck_assert_int_eq(sample_find(&one), -ENOENT);
}

START_TEST(every_bit_of_the_trailer)
{
	store_and_keep();
	for (size_t bit = 0; bit < 8 * SPEC_TRAILER_BYTES; bit++) {
		size_t byte = SMALL + bit / 8;

		stored[byte] ^= (uint8_t)(1 << bit % 8);
		folder_put(path_of(&one), stored, sizeof(stored));
		expect_mended("bit", bit);
		stored[byte] ^= (uint8_t)(1 << bit % 8);
	}
	folder_put(path_of(&one), stored, sizeof(stored));
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

/* Found, because nobody reads it all at first; what is loaded then has another hash. */
START_TEST(every_byte_of_the_body)
{
	uint8_t bytes[SMALL];

	store_and_keep();
	for (size_t byte = 0; byte < SMALL; byte++) {
		struct kernelcache_hash hash;

		stored[byte] ^= 0x10;
		folder_put(path_of(&one), stored, sizeof(stored));
		ck_assert_int_eq(kernelcache_find(&cache, &one.key, &entry), 0);
		ck_assert_int_eq(file_read(&entry.file, 0, bytes, SMALL, &e), 0);
		file_close(&entry.file);
		hash = hash_of(KERNELCACHE_LOADED, &one.key, bytes, SMALL);
		ck_assert(!kernelcache_hash_same(&hash, &entry.sums.loaded));
		stored[byte] ^= 0x10;
	}
	kernelcache_drop(&cache, &one.key);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

START_TEST(every_other_length)
{
	static uint8_t longer[2 * sizeof(stored)];

	store_and_keep();
	memcpy(longer, stored, sizeof(stored));
	for (size_t size = 0; size < sizeof(longer); size++) {
		if (size == sizeof(stored))
			continue;
		folder_put(path_of(&one), longer, size);
		expect_mended("length", size);
	}
	/* Longer by its front: a trailer that is whole at the end. */
	memset(longer, 0, sizeof(longer));
	memcpy(longer + sizeof(stored), stored, sizeof(stored));
	folder_put(path_of(&one), longer, sizeof(longer));
	expect_mended("length", sizeof(longer));
}
END_TEST

/* What a crash of the host may leave of a file that was renamed but not written. */
START_TEST(nothing_but_zeros)
{
	memset(stored, 0, sizeof(stored));
	folder_put(path_of(&one), stored, sizeof(stored));
	expect_mended("zeros", 0);
	folder_put(path_of(&one), "", 0);
	ck_assert_int_eq(truncate(path_of(&one), SPEC_ENTRY_MAX_BYTES + 1), 0);
	expect_mended("too long", 0);
}
END_TEST

START_TEST(another_entry_s_name)
{
	struct sample two;

	sample_init(&two, 2, SMALL);
	store_and_keep();
	folder_put(path_of(&two), stored, sizeof(stored));
	ck_assert_int_eq(sample_find(&two), -EBADMSG);
	ck_assert_int_eq(sample_find(&one), 0);
	free(two.elf);
}
END_TEST

/* The same name by hand, but the trailer's check was made with another secret. */
START_TEST(another_cache_s_entry)
{
	store_and_keep();
	ck_assert_int_eq(unlink(folder_at("tvmm/seed")), 0);
	reopen();
	expect_mended("of another cache", 0);
}
END_TEST

/* --- what is no file of ours ----------------------------------------------------------------- */

START_TEST(links_are_not_followed)
{
	store_and_keep();
	ck_assert_int_eq(rename(path_of(&one), folder_at("kept")), 0);
	ck_assert_int_eq(symlink(folder_at("kept"), path_of(&one)), 0);
	expect_mended("link to an entry", 0);
	ck_assert_int_eq(folder_look(folder_at("kept")).st_size, sizeof(stored));
	ck_assert_int_eq(symlink(folder_at("nowhere"), path_of(&one)), 0);
	expect_mended("link to nothing", 0);
	ck_assert_int_eq(symlink(folder_at("nowhere"), path_of(&one)), 0);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert(!folder_has(folder_at("nowhere")));
	ck_assert_int_eq(sample_find(&one), 0);
	ck_assert(S_ISREG(folder_look(path_of(&one)).st_mode));
}
END_TEST

/* None of them is waited for: this test would take more than its four seconds. */
START_TEST(fifo_and_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char here[100];

	ck_assert_int_eq(mkfifo(path_of(&one), 0600), 0);
	expect_mended("FIFO", 0);
	/* By a short name: the path may not fit. */
	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	ck_assert_int_eq(chdir(folder_at("tvmm")), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		       name_of(&one.key) + strlen("tvmm/"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(chdir(here), 0);
	expect_mended("socket", 0);
	(void)close(fd);
}
END_TEST

START_TEST(directories)
{
	char inside[200];

	ck_assert_int_eq(mkdir(path_of(&one), 0700), 0);
	expect_mended("empty directory", 0);
	ck_assert_int_eq(mkdir(path_of(&one), 0700), 0);
	(void)snprintf(inside, sizeof(inside), "%s/full", path_of(&one));
	folder_put(inside, "x", 1);
	ck_assert_int_eq(sample_find(&one), -EBADMSG);
	ck_assert_int_lt(sample_store(&one), 0);
	ck_assert_int_eq(folder_look(inside).st_size, 1);
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 2);
}
END_TEST

START_TEST(others_may_not_write_entries)
{
	static const mode_t modes[] = { 0620, 0602, 0666 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(sample_store(&one), 0);
		ck_assert_int_eq(chmod(path_of(&one), modes[i]), 0);
		expect_mended("mode", modes[i]);
	}
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(chmod(path_of(&one), 0644), 0);
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

/* For root everything is readable; so this runs as somebody else where the test is root's. */
static int unreadable_entry(void)
{
	kernelcache_close(&cache);
	if (geteuid() == 0)
		NEED(setresgid(FOLDER_SOMEBODY, FOLDER_SOMEBODY, FOLDER_SOMEBODY) == 0 &&
		     setresuid(FOLDER_SOMEBODY, FOLDER_SOMEBODY, FOLDER_SOMEBODY) == 0);
	open_cache();
	NEED(kernelcache_is_there(&cache));
	one.key = key_of("unreadable");
	NEED(sample_store(&one) == 0);
	NEED(chmod(path_of(&one), 0) == 0);
	NEED(sample_find(&one) == -EBADMSG);
	NEED(!folder_has(path_of(&one)));
	return 0;
}

START_TEST(unreadable)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(folder_at(""), FOLDER_SOMEBODY, FOLDER_SOMEBODY), 0);
		ck_assert_int_eq(chown(folder_at("tvmm"), FOLDER_SOMEBODY, FOLDER_SOMEBODY), 0);
		ck_assert_int_eq(chown(folder_at("tvmm/seed"), FOLDER_SOMEBODY, FOLDER_SOMEBODY),
				 0);
	}
	ck_assert_int_eq(folder_in_child(unreadable_entry), 0);
}
END_TEST

/* As root only. */
START_TEST(another_user_s_files)
{
	struct kernelcache_key before = one.key, after;

	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(chown(path_of(&one), FOLDER_SOMEBODY, FOLDER_SOMEBODY), 0);
	expect_mended("another user's", 0);
	ck_assert_int_eq(chown(folder_at("tvmm/seed"), FOLDER_SOMEBODY, FOLDER_SOMEBODY), 0);
	expect_there();
	after = key_of("payload 1");
	ck_assert_mem_ne(&before, &after, sizeof(before));
	ck_assert_uint_eq(folder_look(folder_at("tvmm/seed")).st_uid, geteuid());
}
END_TEST

/* Nothing is known about the entry then, and it is left alone. */
static int no_descriptors_left(void)
{
	struct rlimit none = { 0, 0 };

	NEED(setrlimit(RLIMIT_NOFILE, &none) == 0);
	NEED(kernelcache_find(&cache, &one.key, &entry) == -EMFILE);
	NEED(entry.file.fd == -1);
	NEED(folder_has(path_of(&one)));
	one.sums.facts.bytes[0] ^= 1;
	NEED(sample_store(&one) == -EMFILE);
	return 0;
}

START_TEST(host_out_of_descriptors)
{
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(folder_in_child(no_descriptors_left), 0);
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

/* --- the bound ----------------------------------------------------------------------------- */

START_TEST(bytes_fill_the_bound_exactly)
{
	(void)put_hollow(0, SPEC_MAX_BYTES - 1 - (SMALL + SPEC_TRAILER_BYTES), 2000);
	(void)put_hollow(1, 1, 1000);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert(has_hollow(0) && has_hollow(1));
	kernelcache_drop(&cache, &one.key);
	(void)put_hollow(1, 2, 1000);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert(!has_hollow(0) && has_hollow(1));
}
END_TEST

START_TEST(entries_are_bounded)
{
	for (unsigned int i = 0; i < SPEC_MAX_ENTRIES - 1; i++)
		(void)put_hollow(i, 100, 1000 + i); /* the last is the oldest */
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(folder_count(folder_at("tvmm")), SPEC_MAX_ENTRIES + 1);
	for (unsigned int more = 0; more < 10; more++) {
		struct sample next;

		sample_init(&next, 100 + more, SMALL);
		ck_assert_int_eq(sample_store(&next), 0);
		ck_assert_int_eq(sample_find(&next), 0);
		ck_assert_int_eq(folder_count(folder_at("tvmm")), SPEC_MAX_ENTRIES + 1);
		ck_assert(!has_hollow(SPEC_MAX_ENTRIES - 2 - more));
		ck_assert(has_hollow(SPEC_MAX_ENTRIES - 3 - more));
		free(next.elf);
	}
}
END_TEST

static size_t entries_while_writing;

static void count_entries(void)
{
	entries_while_writing = folder_count(folder_at("tvmm")) - 2; /* the seed, the temporary */
}

/* There is room before the disk has to have it. */
START_TEST(room_is_made_before)
{
	for (unsigned int i = 0; i < SPEC_MAX_ENTRIES; i++)
		(void)put_hollow(i, 100, 1000);
	on_write = count_entries;
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_uint_eq(entries_while_writing, SPEC_MAX_ENTRIES - 1);
}
END_TEST

static void fill_the_rest(void)
{
	for (unsigned int i = 0; i < SPEC_MAX_ENTRIES; i++)
		(void)put_hollow(i, 100, 1000);
}

/* And when others stored meanwhile, the bound holds in the end. */
START_TEST(room_is_made_after)
{
	on_write = fill_the_rest;
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 1 + SPEC_MAX_ENTRIES);
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

START_TEST(what_is_used_stays)
{
	struct sample two;

	sample_init(&two, 2, SMALL);
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(sample_store(&two), 0);
	for (unsigned int i = 0; i < SPEC_MAX_ENTRIES - 2; i++)
		(void)put_hollow(i, 100, 1000 + i);
	folder_age(path_of(&one), 9000);
	folder_age(path_of(&two), 8000);
	ck_assert_int_eq(sample_find(&one), 0);
	free(two.elf);
	sample_init(&two, 3, SMALL);
	ck_assert_int_eq(sample_store(&two), 0);
	free(two.elf);
	sample_init(&two, 2, SMALL);
	ck_assert_int_eq(sample_find(&two), -ENOENT);
	ck_assert_int_eq(sample_find(&one), 0);
	free(two.elf);
}
END_TEST

START_TEST(a_hit_renews_once_an_hour)
{
	static const long renewed[] = { SPEC_TOUCH_S + 3, 100000, -SPEC_TOUCH_S - 3, -100000 };
	static const long kept[] = { 2, SPEC_TOUCH_S - 10, -SPEC_TOUCH_S + 10 };

	ck_assert_int_eq(sample_store(&one), 0);
	for (size_t i = 0; i < sizeof(renewed) / sizeof(renewed[0]); i++) {
		folder_age(path_of(&one), renewed[i]);
		ck_assert_int_eq(sample_find(&one), 0);
		ck_assert_int_le(labs(folder_look(path_of(&one)).st_mtime - time(NULL)), 2);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		time_t before;

		folder_age(path_of(&one), kept[i]);
		before = folder_look(path_of(&one)).st_mtime;
		ck_assert_int_eq(sample_find(&one), 0);
		ck_assert_int_eq(folder_look(path_of(&one)).st_mtime, before);
	}
}
END_TEST

/* Its bytes are not looked at; here there are far fewer of them. */
START_TEST(too_big_to_store)
{
	const uint64_t most = SPEC_ENTRY_MAX_BYTES - SPEC_TRAILER_BYTES;

	(void)put_hollow(0, SPEC_MAX_BYTES, 1000);
	ck_assert_int_eq(kernelcache_store(&cache, &one.key, &one.sums, one.elf, most + 1), -EFBIG);
	ck_assert_int_eq(kernelcache_store(&cache, &one.key, &one.sums, one.elf, UINT64_MAX),
			 -EFBIG);
	ck_assert(has_hollow(0));
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 2);
}
END_TEST

START_TEST(other_names_are_left_alone)
{
	static const char *const names[] = {
		"tvmm/0123456789abcdef0123456789abcde.unpacked",
		"tvmm/0123456789abcdef0123456789abcdef0.unpacked",
		"tvmm/0123456789abcdef0123456789ABCDEF.unpacked",
		"tvmm/0123456789abcdef0123456789abcdef.unpackeds",
		"tvmm/0123456789abcdef0123456789abcdef",
		"tvmm/x0123456789abcdef0123456789abcdef.unpacked",
		"tvmm/tmp-0123456789abcde",
		"tvmm/tmp-0123456789abcdef0",
		"tvmm/tmp-0123456789abcdeg",
		"tvmm/temp-0123456789abcdef",
		"tvmm/notes.txt",
	};
	const size_t count = sizeof(names) / sizeof(names[0]);

	for (size_t i = 0; i < count; i++) {
		folder_put(folder_at(names[i]), "x", 1);
		ck_assert_int_eq(truncate(folder_at(names[i]), SPEC_MAX_BYTES), 0);
		folder_age(folder_at(names[i]), 1000000);
	}
	folder_age(folder_at("tvmm/seed"), 1000000);
	ck_assert_int_eq(sample_store(&one), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(folder_has(folder_at(names[i])), "%s", names[i]);
	reopen();
	ck_assert_int_eq(sample_find(&one), 0);
}
END_TEST

/* --- many at once -------------------------------------------------------------------------- */

enum { PROCESSES = 8, ROUNDS = 50, SHARED_KEYS = 6 };

/* One round: found whole, or stored; now and then dropped, as if its hash had been wrong. */
static int round_of(unsigned int process, unsigned int i)
{
	unsigned int number = i % 2 ? (process + i) % SHARED_KEYS : 1000 * process + i;
	struct sample sample;
	int rc;

	sample_init(&sample, number, 1000 + number % 7 * 9000);
	rc = sample_find(&sample);
	NEED(rc == 0 || rc == -ENOENT);
	if (rc < 0)
		NEED(sample_store(&sample) == 0);
	if (i % 10 == 9)
		kernelcache_drop(&cache, &sample.key);
	free(sample.elf);
	return 0;
}

static int process_of_many(unsigned int process, int out)
{
	open_cache();
	NEED(kernelcache_is_there(&cache));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		int line = round_of(process, i);

		if (line)
			return line;
	}
	NEED(write(out, cache.secret, sizeof(cache.secret)) == sizeof(cache.secret));
	kernelcache_close(&cache);
	return 0;
}

/* They begin without a directory: one seed must come out of that, and it is the one on the disk. */
START_TEST(many_processes)
{
	uint8_t secret[192];
	pid_t pids[PROCESSES];
	int ends[2], status;

	kernelcache_close(&cache);
	ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder_at("deep/er"), 1), 0);
	ck_assert_int_eq(pipe(ends), 0);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			int line = process_of_many(i, ends[1]);

			if (line)
				(void)fprintf(stderr, "process %u: line %d\n", i, line);
			_exit(line ? 1 : 0);
		}
	}
	for (unsigned int i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	open_cache();
	for (unsigned int i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(read(ends[0], secret, sizeof(secret)), sizeof(secret));
		ck_assert_mem_eq(secret, cache.secret, sizeof(secret));
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	/* The seed, entries, and nothing else. */
	ck_assert_int_le(folder_count(folder_at("deep/er/tvmm")), 1 + SPEC_MAX_ENTRIES);
	ck_assert_int_gt(folder_count(folder_at("deep/er/tvmm")), SPEC_MAX_ENTRIES / 2);
}
END_TEST

/* Killed at any moment, a store leaves a whole entry or none. */
START_TEST(killed_while_storing)
{
	struct sample big;
	int found = 0, missed = 0, status;

	sample_init(&big, 9, 4 << 20);
	for (int i = 0; i < 40; i++) {
		struct timespec delay = { 0, i * 100000L };
		pid_t pid = fork();
		int rc;

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			for (;;) {
				(void)sample_store(&big);
				kernelcache_drop(&cache, &big.key);
			}
		}
		(void)nanosleep(&delay, NULL);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		rc = sample_find(&big);
		ck_assert_msg(rc == 0 || rc == -ENOENT, "round %d: %d", i, rc);
		found += rc == 0;
		missed += rc != 0;
	}
	ck_assert_int_gt(missed, 0);
	ck_assert_int_eq(sample_store(&big), 0);
	ck_assert_int_eq(sample_find(&big), 0);
	free(big.elf);
	(void)found;
}
END_TEST

/* --- the seed ------------------------------------------------------------------------------ */

/* There is a cache, with another secret than before, on the disk like in memory. */
static void expect_new_seed(const char *what, size_t where)
{
	uint8_t before[192], seed[SPEC_SEED_BYTES + 1];

	memcpy(before, cache.secret, sizeof(before));
	expect_there();
	ck_assert_msg(memcmp(before, cache.secret, sizeof(before)) != 0, "%s %zu", what, where);
	ck_assert_int_eq(folder_look(folder_at("tvmm/seed")).st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(folder_get(folder_at("tvmm/seed"), seed, sizeof(seed)), SPEC_SEED_BYTES);
	ck_assert_mem_eq(seed, cache.secret, sizeof(before));
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 1);
}

START_TEST(damaged_seed)
{
	uint8_t seed[SPEC_SEED_BYTES + 1] = { 0 };

	for (size_t i = 0; i < SPEC_SEED_BYTES; i++) {
		ck_assert_uint_eq(folder_get(folder_at("tvmm/seed"), seed, sizeof(seed)),
				  SPEC_SEED_BYTES);
		seed[i] ^= 0x40;
		folder_put(folder_at("tvmm/seed"), seed, SPEC_SEED_BYTES);
		expect_new_seed("byte", i);
	}
	for (size_t size = 0; size <= sizeof(seed); size++) {
		if (size == SPEC_SEED_BYTES)
			continue;
		(void)folder_get(folder_at("tvmm/seed"), seed, sizeof(seed));
		folder_put(folder_at("tvmm/seed"), seed, size);
		expect_new_seed("size", size);
	}
	memset(seed, 0, sizeof(seed));
	folder_put(folder_at("tvmm/seed"), seed, SPEC_SEED_BYTES);
	expect_new_seed("zeros", 0);
}
END_TEST

START_TEST(no_seed_of_ours)
{
	ck_assert_int_eq(rename(folder_at("tvmm/seed"), folder_at("kept")), 0);
	ck_assert_int_eq(symlink(folder_at("kept"), folder_at("tvmm/seed")), 0);
	expect_new_seed("link", 0);
	ck_assert_int_eq(folder_look(folder_at("kept")).st_size, SPEC_SEED_BYTES);
	ck_assert_int_eq(unlink(folder_at("tvmm/seed")), 0);
	ck_assert_int_eq(mkfifo(folder_at("tvmm/seed"), 0600), 0);
	expect_new_seed("FIFO", 0);
	ck_assert_int_eq(unlink(folder_at("tvmm/seed")), 0);
	ck_assert_int_eq(mkdir(folder_at("tvmm/seed"), 0700), 0);
	expect_new_seed("directory", 0);
	ck_assert_int_eq(chmod(folder_at("tvmm/seed"), 0620), 0);
	expect_new_seed("mode", 0620);
	ck_assert_int_eq(unlink(folder_at("tvmm/seed")), 0);
	ck_assert_int_eq(mkdir(folder_at("tvmm/seed"), 0700), 0);
	folder_put(folder_at("tvmm/seed/full"), "x", 1);
	expect_none(folder_at("tvmm/seed: is no seed"), "remove it");
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 1);
}
END_TEST

START_TEST(seed_stays)
{
	uint8_t before[192];

	memcpy(before, cache.secret, sizeof(before));
	for (int i = 0; i < 5; i++) {
		expect_there();
		ck_assert_mem_eq(before, cache.secret, sizeof(before));
	}
}
END_TEST

/* --- without a seed -------------------------------------------------------------------------- */

/* Where a seed cannot be made there is no cache; one that is there is enough to find and to read. */
static int no_room_for_a_seed(void)
{
	struct rlimit limit = { SPEC_SEED_BYTES - 1, RLIM_INFINITY };

	NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	kernelcache_close(&cache);
	open_cache();
	NEED(kernelcache_is_there(&cache));
	NEED(sample_find(&one) == 0);
	NEED(sample_store(&one) == 0);
	kernelcache_drop(&cache, &one.key);
	NEED(sample_store(&one) == -EFBIG);
	NEED(unlink(folder_at("tvmm/seed")) == 0);
	kernelcache_close(&cache);
	open_cache();
	NEED(!kernelcache_is_there(&cache));
	NEED(strstr(cache.why.text, "tvmm/seed: cannot be had: File too large") != NULL);
	NEED(folder_count(folder_at("tvmm")) == 0);
	return 0;
}

START_TEST(seed_that_cannot_be_made)
{
	ck_assert_int_eq(sample_store(&one), 0);
	ck_assert_int_eq(folder_in_child(no_room_for_a_seed), 0);
}
END_TEST

static void add_everywhere(TCase *tcase)
{
	const TTest *const everywhere[] = {
		pieces_make_no_difference,
		every_bit_counts,
		hashes_compare_all_their_bytes,
		subjects_are_apart,
		keys,
		no_key_beyond_the_file,
		no_key_of_a_file_that_shrinks,
		stored_is_found,
		short_and_interrupted_reads,
		each_has_its_own,
		smallest_entry,
		what_is_there_is_left,
		what_is_there_otherwise_is_replaced,
		open_entries_outlive_their_names,
		descriptors_close_on_exec,
		no_cache_does_nothing,
		every_bit_of_the_trailer,
		every_byte_of_the_body,
		every_other_length,
		nothing_but_zeros,
		another_entry_s_name,
		another_cache_s_entry,
		links_are_not_followed,
		fifo_and_socket,
		directories,
		others_may_not_write_entries,
		unreadable,
		host_out_of_descriptors,
		bytes_fill_the_bound_exactly,
		entries_are_bounded,
		room_is_made_before,
		room_is_made_after,
		what_is_used_stays,
		a_hit_renews_once_an_hour,
		too_big_to_store,
		other_names_are_left_alone,
		killed_while_storing,
		damaged_seed,
		no_seed_of_ours,
		seed_stays,
		seed_that_cannot_be_made,
	};

	for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++)
		tcase_add_test(tcase, everywhere[i]);
}

int main(void)
{
	Suite *suite = suite_create("kernelcache");
	TCase *tcase = tcase_create("kernelcache"), *many = tcase_create("many at once");
	SRunner *runner;
	int failed;

	add_everywhere(tcase);
	if (geteuid() == 0)
		tcase_add_test(tcase, another_user_s_files);
	else
		(void)puts("kernelcache: not root: another user's files are not tried");
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	tcase_add_test(many, many_processes);
	tcase_set_timeout(many, 60);
	tcase_add_checked_fixture(many, setup, teardown);
	suite_add_tcase(suite, many);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
