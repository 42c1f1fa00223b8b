/*
 * fuzz-rtp.c - any bytes as an RTP packet: what is read lies inside the packet, and what is written back reads the same.
 */
#include <stdlib.h>
#include <string.h>
#include "mixer/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const uint8_t *p, size_t n, const uint8_t *data, size_t size)
{
	must(p >= data && n <= size && p <= data + size - n);
}

static void write_back(const struct rtp_pkt *p)
{
	static uint8_t buf[RTP_HDR_LEN + 4 * RTP_CSRC_MAX + 4 + 4 * 0xffff];
	size_t len = sizeof(buf);
	struct rtp_pkt q;

	must(rtp_write_hdr(buf, &len, p) == 0);
	must(rtp_read(&q, buf, len) == 0);
	must(q.pt == p->pt && q.marker == p->marker && q.seq == p->seq && q.ts == p->ts && q.ssrc == p->ssrc);
	must(q.n_csrc == p->n_csrc && !memcmp(q.csrc, p->csrc, sizeof(q.csrc)));
	must(!q.ext == !p->ext && q.ext_len == p->ext_len && q.len == 0);
	must(!q.ext || (q.ext_profile == p->ext_profile && !memcmp(q.ext, p->ext, q.ext_len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtp_pkt p;

	(void)rtp_is_rtcp(data, size);
	if (rtp_read(&p, data, size))
		return 0;

	inside(p.payload, p.len, data, size);
	if (p.ext) {
		inside(p.ext, p.ext_len, data, size);
		for (unsigned id = 0; id < 256; id++) {
			size_t n = 0;
			const uint8_t *e = rtp_ext_find(&p, (uint8_t)id, &n);

			if (e)
				inside(e, n, p.ext, p.ext_len);
		}
	}
	write_back(&p);

	return 0;
}
