/*
 * fuzz-xr.c - any bytes as extended reports: what is read keeps its bounds and reads the same when written back; then
 * the bytes again as fates of packets, whose metrics must keep their ranges.
 */
#include <stdlib.h>
#include <string.h>
#include "mixer/xr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void write_back(const struct xr_info *in)
{
	struct xr_info out;
	uint8_t buf[400];
	const int n = xr_write(buf, sizeof(buf), in);

	must(n > 0 && !xr_read(&out, buf, (size_t)n));
	must(out.ssrc == in->ssrc && out.rrtr == in->rrtr && out.ntp == in->ntp && out.voip == in->voip && out.n_dlrr == in->n_dlrr);
	must(!memcmp(out.dlrr, in->dlrr, sizeof(out.dlrr)) && !memcmp(&out.v, &in->v, sizeof(out.v)));
	for (unsigned i = 0; i < in->n_dlrr; i++)
		must(xr_rtt_us(&in->dlrr[i], in->ntp) >= -1);
}

static void runs(const uint8_t *data, size_t size)
{
	struct xr_state s = {.ssrc = 1, .level_dbov = 30, .bpl = XR_BPL_G711};
	struct xr_runs r = {0};
	struct xr_voip v;

	for (size_t i = 0; i < size; i++) {
		for (unsigned k = 0; k < (data[i] >> 2) % 20u; k++)
			xr_runs_rt(&r, XR_RECEIVED);
		xr_runs_rt(&r, data[i] & 3 ? data[i] & 1 ? XR_LOST : XR_DISCARDED : XR_RECEIVED);
		s.packet_us = data[i] * 1000u;
		s.rtt_us += data[i] * 10000u;
		s.jb_ms = data[i] * 7u;
	}
	xr_voip_fill(&v, &r, &s);
	must(v.r == XR_UNKNOWN || v.r <= 93);
	must(v.mos_lq == XR_UNKNOWN || (v.mos_lq >= 10 && v.mos_lq <= 45));
	must(v.mos_cq == XR_UNKNOWN || (v.mos_cq >= 10 && v.mos_cq <= 45));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xr_info info;

	if (!xr_read(&info, data, size)) {
		must(info.n_dlrr <= XR_DLRR_MAX);
		write_back(&info);
	}
	runs(data, size);

	return 0;
}
