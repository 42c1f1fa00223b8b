/*
 * ctl_complete.c - completion for bash and zsh, made from the table of commands.
 *
 * The scripts know commands, options and words to choose from; for names of rooms and members they ask tuttictl itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "ctl_text.h"

/* --- names, asked for by the scripts --- */

/* A name that a shell would read otherwise is left out: a room's has no such characters. */
static void put_name(const char *name)
{
	if (*name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~+-") == strlen(name))
		puts(name);
}

static int put_rooms(const struct ctl *c)
{
	struct json *root = NULL;
	char *text = NULL;
	int status = ctl_get(&root, &text, c, "/api/v1/rooms", "completion");
	const struct json *list = json_get(root, "rooms");

	for (const struct json *r = list ? list->child : NULL; r; r = r->next)
		put_name(r->type == JSON_STRING ? r->text : json_text(r, "room"));
	json_free(root);
	free(text);
	return status;
}

static int put_members(const struct ctl *c, const char *room)
{
	struct txt path = { .p = NULL };
	struct json *root = NULL;
	const struct json *list;
	char *text = NULL;
	int status;

	txt_str(&path, "/api/v1/rooms/");
	txt_url(&path, room);
	status = path.bad ? CTL_UNREACHABLE : ctl_get(&root, &text, c, path.p, "completion");
	list = json_get(root, "members");
	for (const struct json *m = list ? list->child : NULL; m; m = m->next)
		printf("%llu\n", (unsigned long long)json_whole(m, "id"));
	json_free(root);
	free(text);
	txt_free(&path);
	return status;
}

/* --- what both scripts share --- */

static bool first_of_noun(const struct ctl_word *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(w[k].noun, w[i].noun))
			return false;
	return true;
}

/* The options that take something, as a pattern of case: their word is skipped. */
static void put_taking(void)
{
	size_t n;
	const struct ctl_option *o = ctl_option_table(&n);
	const char *sep = "";

	for (size_t i = 0; i < n; i++) {
		if (!o[i].arg)
			continue;
		printf("%s--%s", sep, o[i].name);
		sep = "|";
		if (o[i].letter)
			printf("|-%c", o[i].letter);
	}
}

static void put_options(const struct ctl_word *w)
{
	static const char *const general[] = { "server", "socket", "token", "token-file", "json", "help" };

	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		printf("%s--%s", i ? " " : "", general[i]);
	for (const char *p = w ? w->options : NULL; p && *p; p += strspn(p, " ")) {
		printf(" --%.*s", (int)strcspn(p, " "), p);
		p += strcspn(p, " ");
	}
}

/* ROOM, MEMBER..., SETTING=VALUE... as words; a last one that repeats ends with + */
static void put_kinds(const struct ctl_word *w)
{
	const char *list = w->args, *sep = "";
	struct ctl_arg arg;

	while (ctl_arg_next(&arg, &list)) {
		printf("%s%s%s", sep, arg.name, arg.many ? "+" : "");
		sep = " ";
	}
}

/* case lines: n is how many words name the command, kinds what follows, opts its options. */
static void put_cases(void)
{
	size_t n;
	const struct ctl_word *w = ctl_words(&n);

	for (size_t i = 0; i < n; i++) {
		if (w[i].verb)
			printf("\t'%s %s') n=2; kinds='", w[i].noun, w[i].verb);
		else
			printf("\t'%s '*) n=1; kinds='", w[i].noun);
		put_kinds(&w[i]);
		fputs("'; opts='", stdout);
		put_options(&w[i]);
		puts("' ;;");
	}
}

