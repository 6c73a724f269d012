/* SPDX-License-Identifier: MIT */
#include "vmm/keyboard.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/clock.h"

static const char PROMPT[] = "(tvmm) ";

/* Ctrl-a is code 1: a control character is its letter less 0x40. */
static char escape_letter(const struct keyboard *keyboard)
{
	return (char)tolower(keyboard->keys.escape + '@');
}

static void say_help(struct keyboard *keyboard)
{
	char c = escape_letter(keyboard), text[400];

	(void)snprintf(text, sizeof(text),
		       "\nCtrl-%c h    this help\n"
		       "Ctrl-%c x    end the run\n"
		       "Ctrl-%c b    send a break (magic sysrq: then its letter)\n"
		       "Ctrl-%c t    time stamps before lines, on or off\n"
		       "Ctrl-%c c    monitor, and back to the guest\n"
		       "Ctrl-%c Ctrl-%c   send Ctrl-%c\n",
		       c, c, c, c, c, c, c, c);
	console_say(keyboard->console, text);
}

static void say_info(struct keyboard *keyboard)
{
	uint64_t since = clock_now_ns() - keyboard->control->marks->at_ns[MARK_PROCESS_START];
	char text[128];

	(void)snprintf(text, sizeof(text), "running for %.3f s, %llu bytes on the console\n",
		       (double)since / 1e9, (unsigned long long)console_bytes(keyboard->console));
	console_say(keyboard->console, text);
}

static void leave_monitor(struct keyboard *keyboard)
{
	keyboard->in_monitor = false;
	console_say(keyboard->console, "\n");
}

static void run_command(struct keyboard *keyboard)
{
	const char *line = keyboard->line;

	if (strcmp(line, "quit") == 0 || strcmp(line, "q") == 0) {
		control_end_kind(keyboard->control, ENDING_QUIT);
		return;
	}
	if (strcmp(line, "cont") == 0 || strcmp(line, "c") == 0) {
		leave_monitor(keyboard);
		return;
	}
	if (strcmp(line, "info") == 0 || strcmp(line, "info status") == 0)
		say_info(keyboard);
	else if (strcmp(line, "help") == 0 || strcmp(line, "?") == 0)
		console_say(keyboard->console, "quit   end the run\n"
					       "info   how long it has run\n"
					       "cont   back to the guest\n"
					       "help   this help\n");
	else if (*line)
		console_say(keyboard->console, "unknown command; try help\n");
	console_say(keyboard->console, PROMPT);
}

static void monitor_byte(struct keyboard *keyboard, uint8_t byte)
{
	char echo[2] = { (char)byte, '\0' };

	if (byte == '\r' || byte == '\n') {
		keyboard->line[keyboard->length] = '\0';
		keyboard->length = 0;
		console_say(keyboard->console, "\n");
		run_command(keyboard);
	} else if ((byte == 0x7f || byte == '\b') && keyboard->length) {
		keyboard->length--;
		console_say(keyboard->console, "\b \b");
	} else if (isprint(byte) && keyboard->length < sizeof(keyboard->line) - 1) {
		keyboard->line[keyboard->length++] = (char)byte;
		console_say(keyboard->console, echo);
	}
}

static void toggle_monitor(struct keyboard *keyboard)
{
	if (keyboard->in_monitor) {
		leave_monitor(keyboard);
		return;
	}
	keyboard->in_monitor = true;
	keyboard->length = 0;
	console_say(keyboard->console, "\n");
	console_say(keyboard->console, PROMPT);
}

static void pass(struct keyboard *keyboard, uint8_t byte, bool guest_takes)
{
	if (keyboard->in_monitor)
		monitor_byte(keyboard, byte);
	else if (guest_takes)
		machine_input(keyboard->machine, &byte, 1);
	else
		console_say(keyboard->console, "\a");
}

void keyboard_take(struct keyboard *keyboard, const uint8_t *bytes, size_t count, bool guest_takes)
{
	for (size_t i = 0; i < count; i++) {
		switch (keys_next(&keyboard->keys, bytes[i])) {
		case KEY_PASS:
			pass(keyboard, bytes[i], guest_takes);
			break;
		case KEY_QUIT:
			control_end_kind(keyboard->control, ENDING_QUIT);
			break;
		case KEY_HELP:
			say_help(keyboard);
			break;
		case KEY_BREAK:
			machine_input_break(keyboard->machine);
			break;
		case KEY_TIMESTAMPS:
			console_toggle_timestamps(keyboard->console);
			break;
		case KEY_MONITOR:
			toggle_monitor(keyboard);
			break;
		case KEY_SWALLOW:
			break;
		}
	}
}
