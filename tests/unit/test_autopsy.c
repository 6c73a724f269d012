/* SPDX-License-Identifier: MIT */
/*
 * The autopsy as text, typed here from what each line is to say, and as JSON, read back by another's
 * parser. Names of bits are those of [SDM] "EFLAGS Register", "Extended Feature Enable Register" and
 * [16550]. However much there is, and however hostile: bounded and printable.
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/autopsyspec.h"
#include "vmm/timing/report.h"

enum { SPEC_LINES = 100, SPEC_COLUMNS = 1000, SPEC_GUEST_COLUMNS = 210 };

static char *text;

static void print(const struct autopsy *autopsy)
{
	size_t bytes;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &bytes);
	ck_assert_ptr_nonnull(out);
	autopsy_print_text(autopsy, out);
	ck_assert_int_eq(fclose(out), 0);
}

static void has(const char *line)
{
	ck_assert_msg(strstr(text, line) != NULL, "no '%s' in:\n%s", line, text);
}

static void has_not(const char *words)
{
	ck_assert_msg(strstr(text, words) == NULL, "'%s' in:\n%s", words, text);
}

static void teardown(void)
{
	free(text);
	text = NULL;
}

static const char whole[] =
	"tvmm: autopsy: guest kernel panicked\n"
	"tvmm: CPU 1: running, 64-bit, kernel mode, interrupts on\n"
	"tvmm:   RIP       ffffffff81000123 native_halt+0x3/0x8\n"
	"tvmm:   called by ffffffff81000200 panic+0x1c3/0x221\n"
	"tvmm:             ffffffff81000300\n"
	"tvmm:   Code:     55 48 89 e5 <f4> eb fd\n"
	"tvmm: CPU 0: halted, 64-bit, user mode, interrupts off\n"
	"tvmm:   RIP       0000000000401000\n"
	"tvmm:   backtrace none: in user mode, which is not unwound\n"
	"tvmm: initcall: pci_subsys_init, not returned (by breakpoints)\n"
	"tvmm: last console line, 0.013 s before the end: [    1.5] Kernel panic\\x1b[0m\n"
	"tvmm: kernel log, the end of 104 records:\n"
	"tvmm:   [    1.500000] first\n"
	"tvmm:                  second\n"
	"tvmm:   [   61.000001] a\\x1b[2J b\\xff\n"
	"tvmm: registers of CPU 1 (of the others: in the report):\n"
	"tvmm:   RAX 0000000000001111  RBX 0000000000002222  RCX 0000000000003333  "
	"RDX 00000000000003f8\n"
	"tvmm:   RSI ffff888000000010  RDI 0000000000000005  RBP 0000000000000006  "
	"RSP ffffc90000013e48\n"
	"tvmm:   R8  0000000000000008  R9  0000000000000009  R10 000000000000000a  "
	"R11 000000000000000b\n"
	"tvmm:   R12 000000000000000c  R13 000000000000000d  R14 000000000000000e  "
	"R15 ffffffffffffffff\n"
	"tvmm:   CR0 0000000080050033  CR2 000000000000dead  CR3 0000000000224000  "
	"CR4 00000000000006b0\n"
	"tvmm:   RIP ffffffff81000123  RFLAGS 00000246 PF ZF IF  EFER d01 SCE LME LMA NXE\n"
	"tvmm:   CS 0010  SS 0018  DS 0000  ES 0000  TR 0040  FS base 0000000000000000  "
	"GS base ffff888007c00000\n"
	"tvmm:   CS base 0  GDT fffffe0000001000 limit 007f  IDT fffffe0000000000 limit 0fff\n"
	"tvmm:   events: exception 14 #PF being delivered (error code 2), NMI waits, in an NMI\n"
	"tvmm: what the devices wait for:\n"
	"tvmm:   UART: IER 05 received line, IIR c4 (received data), LSR 61 data THRE TEMT, "
	"MCR 0b DTR RTS OUT2, interrupt line up, 3 bytes received and not read, 17 more wait\n"
	"tvmm:   local APIC of CPU 1: on, TPR 10, highest IRR 0xec, ISR none; timer TSC-deadline, "
	"vector 0xec, due 1.500 ms after the end\n"
	"tvmm:   local APIC of CPU 0: on, TPR 00, highest IRR none, ISR 0x31; timer periodic, "
	"vector 0x40, count 250 of 1000\n"
	"tvmm:   I/O APIC, pins not masked: 2 -> 0x30 edge; 4 -> 0x24 lowest level, pending, "
	"remote IRR\n"
	"tvmm:   PIC: master IMR ea IRR 10 ISR 01, slave IMR ff IRR 00 ISR 00\n"
	"tvmm:   PIT channel 0: mode 2, count 11932\n"
	"tvmm: symbols: vmlinux beside the kernel\n";

START_TEST(all_of_it)
{
	print(autopsyspec());
	ck_assert_str_eq(text, whole);
}
END_TEST

START_TEST(what_is_not_known)
{
	struct autopsy *a = autopsyspec();

	a->cpus = 1;
	a->cpu[0].known = a->cpu[0].events_known = a->cpu[0].lapic.known = false;
	a->initcall = NULL;
	a->last_line[0] = '\0';
	a->log_records = 0;
	strcpy(a->no_log, "it needs symbols");
	a->controllers = (struct autopsy_controllers){ 0 };
	strcpy(a->symbols, "no symbols: kernel x has none");
	print(a);
	has("tvmm: CPU 1: KVM does not tell its registers\n");
	has("tvmm: kernel log: none: it needs symbols\n");
	has("tvmm: no symbols: kernel x has none\n");
	has_not("registers of");
	has_not("initcall");
	has_not("APIC");
	has_not("PI");
	has_not("symbols: no symbols");
}
END_TEST

START_TEST(the_console)
{
	struct autopsy *a = autopsyspec();

	a->last_line[0] = '\0';
	a->last_line_ns = 0;
	print(a);
	has("tvmm: last console line: the guest printed nothing\n");
	a->last_line_ns = 2000000000;
	print(a);
	has("tvmm: last console line, 2.000 s before the end: an empty one\n");
}
END_TEST

/* What kvm-amd leaves after a triple fault: nothing of it is the guest's. */
START_TEST(a_cpu_that_was_reset)
{
	struct autopsy *a = autopsyspec();

	a->cpus = 1;
	a->cpu[0].not_believed = "KVM reset it";
	print(a);
	has("tvmm: CPU 1: KVM reset it\n");
	has_not("registers of");
	has_not("Code:");
	has_not("RIP");
	has_not("local APIC");
}
END_TEST

