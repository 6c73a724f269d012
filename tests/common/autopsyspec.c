/* SPDX-License-Identifier: MIT */
#include "tests/common/autopsyspec.h"

#include <string.h>

static void fill_main(struct autopsy_cpu *cpu)
{
	*cpu = (struct autopsy_cpu){
		.cpu = 1,
		.ended_run = true,
		.known = true,
		.mode = AUTOPSY_LONG,
		.state = AUTOPSY_RUNNABLE,
		.registers = {
			.rax = 0x1111, .rbx = 0x2222, .rcx = 0x3333, .rdx = 0x3f8,
			.rsi = 0xffff888000000010, .rdi = 5, .rbp = 6, .rsp = 0xffffc90000013e48,
			.r8 = 8, .r9 = 9, .r10 = 10, .r11 = 11,
			.r12 = 12, .r13 = 13, .r14 = 14, .r15 = 0xffffffffffffffff,
			.rip = 0xffffffff81000123, .rflags = 0x246,
			.cr0 = 0x80050033, .cr2 = 0xdead, .cr3 = 0x224000, .cr4 = 0x6b0,
			.cr8 = 1, .efer = 0xd01,
			.cs = { .selector = 0x10, .limit = 0xffffffff, .long_code = true },
			.ss = { .selector = 0x18 },
			.tr = { .selector = 0x40, .base = 0xfffffe0000003000 },
			.gs = { .base = 0xffff888007c00000 },
			.gdt_base = 0xfffffe0000001000, .gdt_limit = 0x7f,
			.idt_base = 0xfffffe0000000000, .idt_limit = 0xfff,
		},
		.events_known = true,
		.events = { .exception_injected = true, .exception = 14, .has_error_code = true,
			    .error_code = 2, .nmi_pending = true, .nmi_masked = true },
		.lapic = { .known = true, .enabled = true, .id = 1, .tpr = 0x10, .irr = 0xec,
			   .isr = -1, .timer = AUTOPSY_TSC_DEADLINE, .timer_vector = 0xec,
			   .deadline = 5000000, .tsc = 4000000, .tsc_khz = 1000000 },
		.code = { 0x55, 0x48, 0x89, 0xe5, 0xf4, 0xeb, 0xfd },
		.code_bytes = 7,
		.code_before = 4,
		.frame = {
			{ 0xffffffff81000123, "native_halt", 0x3, 0x8, false },
			{ 0xffffffff81000200, "panic", 0x1c3, 0x221, false },
			{ 0xffffffff81000300, NULL, 0, 0, false },
		},
		.frames = 3,
		.unwound_by = "ORC",
	};
}

static void fill_other(struct autopsy_cpu *cpu)
{
	*cpu = (struct autopsy_cpu){
		.known = true,
		.mode = AUTOPSY_LONG,
		.cpl = 3,
		.state = AUTOPSY_HALTED,
		.registers = { .rip = 0x401000, .rflags = 0x46 },
		.events_known = true,
		.lapic = { .known = true,
			   .enabled = true,
			   .irr = -1,
			   .isr = 0x31,
			   .timer = AUTOPSY_PERIODIC,
			   .timer_vector = 0x40,
			   .initial_count = 1000,
			   .current_count = 250 },
		.no_code = "no RAM is mapped at RIP",
		.frame = { { 0x401000, NULL, 0, 0, false } },
		.frames = 1,
		.no_backtrace = "in user mode, which is not unwound",
	};
}

static void fill_controllers(struct autopsy_controllers *c)
{
	c->pic_known = c->ioapic_known = c->pit_known = true;
	c->master = (struct autopsy_pic){ .imr = 0xea, .irr = 0x10, .isr = 0x01 };
	c->slave = (struct autopsy_pic){ .imr = 0xff };
	for (int i = 0; i < AUTOPSY_PINS; i++)
		c->pin[i].masked = true;
	c->pin[2] = (struct autopsy_pin){ .vector = 0x30 };
	c->pin[4] = (struct autopsy_pin){
		.vector = 0x24, .delivery = 1, .level = true, .remote_irr = true, .pending = true
	};
	c->pit_mode = 2;
	c->pit_count = 11932;
	c->pit_gate = true;
}

struct autopsy *autopsyspec(void)
{
	static struct autopsy_cpu cpu[2];
	static struct autopsy autopsy;

	fill_main(&cpu[0]);
	fill_other(&cpu[1]);
	autopsy = (struct autopsy){
		.what = "guest kernel panicked",
		.stood_ns = 500000,
		.cpu = cpu,
		.cpus = 2,
		.symbols = "vmlinux beside the kernel",
		.has_symbols = true,
		.initcall = "pci_subsys_init",
		.initcall_by = "breakpoints",
		.last_line = "[    1.5] Kernel panic\033[0m",
		.last_line_ns = 13000000,
		.log = { { 1500000000, 6, "first\nsecond" },
			 { 61000001999, 0, "a\033[2J\tb\xff" } },
		.log_records = 2,
		.log_of = 104,
		.uart = { .ier = 5,
			  .iir = 0xc4,
			  .lsr = 0x61,
			  .mcr = 0x0b,
			  .received = 3,
			  .waiting = 17,
			  .interrupting = true },
	};
	fill_controllers(&autopsy.controllers);
	return &autopsy;
}
