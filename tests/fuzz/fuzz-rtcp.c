/*
 * fuzz-rtcp.c - any bytes as RTCP: what is read keeps its bounds, and written back it reads the same; then the bytes
 * again as sequence numbers, times and reports of a source, whose block must keep its ranges.
 */
#include <stdlib.h>
#include <string.h>
#include "mixer/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void write_back(const struct rtcp_info *in)
{
	const struct rtcp_report r = { .ssrc = in->ssrc, .sender = in->sr, .ntp = in->ntp, .rtp_ts = in->rtp_ts,
		.packets = in->packets, .octets = in->octets, .blocks = in->block, .n_blocks = in->n_blocks,
		.cname = in->cname, .bye = in->bye };
	struct rtcp_info out;
	uint8_t buf[1500];
	const int n = rtcp_write(buf, sizeof(buf), &r);

	must(n > 0 && rtcp_read(&out, buf, (size_t)n) == 0);
	must(out.ssrc == in->ssrc && out.sr == in->sr && out.bye == in->bye && out.ntp == in->ntp);
	must(out.n_blocks == in->n_blocks && !strcmp(out.cname, in->cname));
	for (unsigned i = 0; i < in->n_blocks; i++)
		must(!memcmp(&out.block[i], &in->block[i], sizeof(out.block[i])));
}

static void source(const uint8_t *data, size_t size)
{
	struct rtcp_src s;
	uint64_t now = 0;

	rtcp_src_init(&s, 1, 8000);
	for (size_t i = 0; i + 8 <= size; i += 8) {
		const struct rtp_pkt p = { .seq = (uint16_t)(data[i] << 8 | data[i + 1]),
			.ts = (uint32_t)data[i + 2] << 24 | data[i + 3] };

		now += (uint64_t)data[i + 4] << data[i + 5] % 32;
		rtcp_src_packet_rt(&s, &p, now);
		must(s.jitter >= 0 && s.jitter <= 2147483648.);
		if (data[i + 6] & 1) {
			struct rtcp_block b;

			rtcp_src_block_rt(&s, &b, now);
			must(b.lost >= -0x800000 && b.lost <= 0x7fffff);
			must(rtcp_rtt_us(&b, now) >= -1);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_info info;

	if (!rtcp_read(&info, data, size)) {
		must(info.n_blocks <= RTCP_BLOCKS_MAX && memchr(info.cname, 0, sizeof(info.cname)));
		write_back(&info);
	}
	source(data, size);

	return 0;
}
