/* SPDX-License-Identifier: MIT */
/*
 * The probe without KVM: what was seen in a guest is judged, hand-made results are printed, JSON
 * is read back by the grammar of RFC 8259.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/probe.h"

/* [SDM] volume 3: RPL is in the low two bits of CS. Selectors as a GDT may have them. */
enum {
	SPEC_KERNEL_CS = 0x10,
	SPEC_USER_CS = 0x3b,
	SPEC_GENERAL_PROTECTION = 13,
	SPEC_PAGE_FAULT = 14,
};

/* The numbers of `tvmm probe --help`. */
enum {
	SPEC_STATUS_OK = 0,
	SPEC_STATUS_NO_GUESTS = 1,
	SPEC_STATUS_NO_KVM = 125,
};

enum { TEXT_BYTES = 8192 };

static struct probe_result result;
static char text[TEXT_BYTES];

/* A host on which all is well. */
static void make_good(void)
{
	memset(&result, 0, sizeof(result));
	result.device = (struct probe_device){ true, 0660, 0, 104, "kvm", false };
	result.api_version = 12;
	result.tsc_khz = 2793450;
	result.capabilities = 2;
	result.capability[0] =
		(struct probe_capability){ "KVM_CAP_IRQCHIP", "controllers", PROBE_NEEDED, 1 };
	result.capability[1] =
		(struct probe_capability){ "KVM_CAP_MAX_VCPUS", "CPUs", PROBE_NUMBER, 1024 };
	for (int id = 0; id < PROBE_CHECKS; id++) {
		result.check[id] = (struct probe_check){ PROBE_PASSED, 1234567, "" };
		(void)snprintf(result.check[id].detail, PROBE_DETAIL_BYTES, "detail %d", id);
	}
	result.took_ns = 26000999;
}

static void make_no_kvm(int code, const char *why)
{
	make_good();
	result.err.code = code;
	(void)snprintf(result.err.text, sizeof(result.err.text), "%s", why);
	result.api_version = result.tsc_khz = 0;
	for (size_t i = 0; i < result.capabilities; i++)
		result.capability[i].value = -1;
	memset(result.check, 0, sizeof(result.check));
}

static const char *verdict(void)
{
	static char sentence[1024];

	probe_verdict(&result, sentence, sizeof(sentence));
	return sentence;
}

static void print(void (*how)(const struct probe_result *, FILE *))
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(out);
	how(&result, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
}

static enum probe_outcome judge(enum probe_check_id id, struct probe_seen seen, const char **detail)
{
	static struct probe_check check;

	memset(&check, 0, sizeof(check));
	probe_judge(id, &seen, &check);
	if (detail)
		*detail = check.detail;
	ck_assert_uint_gt(strlen(check.detail), 0);
	return check.outcome;
}

static struct probe_seen reported(uint32_t a, uint32_t b)
{
	return (struct probe_seen){ .how = PROBE_REPORTED, .value = { a, b } };
}

/* ---- judging --------------------------------------------------------------------------------- */

START_TEST(values_that_are_right_pass)
{
	struct probe_seen user = reported(SPEC_USER_CS, 0);

	user.handler_cs = SPEC_KERNEL_CS;
	ck_assert_int_eq(judge(PROBE_LONG_MODE, reported(0x74766d6d, 0x74766d6d), NULL),
			 PROBE_PASSED);
	ck_assert_int_eq(judge(PROBE_FPU, reported(1 + 1, 3 * 3), NULL), PROBE_PASSED);
	ck_assert_int_eq(judge(PROBE_USER_MODE, user, NULL), PROBE_PASSED);
	ck_assert_int_eq(judge(PROBE_SYSCALL, reported(SPEC_USER_CS, SPEC_KERNEL_CS), NULL),
			 PROBE_PASSED);
	ck_assert_int_eq(judge(PROBE_TIMER, reported(SPEC_KERNEL_CS, 1), NULL), PROBE_PASSED);
}
END_TEST

START_TEST(values_that_are_wrong_fail)
{
	struct probe_seen user = reported(SPEC_USER_CS, 0);

	user.handler_cs = SPEC_USER_CS;
	ck_assert_int_eq(judge(PROBE_LONG_MODE, reported(0x74766d6d, 0), NULL), PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_LONG_MODE, reported(0, 0x74766d6d), NULL), PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_FPU, reported(2, 0), NULL), PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_FPU, reported(0, 9), NULL), PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_USER_MODE, user, NULL), PROBE_FAILED);
	user = reported(SPEC_KERNEL_CS, 0);
	user.handler_cs = SPEC_KERNEL_CS;
	ck_assert_int_eq(judge(PROBE_USER_MODE, user, NULL), PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_SYSCALL, reported(SPEC_KERNEL_CS, SPEC_KERNEL_CS), NULL),
			 PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_SYSCALL, reported(SPEC_USER_CS, SPEC_USER_CS), NULL),
			 PROBE_FAILED);
	ck_assert_int_eq(judge(PROBE_BREAKPOINT, reported(0, 0), NULL), PROBE_FAILED);
}
END_TEST

