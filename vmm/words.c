/* SPDX-License-Identifier: MIT */
#include "vmm/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* What a backslash takes the meaning of. A line's end goes away together with the backslash. */
static const char *take_escaped(const char *from, bool in_quotes, char **to)
{
	if (in_quotes && !strchr("\"\\$`\n", *from))
		*(*to)++ = '\\';
	if (*from != '\n')
		*(*to)++ = *from;
	return from + 1;
}

/*
 * Appends the word that begins at from. Returns what is behind it, or NULL when it has no end; then
 * *missing is what would end it.
 */
static const char *take_word(const char *from, char **to, char *missing)
{
	char quote = 0;

	for (; *from && (quote || !is_blank(*from));) {
		if (*from == quote) {
			quote = 0;
			from++;
		} else if (!quote && (*from == '\'' || *from == '"')) {
			quote = *from++;
		} else if (*from == '\\' && quote != '\'') {
			if (!from[1]) {
				*missing = '\\';
				return NULL;
			}
			from = take_escaped(from + 1, quote, to);
		} else {
			*(*to)++ = *from++;
		}
	}
	*(*to)++ = '\0';
	*missing = quote;
	return quote ? NULL : from;
}

static int refuse(const char *text, char missing, struct err *e)
{
	if (missing == '\\')
		return err_set(e, EINVAL, "'%s' ends with a \\, which needs a character behind it",
			       text);
	return err_set(e, EINVAL, "'%s' has a %c that no other one closes", text, missing);
}

int words_split(struct words *words, const char *text, struct err *e)
{
	size_t length = strlen(text), most = length / 2 + 1;
	char *to, missing;

	words->count = 0;
	/* The words' bytes stand behind the pointers to them. */
	words->word = malloc((most + 1) * sizeof(*words->word) + length + 1);
	if (!words->word)
		return err_set(e, ENOMEM, "no memory for the words of a command");
	to = (char *)(words->word + most + 1);
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		words->word[words->count++] = to;
		text = take_word(text, &to, &missing);
		if (!text) {
			const char *word = words->word[words->count - 1];
			int rc;

			*to = '\0';
			rc = refuse(word, missing, e);
			words_finish(words);
			return rc;
		}
	}
	words->word[words->count] = NULL;
	return 0;
}

void words_finish(struct words *words)
{
	free(words->word);
	*words = (struct words){ 0 };
}