static void put_choices(const char *before, const char *after)
{
	static const char *const names[] = { "ON", "ROLE", "SHELL" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("\t\t%s) %s%s%s ;;\n", names[i], before, ctl_choices(names[i]), after);
}

/* The walk over what stands on the line so far; the two shells count differently. */
static void put_walk(const char *word, const char *from, const char *below)
{
	printf("\tfor ((i = %s; i < %s; i++)); do\n\t\tw=%s\n", from, below, word);
	fputs("\t\tif [[ -n $skip ]]; then ask+=(\"$w\"); skip=; continue; fi\n"
	      "\t\tcase $w in\n\t\t", stdout);
	put_taking();
	fputs(") skip=1; ask+=(\"$w\") ;;\n\t\t-[a-z-]*) ;;\n\t\t*) said+=(\"$w\") ;;\n\t\tesac\n\tdone\n", stdout);
}

/* --- bash --- */

static void put_nouns_bash(void)
{
	size_t n;
	const struct ctl_word *w = ctl_words(&n);

	fputs("\tlocal nouns='", stdout);
	for (size_t i = 0; i < n; i++)
		if (first_of_noun(w, i))
			printf("%s%s", i ? " " : "", w[i].noun);
	fputs("'\n\tcase ${said[0]-} in\n", stdout);
	for (size_t i = 0; i < n; i++) {
		if (!w[i].verb || !first_of_noun(w, i))
			continue;
		printf("\t%s) verbs='", w[i].noun);
		for (size_t k = i; k < n; k++)
			if (!strcmp(w[k].noun, w[i].noun))
				printf("%s%s", k > i ? " " : "", w[k].verb);
		puts("' ;;");
	}
	puts("\tesac");
}

static void put_bash(void)
{
	puts("# Completion of tuttictl for bash; made by: tuttictl completion bash\n"
	     "_tuttictl() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} said=() ask=() skip= verbs= n=0 kinds= opts= kind= i w\n"
	     "\tCOMPREPLY=()");
	put_walk("${COMP_WORDS[i]}", "1", "COMP_CWORD");
	puts("\t[[ -n $skip ]] && { COMPREPLY=($(compgen -f -- \"$cur\")); return; }");
	put_nouns_bash();
	fputs("\topts='", stdout);
	put_options(NULL);
	puts("'\n\tcase \"${said[0]-} ${said[1]-}\" in");
	put_cases();
	puts("\tesac\n"
	     "\tif [[ $cur == -* ]]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$opts\" -- \"$cur\"))\n"
	     "\telif ((${#said[@]} == 0)); then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$nouns\" -- \"$cur\"))\n"
	     "\telif ((n == 0)); then\n"
	     "\t\t((${#said[@]} == 1)) && COMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\"))\n"
	     "\telse\n"
	     "\t\tfor kind in $kinds; do\n"
	     "\t\t\t((n++ == ${#said[@]})) && break\n"
	     "\t\t\t[[ $kind == *+ ]] || kind=\n"
	     "\t\tdone\n"
	     "\t\tcase ${kind%+} in\n"
	     "\t\tROOM | TO) COMPREPLY=($(compgen -W \"$(tuttictl \"${ask[@]}\" completion rooms 2>/dev/null)\" -- \"$cur\")) ;;\n"
	     "\t\tMEMBER | OTHER) COMPREPLY=($(compgen -W \"$(tuttictl \"${ask[@]}\" completion members \"${said[@]:2:1}\" 2>/dev/null)\" "
	     "-- \"$cur\")) ;;");
	put_choices("COMPREPLY=($(compgen -W '", "' -- \"$cur\"))");
	puts("\t\tesac\n"
	     "\tfi\n"
	     "}\n"
	     "complete -F _tuttictl tuttictl");
}

/* --- zsh: the same, with the help beside each word --- */

/* 'word:help' in single quotes; the helps have no quotes but apostrophes. */
static void put_described(const char *word, const char *help)
{
	printf("'%s:", word);
	for (; *help; help++) {
		if (*help == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*help);
	}
	fputs("' ", stdout);
}

static void put_nouns_zsh(void)
{
	size_t n;
	const struct ctl_word *w = ctl_words(&n);

	fputs("\tnouns=(", stdout);
	for (size_t i = 0; i < n; i++)
		if (first_of_noun(w, i))
			put_described(w[i].noun, w[i].verb ? "..." : w[i].help);
	fputs(")\n\tcase $said[1] in\n", stdout);
	for (size_t i = 0; i < n; i++) {
		if (!w[i].verb || !first_of_noun(w, i))
			continue;
		printf("\t%s) verbs=(", w[i].noun);
		for (size_t k = i; k < n; k++)
			if (!strcmp(w[k].noun, w[i].noun))
				put_described(w[k].verb, w[k].help);
		puts(") ;;");
	}
	puts("\tesac");
}

static void put_zsh(void)
{
	puts("#compdef tuttictl\n"
	     "# Completion of tuttictl for zsh; made by: tuttictl completion zsh\n"
	     "_tuttictl() {\n"
	     "\tlocal -a said ask nouns verbs list\n"
	     "\tlocal skip= kinds= opts= kind= w\n"
	     "\tlocal -i n=0 i");
	put_walk("$words[i]", "2", "CURRENT");
	puts("\t[[ -n $skip ]] && { _files; return }");
	put_nouns_zsh();
	fputs("\topts='", stdout);
	put_options(NULL);
	puts("'\n\tcase \"$said[1] $said[2]\" in");
	put_cases();
	puts("\tesac\n"
	     "\tif [[ $PREFIX == -* ]]; then\n"
	     "\t\tcompadd -- ${=opts}\n"
	     "\telif (($#said == 0)); then\n"
	     "\t\t_describe command nouns\n"
	     "\telif ((n == 0)); then\n"
	     "\t\t(($#said == 1)) && _describe command verbs\n"
	     "\telse\n"
	     "\t\tfor kind in ${=kinds}; do\n"
	     "\t\t\t((n++ == $#said)) && break\n"
	     "\t\t\t[[ $kind == *+ ]] || kind=\n"
	     "\t\tdone\n"
	     "\t\tcase ${kind%+} in\n"
	     "\t\tROOM | TO) list=(${(f)\"$(tuttictl $ask completion rooms 2>/dev/null)\"}); compadd -- $list ;;\n"
	     "\t\tMEMBER | OTHER) list=(${(f)\"$(tuttictl $ask completion members $said[3] 2>/dev/null)\"}); compadd -- $list ;;");
	put_choices("compadd -- ", "");
	puts("\t\tesac\n"
	     "\tfi\n"
	     "}\n"
	     "_tuttictl \"$@\"");
}

int run_completion(const struct ctl *c, const struct ctl_args *a)
{
	const char *what = ctl_arg(a, "SHELL"), *room = ctl_arg(a, "ROOM");

	if (!strcmp(what, "rooms"))
		return put_rooms(c);
	if (!strcmp(what, "members") && room)
		return put_members(c, room);
	if (!strcmp(what, "bash"))
		put_bash();
	else if (!strcmp(what, "zsh"))
		put_zsh();
	else
		return fputs("tuttictl: completion for bash or zsh\n", stderr), CTL_USAGE;
	return fflush(stdout) ? CTL_REFUSED : CTL_OK;
}