START_TEST(faults_fail_and_are_named)
{
	struct probe_seen seen = { .how = PROBE_FAULTED,
				   .vector = SPEC_GENERAL_PROTECTION,
				   .rip = 0x1234,
				   .value = { SPEC_USER_CS, SPEC_USER_CS } };
	const char *detail;

	ck_assert_int_eq(judge(PROBE_FPU, seen, &detail), PROBE_FAILED);
	ck_assert_str_eq(detail, "exception 13 #GP at RIP 0x1234, CPL 0");
	/* A syscall that stays in user mode faults there: what matters is where it arrived. */
	ck_assert_int_eq(judge(PROBE_SYSCALL, seen, &detail), PROBE_FAILED);
	ck_assert_str_eq(detail, "from CPL 3, syscall arrives in CPL 3");
	seen.value[1] = 0; /* it did not arrive at all */
	seen.vector = SPEC_PAGE_FAULT;
	seen.cpl = 3;
	ck_assert_int_eq(judge(PROBE_SYSCALL, seen, &detail), PROBE_FAILED);
	ck_assert_str_eq(detail, "exception 14 #PF at RIP 0x1234, CPL 3");
	seen.vector = 200;
	ck_assert_int_eq(judge(PROBE_USER_MODE, seen, &detail), PROBE_FAILED);
	ck_assert_ptr_nonnull(strstr(detail, "exception 200 "));
}
END_TEST

START_TEST(breakpoints_must_stop_where_they_are)
{
	struct probe_seen seen = { .how = PROBE_BROKE, .rip = 0x1100, .breakpoint = 0x1100 };

	ck_assert_int_eq(judge(PROBE_BREAKPOINT, seen, NULL), PROBE_PASSED);
	ck_assert_int_eq(judge(PROBE_TIMER, seen, NULL), PROBE_FAILED);
	seen.rip++;
	ck_assert_int_eq(judge(PROBE_BREAKPOINT, seen, NULL), PROBE_FAILED);
}
END_TEST

START_TEST(other_endings_fail_and_are_told)
{
	struct probe_seen seen = { .how = PROBE_ENDED, .ending.kind = ENDING_TRIPLE_FAULT };
	const char *detail;

	for (int id = 0; id < PROBE_CHECKS; id++) {
		ck_assert_int_eq(judge((enum probe_check_id)id, seen, &detail), PROBE_FAILED);
		ck_assert_ptr_nonnull(strstr(detail, "triple fault"));
	}
	seen.ending = (struct ending){ .kind = ENDING_TIMEOUT, .detail = 250000000 };
	ck_assert_int_eq(judge(PROBE_TIMER, seen, &detail), PROBE_FAILED);
	ck_assert_str_eq(detail, "no interrupt came in 250 ms");
	ck_assert_int_eq(judge(PROBE_FPU, seen, &detail), PROBE_FAILED);
	ck_assert_ptr_nonnull(strstr(detail, "0.250 s"));
	seen = (struct probe_seen){ .how = PROBE_NOT_POSSIBLE, .ending.detail = EINVAL };
	ck_assert_int_eq(judge(PROBE_BREAKPOINT, seen, &detail), PROBE_FAILED);
	ck_assert_ptr_nonnull(strstr(detail, "Invalid argument"));
}
END_TEST

/* ---- status and verdict ---------------------------------------------------------------------- */

START_TEST(a_good_host)
{
	make_good();
	ck_assert_int_eq(probe_status(&result), SPEC_STATUS_OK);
	ck_assert_str_eq(verdict(), "This host can run ordinary Linux guests");
}
END_TEST

START_TEST(guests_run_without_breakpoints)
{
	make_good();
	result.check[PROBE_BREAKPOINT].outcome = PROBE_FAILED;
	ck_assert_int_eq(probe_status(&result), SPEC_STATUS_OK);
	ck_assert_ptr_nonnull(strstr(verdict(), "This host can run ordinary Linux guests, but"));
	ck_assert_ptr_nonnull(strstr(verdict(), "hardware breakpoints"));
}
END_TEST

