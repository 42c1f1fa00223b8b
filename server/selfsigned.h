/*
 * selfsigned.h - a certificate for a first start: EC P-256, ten years, for this machine's name and addresses.
 */
#ifndef SERVER_SELFSIGNED_H
#define SERVER_SELFSIGNED_H

#include <stddef.h>

int selfsigned_pem(char **pem, size_t *len);      /* certificate and key; mem_deref, which also wipes it */

#endif
