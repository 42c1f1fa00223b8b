/*
 * openapi.h - the description of the API (OpenAPI 3.0), drawn from the tables of routes and verbs. Pure.
 */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

char *openapi_text(const char *version);          /* JSON; g_free */

#endif