/* Each needed check alone, failed or not run, and what the verdict must name. */
START_TEST(guests_need_the_rest)
{
	static const struct {
		enum probe_check_id id;
		const char *reason;
		bool kernel_runs;
	} needed[] = {
		{ PROBE_LONG_MODE, "64-bit", false },   { PROBE_FPU, "FPU", true },
		{ PROBE_USER_MODE, "user mode", true }, { PROBE_SYSCALL, "syscall", true },
		{ PROBE_TIMER, "timer", false },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const char *open;

		make_good();
		result.check[needed[i].id].outcome = i % 2 ? PROBE_NOT_RUN : PROBE_FAILED;
		ck_assert_int_eq(probe_status(&result), SPEC_STATUS_NO_GUESTS);
		open = strchr(verdict(), '(');
		ck_assert_ptr_nonnull(open);
		ck_assert_ptr_nonnull(strstr(open, needed[i].reason));
		ck_assert_ptr_null(strchr(open, ';'));
		ck_assert_int_eq(strstr(verdict(), "the user space of") != NULL,
				 needed[i].kernel_runs);
		ck_assert_ptr_nonnull(strstr(verdict(), "(make lab)"));
	}
}
END_TEST

START_TEST(several_failures_are_all_named)
{
	make_good();
	result.check[PROBE_SYSCALL].outcome = result.check[PROBE_FPU].outcome = PROBE_FAILED;
	ck_assert_str_eq(verdict(),
			 "This host's KVM cannot run the user space of ordinary Linux guests (the "
			 "FPU does not work; syscall does not arrive in kernel mode): boot them in "
			 "the lab instead (make lab)");
}
END_TEST

START_TEST(no_kvm)
{
	make_no_kvm(ENODEV, "/dev/kvm has no driver");
	ck_assert_int_eq(probe_status(&result), SPEC_STATUS_NO_KVM);
	ck_assert_str_eq(verdict(), "There is no usable KVM here: /dev/kvm has no driver");
	/* Trouble in the middle counts, whatever was found before. */
	make_good();
	result.err = (struct err){ EBADF, "vCPU" };
	ck_assert_int_eq(probe_status(&result), SPEC_STATUS_NO_KVM);
}
END_TEST

START_TEST(not_permitted)
{
	make_no_kvm(EACCES, "denied");
	ck_assert_int_eq(probe_status(&result), SPEC_STATUS_NO_KVM);
	ck_assert_ptr_nonnull(strstr(verdict(), "usermod -aG kvm"));
	result.device.group[0] = '\0';
	ck_assert_ptr_nonnull(strstr(verdict(), "group id 104"));
	ck_assert_ptr_null(strstr(verdict(), "usermod"));
	/* No group to join: either it may not write, or it is root's own. */
	result.device = (struct probe_device){ true, 0600, 0, 104, "kvm", false };
	ck_assert_ptr_null(strstr(verdict(), "usermod"));
	ck_assert_ptr_nonnull(strstr(verdict(), "mode 0600"));
	result.device = (struct probe_device){ true, 0660, 0, 0, "root", false };
	ck_assert_ptr_null(strstr(verdict(), "usermod"));
}
END_TEST

/* ---- /etc/group ------------------------------------------------------------------------------ */

static const char *group(uint32_t gid)
{
	static char name[PROBE_NAME_BYTES];
	static char file[] = "root:x:0:\n"
			     "+nis\n"
			     "cut:x\n"
			     "odd:x:13x:\n"
			     "\n"
			     "kvm:x:104:ann,bob\n"
			     "again:x:104:\n"
			     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz:x:7:\n"
			     "last:x:2000:";
	FILE *groups = fmemopen(file, strlen(file), "r");

	ck_assert_ptr_nonnull(groups);
	probe_device_group(groups, gid, name);
	(void)fclose(groups);
	return name;
}

START_TEST(groups_by_number)
{
	ck_assert_str_eq(group(0), "root");
	ck_assert_str_eq(group(104), "kvm");
	ck_assert_str_eq(group(2000), "last");
	ck_assert_str_eq(group(10), "");
	ck_assert_str_eq(group(13), "");
	ck_assert_uint_eq(strlen(group(7)), PROBE_NAME_BYTES - 1);
}
END_TEST

START_TEST(a_device_that_is_not_there)
{
	struct probe_device device = { .present = true };

	probe_device_look(&device, "/nowhere/kvm");
	ck_assert(!device.present);
	probe_device_look(&device, "/dev/null");
	ck_assert(device.present);
	ck_assert_uint_eq(device.uid, 0);
}
END_TEST

/* ---- text ------------------------------------------------------------------------------------ */