START_TEST(a_cpu_that_was_not_started)
{
	struct autopsy *a = autopsyspec();

	a->cpu[1].state = AUTOPSY_NOT_STARTED;
	print(a);
	has("tvmm: CPU 0: not started\n");
	has_not("backtrace none");
}
END_TEST

START_TEST(frames_that_were_guessed)
{
	struct autopsy *a = autopsyspec();

	a->cpu[0].frame[1].guessed = a->cpu[0].frame[2].guessed = true;
	print(a);
	has("tvmm:   maybe by  ffffffff81000200 ? panic+0x1c3/0x221\n");
}
END_TEST

START_TEST(timers)
{
	struct autopsy *a = autopsyspec();
	struct autopsy_lapic *l = &a->cpu[0].lapic;

	l->deadline = 3000000; /* a millisecond of a GHz before tsc, half of one is after the end */
	print(a);
	has("vector 0xec, due 0.500 ms before the end\n");
	l->deadline = 0;
	print(a);
	has("timer TSC-deadline, vector 0xec, not armed\n");
	l->deadline = 1;
	l->tsc_khz = 0;
	print(a);
	has("vector 0xec, armed\n");
	l->timer = AUTOPSY_ONE_SHOT;
	l->timer_masked = true;
	print(a);
	has("timer one-shot, vector 0xec, masked, count 0 of 0: not armed\n");
	l->enabled = false;
	l->irr = -1;
	print(a);
	has("tvmm:   local APIC of CPU 1: off\n");
	a->controllers.pit_mode = 0xff; /* [LINUX] arch/x86/kvm/i8254.c kvm_pit_reset() */
	print(a);
	has("tvmm:   PIT channel 0: not programmed\n");
}
END_TEST

