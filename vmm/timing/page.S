/* SPDX-License-Identifier: MIT */
/* The files of vmm/timing/page/ as strings. */
	.section .rodata

	.macro embed name, files:vararg
	.global	\name
	.type	\name, @object
\name:
	.irp	file, \files
	.incbin	"vmm/timing/page/\file"
	.endr
	.byte	0
	.size	\name, . - \name
	.endm

	embed	page_html, page.html
	embed	page_css, page.css
	embed	page_js, base.js, timeline.js, tables.js, lists.js, page.js
	embed	page_flame_css, flame.css
	embed	page_flame_js, flame.js

	.section .note.GNU-stack, "", @progbits