START_TEST(text_of_a_good_host)
{
	static const char expected[] =
		"/dev/kvm          mode 0660, user id 0, group kvm (104)\n"
		"KVM API           version 12\n"
		"guest's TSC       2793.450 MHz\n"
		"\n"
		"What KVM offers\n"
		"  KVM_CAP_IRQCHIP                        yes  controllers (needed)\n"
		"  KVM_CAP_MAX_VCPUS                     1024  CPUs\n"
		"\n"
		"What a guest finds\n"
		"  long mode            ok          1.2 ms  detail 0\n"
		"  FPU                  ok          1.2 ms  detail 1\n"
		"  user mode            ok          1.2 ms  detail 2\n"
		"  syscall              ok          1.2 ms  detail 3\n"
		"  timer interrupt      ok          1.2 ms  detail 4\n"
		"  hardware breakpoint  ok          1.2 ms  detail 5\n"
		"\n"
		"This host can run ordinary Linux guests.\n";

	make_good();
	print(probe_print);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(text_of_failures)
{
	make_good();
	result.capability[0].value = 0;
	result.check[PROBE_SYSCALL].outcome = PROBE_FAILED;
	result.check[PROBE_BREAKPOINT].outcome = PROBE_FAILED;
	result.check[PROBE_TIMER].outcome = PROBE_NOT_RUN;
	print(probe_print);
	ck_assert_ptr_nonnull(strstr(text, "KVM_CAP_IRQCHIP                         no  "));
	ck_assert_ptr_nonnull(
		strstr(text, "  syscall              FAILED      1.2 ms  detail 3\n"));
	ck_assert_ptr_nonnull(strstr(text, "  timer interrupt      not run\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "  hardware breakpoint  no          1.2 ms  detail 5\n"));
}
END_TEST

START_TEST(text_without_kvm)
{
	make_no_kvm(ENOENT, "/dev/kvm is missing: do this");
	result.device = (struct probe_device){ .present = false };
	print(probe_print);
	ck_assert_str_eq(text, "/dev/kvm          missing\n"
			       "\n"
			       "There is no usable KVM here: /dev/kvm is missing: do this.\n");
}
END_TEST

/* ---- JSON, by the grammar of RFC 8259 -------------------------------------------------------- */

static const char *json_value(const char *p);

static const char *json_blank(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *json_string(const char *p)
{
	ck_assert_int_eq(*p++, '"');
	while (*p != '"') {
		unsigned char c = (unsigned char)*p++;

		ck_assert_uint_ge(c, 0x20);
		ck_assert_uint_lt(c, 0x80);
		if (c != '\\')
			continue;
		if (*p == 'u') {
			ck_assert_uint_ge(strspn(p + 1, "0123456789abcdefABCDEF"), 4);
			p += 5;
		} else {
			ck_assert_ptr_nonnull(*p ? strchr("\"\\/bfnrt", *p) : NULL);
			p++;
		}
	}
	return p + 1;
}

static const char *json_object(const char *p)
{
	p = json_blank(p + 1);
	while (*p != '}') {
		p = json_blank(json_string(p));
		ck_assert_int_eq(*p, ':');
		p = json_blank(json_value(json_blank(p + 1)));
		if (*p == '}')
			break;
		ck_assert_int_eq(*p, ',');
		p = json_blank(p + 1);
		ck_assert_int_eq(*p, '"');
	}
	return p + 1;
}

/* Objects, strings, whole numbers and the three words are all there is. */
static const char *json_value(const char *p)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t digits;

	if (*p == '{')
		return json_object(p);
	if (*p == '"')
		return json_string(p);
	for (size_t i = 0; i < 3; i++) {
		if (strncmp(p, words[i], strlen(words[i])) == 0)
			return p + strlen(words[i]);
	}
	digits = strspn(p, "0123456789");
	ck_assert_uint_gt(digits, 0);
	ck_assert(digits == 1 || *p != '0');
	return p + digits;
}

static void print_valid_json(void)
{
	print(probe_print_json);
	ck_assert_int_eq(text[0], '{');
	ck_assert_str_eq(json_object(text), "\n");
}

START_TEST(json_of_a_good_host)
{
	static const char expected[] =
		"{\n"
		"  \"status\": 0,\n"
		"  \"kvm_usable\": true,\n"
		"  \"ordinary_guests\": true,\n"
		"  \"verdict\": \"This host can run ordinary Linux guests\",\n"
		"  \"error\": null,\n"
		"  \"device\": {\"path\": \"/dev/kvm\", \"present\": true, \"mode\": \"0660\", "
		"\"uid\": 0, \"gid\": 104, \"group\": \"kvm\"},\n"
		"  \"api_version\": 12,\n"
		"  \"tsc_khz\": 2793450,\n"
		"  \"capabilities\": {\n"
		"    \"KVM_CAP_IRQCHIP\": 1,\n"
		"    \"KVM_CAP_MAX_VCPUS\": 1024\n"
		"  },\n"
		"  \"checks\": {\n"
		"    \"long_mode\": {\"result\": \"passed\", \"needed\": true, "
		"\"took_us\": 1234, \"detail\": \"detail 0\"},\n"
		"    \"fpu\": {\"result\": \"passed\", \"needed\": true, "
		"\"took_us\": 1234, \"detail\": \"detail 1\"},\n"
		"    \"user_mode\": {\"result\": \"passed\", \"needed\": true, "
		"\"took_us\": 1234, \"detail\": \"detail 2\"},\n"
		"    \"syscall\": {\"result\": \"passed\", \"needed\": true, "
		"\"took_us\": 1234, \"detail\": \"detail 3\"},\n"
		"    \"timer\": {\"result\": \"passed\", \"needed\": true, "
		"\"took_us\": 1234, \"detail\": \"detail 4\"},\n"
		"    \"breakpoint\": {\"result\": \"passed\", \"needed\": false, "
		"\"took_us\": 1234, \"detail\": \"detail 5\"}\n"
		"  },\n"
		"  \"took_us\": 26000\n"
		"}\n";

	make_good();
	print_valid_json();
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(json_knows_what_it_does_not_know)
{
	make_no_kvm(ENOENT, "missing");
	result.device = (struct probe_device){ .present = false };
	print_valid_json();
	ck_assert_ptr_nonnull(strstr(text, "\"status\": 125,"));
	ck_assert_ptr_nonnull(strstr(text, "\"kvm_usable\": false,"));
	ck_assert_ptr_nonnull(strstr(text, "\"ordinary_guests\": false,"));
	ck_assert_ptr_nonnull(strstr(text, "\"error\": \"missing\","));
	ck_assert_ptr_nonnull(strstr(text, "\"present\": false, \"mode\": null, \"uid\": null, "
					   "\"gid\": null, \"group\": null}"));
	ck_assert_ptr_nonnull(strstr(text, "\"api_version\": null,"));
	ck_assert_ptr_nonnull(strstr(text, "\"tsc_khz\": null,"));
	ck_assert_ptr_nonnull(strstr(text, "\"KVM_CAP_IRQCHIP\": null,"));
	ck_assert_ptr_nonnull(strstr(text, "\"syscall\": {\"result\": \"not run\", \"needed\": "
					   "true, \"took_us\": null, \"detail\": null}"));
}
END_TEST

START_TEST(json_quotes)
{
	make_no_kvm(EIO, "a \"quoted\" \\ back\tslash \x01 K\xf6ln \x7f");
	print_valid_json();
	ck_assert_ptr_nonnull(strstr(text, "\"error\": \"a \\\"quoted\\\" \\\\ back\\u0009slash "
					   "\\u0001 K?ln ?\",\n"));
}
END_TEST

static Suite *probe_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *judging = tcase_create("judging"), *deciding = tcase_create("verdict");
	TCase *device = tcase_create("device"), *printing = tcase_create("printing");

	tcase_add_test(judging, values_that_are_right_pass);
	tcase_add_test(judging, values_that_are_wrong_fail);
	tcase_add_test(judging, faults_fail_and_are_named);
	tcase_add_test(judging, breakpoints_must_stop_where_they_are);
	tcase_add_test(judging, other_endings_fail_and_are_told);
	tcase_add_test(deciding, a_good_host);
	tcase_add_test(deciding, guests_run_without_breakpoints);
	tcase_add_test(deciding, guests_need_the_rest);
	tcase_add_test(deciding, several_failures_are_all_named);
	tcase_add_test(deciding, no_kvm);
	tcase_add_test(deciding, not_permitted);
	tcase_add_test(device, groups_by_number);
	tcase_add_test(device, a_device_that_is_not_there);
	tcase_add_test(printing, text_of_a_good_host);
	tcase_add_test(printing, text_of_failures);
	tcase_add_test(printing, text_without_kvm);
	tcase_add_test(printing, json_of_a_good_host);
	tcase_add_test(printing, json_knows_what_it_does_not_know);
	tcase_add_test(printing, json_quotes);
	suite_add_tcase(suite, judging);
	suite_add_tcase(suite, deciding);
	suite_add_tcase(suite, device);
	suite_add_tcase(suite, printing);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(probe_suite());
	int failures;

	srunner_run_all(runner, CK_ENV);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
