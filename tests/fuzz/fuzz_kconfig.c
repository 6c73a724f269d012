/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a .config, and half of them as another: what is taken is sorted, each name once and
 * bounded; what is refused is told in one line with the file's name; a configuration has no
 * difference to itself, and that of two is the same from both ends.
 *
 * libFuzzer: -max_len=4096
 */
#include "tests/fuzz/fuzz.h"
#include "vmm/kconfig.h"

static bool parse(struct kconfig *config, const uint8_t *bytes, size_t size_bytes)
{
	struct err e = { 0 };
	int rc = kconfig_parse(config, "file", (const char *)fuzz_guarded(bytes, size_bytes),
			       size_bytes, &e);

	if (rc == 0)
		return true;
	hold(rc == -e.code && strncmp(e.text, "file", 4) == 0 && !strchr(e.text, '\n'), "%s",
	     e.text);
	hold(!config->options && !config->option && !config->text, "something is left");
	return false;
}

static void hold_in_order(const struct kconfig *config)
{
	hold(config->options > 0, "nothing was taken");
	for (size_t i = 0; i < config->options; i++) {
		const struct kconfig_option *o = &config->option[i];

		hold(o->name[0] && strlen(o->name) <= KCONFIG_NAME_MAX, "a name");
		hold(!o->value || (o->value[0] && strlen(o->value) <= KCONFIG_LINE_MAX), "%s",
		     o->name);
		hold(i == 0 || strcmp(config->option[i - 1].name, o->name) < 0, "%s", o->name);
		hold(kconfig_find(config, o->name) == o->value, "%s", o->name);
	}
}

static void hold_difference(const struct kconfig *a, const struct kconfig *b)
{
	struct kconfig_difference there, back;
	struct err e;

	hold(kconfig_compare(&there, a, b, &e) == 0, "%s", e.text);
	hold(kconfig_compare(&back, b, a, &e) == 0, "%s", e.text);
	hold(there.changes == there.only_a + there.only_b + there.changed, "they add up");
	hold(there.changes == back.changes && there.only_a == back.only_b &&
		     there.only_b == back.only_a && there.changed == back.changed,
	     "both ends");
	hold(a != b || there.changes == 0, "differs from itself");
	for (size_t i = 0; i < there.changes; i++)
		hold(kconfig_find(a, there.change[i].name) == there.change[i].a &&
			     kconfig_find(b, there.change[i].name) == there.change[i].b,
		     "%s", there.change[i].name);
	kconfig_difference_finish(&there);
	kconfig_difference_finish(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct kconfig a, b;
	bool has_a, has_b;

	if (size_bytes > FUZZ_GUARDED_MAX_BYTES)
		return 0;
	has_a = parse(&a, bytes, size_bytes);
	has_b = parse(&b, bytes, size_bytes / 2);
	if (has_a) {
		hold_in_order(&a);
		hold_difference(&a, &a);
	}
	if (has_a && has_b)
		hold_difference(&a, &b);
	kconfig_finish(&a);
	kconfig_finish(&b);
	return 0;
}
