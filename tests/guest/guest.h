/* SPDX-License-Identifier: MIT */
/*
 * What the guests share: port numbers and a few macros. A guest is flat 64-bit code, entered as
 * the 64-bit boot protocol says: identity-mapped low 4 GiB, interrupts off, rsi = zero page, and a
 * stack (tvmm's own gift, see boot/entry.c). It may lie anywhere: addresses through rip only. Only
 * simple instructions: there are hosts where KVM interprets all of a guest's kernel mode.
 *
 * elf64 and pvh are ELF files instead, laid out by elf.ld.
 */
#define COM1         0x3f8
#define COM1_LSR     (COM1 + 5)
#define COM1_SCRATCH (COM1 + 7)

#define LSR_DATA_READY 0x01
#define LSR_BREAK      0x10

#define PORT_8042_COMMAND 0x64
#define COMMAND_RESET     0xfe
#define PORT_RESET        0xcf9
#define RESET_HARD_NOW    0x06
#define PORT_SYSTEM_A     0x92
#define SYSTEM_A_RESET    0x01
#define PORT_PM1_CONTROL  0x604
#define SLEEP_S3          0x3400 /* a type that no table names */
#define SLEEP_S5          0x2000

#define ZERO_PAGE_CMD_LINE_PTR 0x228

/* Memory that nobody else uses, below the image. */
#define BUFFER 0x300000

/* Of guests that are ELF files: virtual minus physical addresses, a word of data, zeros behind it. */
#define KERNEL_OFFSET 0xffffffff80000000
#define DATA_WORD     0x600df00d
#define BSS_BYTES     0x1800

	/* esi = the command line. */
	.macro find_cmdline
	mov	ZERO_PAGE_CMD_LINE_PTR(%rsi), %esi
	.endm

	/* Prints the text at rsi up to its NUL. Changes eax, edx, rsi. */
	.macro say
	mov	$COM1, %edx
.Lsay\@:
	lodsb
	test	%al, %al
	jz	.Lsaid\@
	outb	%al, %dx
	jmp	.Lsay\@
.Lsaid\@:
	.endm

	.macro say_cmdline
	find_cmdline
	say
	.endm

	/* Prints bl as two hexadecimal digits. Changes eax, edx. */
	.macro say_hex
	mov	$COM1, %edx
	mov	%bl, %al
	shr	$4, %al
	say_digit
	mov	%bl, %al
	and	$15, %al
	say_digit
	.endm

	.macro say_digit
	add	$'0', %al
	cmp	$'9', %al
	jbe	.Ldigit\@
	add	$('a' - '9' - 1), %al
.Ldigit\@:
	outb	%al, %dx
	.endm

	.macro say_newline
	mov	$COM1, %edx
	mov	$'\n', %al
	outb	%al, %dx
	.endm

	/* ecx = the decimal number at rsi. Changes eax, rsi. */
	.macro read_number
	xor	%ecx, %ecx
.Lnumber\@:
	xor	%eax, %eax
	lodsb
	sub	$'0', %eax
	cmp	$9, %eax
	ja	.Lnumbered\@
	imul	$10, %ecx, %ecx
	add	%eax, %ecx
	jmp	.Lnumber\@
.Lnumbered\@:
	.endm

	.macro halt
.Lhalt\@:
	cli
	hlt
	jmp	.Lhalt\@
	.endm

	.macro spin
.Lspin\@:
	jmp	.Lspin\@
	.endm
