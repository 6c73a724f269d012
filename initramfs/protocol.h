/* SPDX-License-Identifier: MIT */
/*
 * What tvmm and its own first process in the guest (initramfs/guest/) say to each other when a
 * program is run: `tvmm -kernel K -- PROGRAM ARGUMENT...`. Shared by both sides, so it knows
 * nothing but numbers.
 *
 * Files of the archive that tvmm puts before -initrd, if there is one; "rdinit=" on the command
 * line leads to its first process:
 *
 *   /.tvmm/init    the first process
 *   /dev/...       console, null, ttyS0 and what else a program expects: for kernels without
 *                  devtmpfs
 *   /.tvmm/run     what to run
 *   /.tvmm/root/   the program, its libraries and what --add names, each by its path in the
 *                  guest; moved to its place before the program is started, through the
 *                  directories and links that -initrd has there
 *
 * /.tvmm/run is a row of texts with a NUL behind each:
 *
 *   PROTOCOL_RUN_MAGIC, working directory, path to execute,
 *   number of arguments in decimal, each argument (the first is argv[0]),
 *   number of environment strings in decimal, each of them
 *
 * From the guest, on ttyS0: frames. A byte of a frame has bit 7 set, a byte of the kernel's
 * console has not. So the two can stand in each other's midst, byte by byte, and are told apart:
 * printk cannot spoil what a program prints.
 *
 *   +------+-------+-------+------------- - - -+-------+-------+
 *   | type | len lo| len hi|  payload, packed  | sum lo| sum hi|      each of them | 0x80
 *   +------+-------+-------+------------- - - -+-------+-------+
 *
 *   type    one of enum protocol_frame
 *   len     of the payload before packing, 0 to PROTOCOL_PAYLOAD_MAX, 7 bits in each
 *   packed  each 7 bytes, or the fewer that are left, become one byte with their top bits
 *           (the first byte's in bit 0) and then a byte for each with its lower 7 bits
 *   sum     Fletcher's two sums, modulo 127, both from 0, over type and both bytes of len, each
 *           without its top bit, and the payload before packing
 *
 * The first frame is PROTOCOL_HELLO with the payload PROTOCOL_HELLO_TEXT; what has bit 7 set
 * before it is the console's. Each frame is whole before the next one begins.
 *
 * To the guest: nothing until it has said hello; then its standard input, in frames that are not
 * packed, for nothing else is on that wire: len lo, len hi (8 bits each), payload. A length of 0
 * is the end of the input. Never more bytes than the guest has given credit for, the two of the
 * length not counted.
 */
#ifndef TVMM_INITRAMFS_PROTOCOL_H
#define TVMM_INITRAMFS_PROTOCOL_H

#define PROTOCOL_RUN_MAGIC  "tvmm-run-1"
#define PROTOCOL_HELLO_TEXT "tvmm-frames-1"
#define PROTOCOL_FOLDER     ".tvmm"
#define PROTOCOL_RDINIT     "rdinit=/.tvmm/init"

enum {
	PROTOCOL_PAYLOAD_MAX = 4096,
	PROTOCOL_SUM_MODULO = 127,
	PROTOCOL_MARK_BIT = 0x80,
};

enum protocol_frame {
	PROTOCOL_HELLO = 'h',  /* payload: PROTOCOL_HELLO_TEXT */
	PROTOCOL_STDOUT = 'o', /* bytes of the program's standard output */
	PROTOCOL_STDERR = 'e', /* of its standard error */
	PROTOCOL_CREDIT = 'c', /* decimal text: so many more bytes of input are welcome */
	PROTOCOL_EXIT = 'x',   /* decimal text: exit status, 0 to 255; all output came before */
	PROTOCOL_SIGNAL = 's', /* decimal text: the signal that killed it; all output came before */
	PROTOCOL_FAILED = 'f', /* text: why it could not be started */
	PROTOCOL_NOTE = 'n',   /* text: something that the kernel lacks, to be told to the user */
};

#endif
