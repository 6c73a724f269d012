/* SPDX-License-Identifier: MIT */
/* The guest's first process, as initramfs/rules.mk has built it; it names the file GUESTINIT. */
	.section .rodata

	.global	guestinit_start, guestinit_end
	.type	guestinit_start, @object
guestinit_start:
	.incbin	GUESTINIT
	.size	guestinit_start, . - guestinit_start
guestinit_end:

	.section .note.GNU-stack, "", @progbits
