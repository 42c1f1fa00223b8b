#!/usr/bin/env python3
"""embed.py OUTPUT FILE...: the console's files as a C table, so that the server is one binary.

A file's ETag is of what is in it: a browser asks again, and is told 304 as long as nobody installed another version."""
import hashlib
import os
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
         '.svg': 'image/svg+xml'}


def literal(data):
    """A string of C in pieces: every byte that is not plain is three octal digits, which no following digit can change."""
    plain = [chr(b) if 32 <= b < 127 and b not in b'"\\?' else '\\%03o' % b for b in data]
    return '\n'.join('\t"%s"' % ''.join(plain[i:i + 96]) for i in range(0, len(plain), 96)) or '\t""'


def main():
    out, files = sys.argv[1], sys.argv[2:]
    rows = []
    with open(out + '.new', 'w', encoding='ascii') as c:
        c.write('/* Made by embed.py. */\n#include "static.h"\n\n')
        for n, path in enumerate(files):
            with open(path, 'rb') as f:
                data = f.read()
            name = os.path.basename(path)
            c.write('static const char data_%d[] =\n%s;\n\n' % (n, literal(data)))
            rows.append('\t{ "%s", "%s", "\\"%s\\"", data_%d, sizeof(data_%d) - 1 },\n' % (
                '/' if name == 'index.html' else '/ui/' + name, TYPES[os.path.splitext(name)[1]],
                hashlib.sha256(data).hexdigest()[:20], n, n))
        c.write('const struct static_file static_files[] = {\n%s\t{ NULL, NULL, NULL, NULL, 0 },\n};\n' % ''.join(rows))
    os.replace(out + '.new', out)


main()
