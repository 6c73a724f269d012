/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/dialogue.h"
#include "vmm/lineregex.h"

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What stands behind a backslash; how many characters of it were used, 0: it is none of these. */
static size_t unescape(const char *text, uint8_t *byte)
{
	static const char letters[] = "nrte0\\", bytes[] = "\n\r\t\033\0\\";
	const char *at = *text ? strchr(letters, *text) : NULL;
	int high, low;

	if (at) {
		*byte = (uint8_t)bytes[at - letters];
		return 1;
	}
	if (*text != 'x')
		return 0;
	high = hex_digit(text[1]);
	low = high < 0 ? -1 : hex_digit(text[2]);
	if (low < 0)
		return 0;
	*byte = (uint8_t)(high * 16 + low);
	return 3;
}

static int resolve(const char *value, struct dialogue_step *step, struct err *e)
{
	step->text = malloc(strlen(value) + 1);
	if (!step->text)
		return err_sys(e, ENOMEM, "-send: %zu bytes", strlen(value));
	for (const char *p = value; *p; p++) {
		uint8_t byte = (uint8_t)*p;
		size_t used = 0;

		if (*p == '\\') {
			used = unescape(p + 1, &byte);
			if (used == 0)
				return err_set(e, EINVAL,
					       "-send: '%s': what '\\' stands before can be n, r, "
					       "t, e, 0, \\ and xHH, as in \\x03; not '%.3s'",
					       value, p + 1);
		}
		step->text[step->text_bytes++] = byte;
		p += used;
	}
	if (step->text_bytes > DIALOGUE_TEXT_MAX_BYTES)
		return err_set(e, E2BIG, "-send: %zu bytes; a step types %d at most",
			       step->text_bytes, DIALOGUE_TEXT_MAX_BYTES);
	return 0;
}

static void drop(struct dialogue_step *step)
{
	free(step->text);
	if (step->has_after)
		regfree(&step->re);
	*step = (struct dialogue_step){ 0 };
}

static struct dialogue_step *last(struct dialogue_script *script)
{
	return script->steps ? &script->step[script->steps - 1] : NULL;
}

/* NULL, with *e: there are as many as there can be. */
static struct dialogue_step *add(struct dialogue_script *script, const char *option, struct err *e)
{
	if (script->steps == DIALOGUE_STEPS_MAX) {
		(void)err_set(e, E2BIG, "-%s: a dialogue has %d steps at most", option,
			      DIALOGUE_STEPS_MAX);
		return NULL;
	}
	return &script->step[script->steps++];
}

int dialogue_parse_send(struct dialogue_script *script, const char *value, struct err *e)
{
	struct dialogue_step *step = last(script), made = { 0 };
	int rc = resolve(value, &made, e);

	if (rc == 0 && (!step || step->has_text)) {
		step = add(script, "send", e);
		rc = step ? 0 : -E2BIG;
	}
	if (rc < 0) {
		drop(&made);
		return rc;
	}
	step->has_text = true;
	step->text = made.text;
	step->text_bytes = made.text_bytes;
	return 0;
}

static int refuse_second(const char *first, const char *second, bool after_first, struct err *e)
{
	return err_set(e, EINVAL,
		       "-after '%s' and -after '%s' have no -send between them; each -after "
		       "belongs to the -send %s it",
		       first, second, after_first ? "behind" : "before");
}

int dialogue_parse_after(struct dialogue_script *script, const char *value, struct err *e)
{
	struct dialogue_step *step = last(script);
	regex_t re;
	int rc;

	if (!step)
		script->after_first = true;
	if (step && step->has_after && (!step->has_text || !script->after_first))
		return refuse_second(step->after, value, script->after_first, e);
	rc = lineregex_compile("after", value, &re, e);
	if (rc < 0)
		return rc;
	if (!step || script->after_first)
		step = add(script, "after", e);
	if (!step) {
		regfree(&re);
		return -E2BIG;
	}
	step->has_after = true;
	step->after = value;
	step->re = re;
	return 0;
}

int dialogue_settle(const struct dialogue_script *script, struct err *e)
{
	for (size_t i = 0; i < script->steps; i++) {
		if (!script->step[i].has_text)
			return err_set(
				e, EINVAL,
				"-after '%s' has no -send behind it; -send '' types nothing, "
				"and only waits",
				script->step[i].after);
	}
	return 0;
}

void dialogue_script_finish(struct dialogue_script *script)
{
	for (size_t i = 0; i < script->steps; i++)
		drop(&script->step[i]);
	*script = (struct dialogue_script){ 0 };
}
