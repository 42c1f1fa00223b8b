/*
 * head.h - the head of a request, judged before libsoup sees it. Pure.
 */
#ifndef WEB_HEAD_H
#define WEB_HEAD_H

#include <stddef.h>

enum { HEAD_MAX = 16384 };

/* 0: let it in; EAGAIN: it is not whole. Else the status it is refused with, and *why. */
int head_judge(const char *head, size_t n, const char **why);

#endif