START_TEST(why_the_uart_interrupts)
{
	static const struct {
		uint8_t iir;
		const char *words;
	} row[] = {
		{ 0x01, "(nothing)" },           { 0xc6, "(line status)" },
		{ 0xc4, "(received data)" },     { 0xcc, "(received data, fewer than asked for)" },
		{ 0x02, "(transmitter empty)" }, { 0x00, "(modem status)" },
	};
	struct autopsy *a = autopsyspec();

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		a->uart.iir = row[i].iir;
		print(a);
		has(row[i].words);
	}
}
END_TEST

/* Lines within bounds, each with the prefix, nothing that a terminal obeys. */
static void check_bounds(void)
{
	size_t lines = 0;

	for (const char *line = text; *line; lines++) {
		size_t bytes = strcspn(line, "\n");

		ck_assert_msg(strncmp(line, "tvmm: ", 6) == 0, "line %zu: %.40s", lines, line);
		ck_assert_uint_le(bytes, SPEC_COLUMNS);
		for (size_t i = 0; i < bytes; i++)
			ck_assert(line[i] >= ' ' && line[i] <= '~');
		line += bytes + 1;
	}
	ck_assert_uint_le(lines, SPEC_LINES);
}

static char flood[1 << 16];

START_TEST(a_flood)
{
	static struct autopsy_cpu cpu[255];
	struct autopsy *a = autopsyspec();

	memset(flood, '\n', sizeof(flood) - 1);
	memcpy(flood + sizeof(flood) - 5, "last", 4);
	for (size_t i = 0; i < AUTOPSY_LOG_RECORDS; i++)
		a->log[i].text = flood;
	a->log_records = AUTOPSY_LOG_RECORDS;
	for (size_t i = 0; i < 255; i++) {
		cpu[i] = a->cpu[0];
		cpu[i].cpu = (unsigned int)i;
		cpu[i].frames = UNWIND_FRAMES_MAX;
		cpu[i].code_bytes = AUTOPSY_CODE_BYTES;
	}
	for (size_t i = 0; i < AUTOPSY_PINS; i++)
		a->controllers.pin[i].masked = false;
	a->cpu = cpu;
	a->cpus = 255;
	print(a);
	check_bounds();
	has("... and 44 more\n");
	has("tvmm: and 251 more CPUs: in the report (-report)\n");
	has("last\n");
	has("tvmm: symbols: vmlinux beside the kernel\n");
}
END_TEST

START_TEST(long_texts)
{
	struct autopsy *a = autopsyspec();
	const char *line;

	memset(flood, '\x9b', sizeof(flood) - 1);
	a->log[0].text = a->log[1].text = flood;
	a->initcall = a->cpu[0].frame[0].symbol = flood;
	memset(a->last_line, '\a', sizeof(a->last_line) - 1);
	memset(a->symbols, 'x', sizeof(a->symbols) - 1);
	print(a);
	check_bounds();
	line = strstr(text, "tvmm: last console");
	ck_assert_ptr_nonnull(line);
	ck_assert_uint_le(strcspn(line, "\n"), SPEC_GUEST_COLUMNS);
	ck_assert_int_eq(strncmp(strchr(line, '\n') - 3, "...", 3), 0);
}
END_TEST

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *read_back(const struct autopsy *autopsy)
{
	char *written = NULL;
	size_t bytes;
	FILE *out = open_memstream(&written, &bytes);
	struct json json;
	json_error_t error;
	json_t *root;

	ck_assert_ptr_nonnull(out);
	json_begin_file(&json, out);
	json_begin_object(&json);
	json_key(&json, "autopsy");
	autopsy_print_json(autopsy, &json);
	json_end_object(&json);
	ck_assert_int_eq(fclose(out), 0);
	root = json_loads(written, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(root != NULL, "%s in:\n%s", error.text, written);
	free(written);
	return root;
}

static const char *string_at(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number_at(json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "%s", key);
	return json_integer_value(json_object_get(object, key));
}

START_TEST(a_cpu_in_json)
{
	json_t *root = read_back(autopsyspec());
	json_t *a = json_object_get(root, "autopsy");
	json_t *cpu = json_array_get(json_object_get(a, "cpus"), 0);
	json_t *registers = json_object_get(cpu, "registers");
	json_t *frame = json_array_get(json_object_get(cpu, "backtrace"), 1);
	json_t *code = json_object_get(cpu, "code");
	json_t *lapic = json_object_get(cpu, "local_apic");
	json_t *exception = json_object_get(json_object_get(cpu, "events"), "exception");

	ck_assert_uint_eq(json_array_size(json_object_get(a, "cpus")), 2);
	ck_assert_str_eq(string_at(registers, "r15"), "0xffffffffffffffff");
	ck_assert_str_eq(string_at(registers, "cr8"), "0x1");
	ck_assert_str_eq(string_at(json_object_get(registers, "tr"), "base"), "0xfffffe0000003000");
	ck_assert_str_eq(string_at(json_object_get(registers, "idt"), "limit"), "0xfff");
	ck_assert_str_eq(string_at(frame, "symbol"), "panic");
	ck_assert_int_eq(number_at(frame, "offset"), 0x1c3);
	ck_assert_int_eq(number_at(code, "before_rip"), 4);
	ck_assert_uint_eq(json_array_size(json_object_get(code, "bytes")), 7);
	ck_assert_int_eq(number_at(lapic, "highest_irr"), 0xec);
	ck_assert(json_is_null(json_object_get(lapic, "highest_isr")));
	ck_assert_int_eq(number_at(exception, "vector"), 14);
	ck_assert_int_eq(number_at(exception, "error_code"), 2);
	ck_assert_str_eq(string_at(cpu, "mode"), "64-bit");
	json_decref(root);
}
END_TEST

START_TEST(the_rest_in_json)
{
	json_t *root = read_back(autopsyspec());
	json_t *a = json_object_get(root, "autopsy");
	json_t *log = json_object_get(a, "log_tail");
	json_t *pin = json_array_get(json_object_get(a, "io_apic"), 4);

	ck_assert_str_eq(string_at(a, "initcall"), "pci_subsys_init");
	ck_assert_str_eq(string_at(a, "last_line"), "[    1.5] Kernel panic\033[0m");
	ck_assert_int_eq(number_at(log, "records"), 104);
	ck_assert_str_eq(string_at(json_array_get(json_object_get(log, "lines"), 1), "text"),
			 "a\033[2J\tb\xef\xbf\xbd");
	ck_assert_int_eq(number_at(pin, "vector"), 0x24);
	ck_assert(json_is_true(json_object_get(pin, "remote_irr")));
	ck_assert_int_eq(number_at(json_object_get(a, "pic_master"), "imr"), 0xea);
	ck_assert_int_eq(number_at(json_object_get(a, "pit"), "channel_0_count"), 11932);
	ck_assert_int_eq(number_at(json_object_get(a, "uart"), "waiting_bytes"), 17);
	json_decref(root);
	root = read_back(NULL);
	ck_assert(json_is_null(json_object_get(root, "autopsy")));
	json_decref(root);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("autopsy");
	TCase *tests = tcase_create("text");
	TCase *json = tcase_create("json");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, all_of_it);
	tcase_add_test(tests, what_is_not_known);
	tcase_add_test(tests, the_console);
	tcase_add_test(tests, a_cpu_that_was_reset);
	tcase_add_test(tests, a_cpu_that_was_not_started);
	tcase_add_test(tests, frames_that_were_guessed);
	tcase_add_test(tests, timers);
	tcase_add_test(tests, why_the_uart_interrupts);
	tcase_add_test(tests, a_flood);
	tcase_add_test(tests, long_texts);
	suite_add_tcase(suite, tests);
	tcase_add_test(json, a_cpu_in_json);
	tcase_add_test(json, the_rest_in_json);
	suite_add_tcase(suite, json);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
