/*
 * bare-codec.c - what Opus itself costs: one decode and one encode a frame, nothing around them.
 *
 *     bare-codec PTIME_MS CHANNELS BITRATE        prints microseconds of CPU a frame: decode encode
 *
 * Tuned as the server tunes its own: complexity 5; restricted low delay under 10 ms, else voice. The smallest of seven
 * turns is taken: what is more was somebody else's cache.
 */
#include <math.h>
#include <opus/opus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SMP_MAX = 5760, FRAMES_MAX = 400, TURNS = 7, PACKET_MAX = 1460 };

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1000;
}

static void sound_fill(float *pcm, int n, int channels)
{
	for (int i = 0; i < n; i++) {
		double t = i / 48000.0, v = 0.1 * fabs(sin(2 * M_PI * 2 * t)) * (sin(2 * M_PI * 220 * t) + 0.5 * sin(2 * M_PI * 1310 * t));

		for (int c = 0; c < channels; c++)
			pcm[i * channels + c] = (float)(v * (c ? 0.7 : 1));
	}
}

int main(int argc, char **argv)
{
	static float pcm[48000 * 2], out[SMP_MAX * 2];
	static uint8_t packet[FRAMES_MAX][PACKET_MAX];
	static int len[FRAMES_MAX];
	double ptime = argc == 4 ? atof(argv[1]) : 0, best_enc = 1e9, best_dec = 1e9;
	int ch = argc == 4 ? atoi(argv[2]) : 0, rate = argc == 4 ? atoi(argv[3]) : 0, n = (int)lrint(ptime * 48), err;
	OpusEncoder *enc;
	OpusDecoder *dec;

	if (n < 120 || n > 2880 || ch < 1 || ch > 2 || rate < 6000) {
		fputs("usage: bare-codec PTIME_MS CHANNELS BITRATE\n", stderr);
		return 64;
	}
	enc = opus_encoder_create(48000, ch, n < 480 ? OPUS_APPLICATION_RESTRICTED_LOWDELAY : OPUS_APPLICATION_VOIP, &err);
	dec = opus_decoder_create(48000, ch, &err);
	if (!enc || !dec)
		return 69;
	opus_encoder_ctl(enc, OPUS_SET_COMPLEXITY(5));
	opus_encoder_ctl(enc, OPUS_SET_BITRATE(rate));
	sound_fill(pcm, 48000, ch);
	for (int turn = 0; turn < TURNS; turn++) {
		int frames = 48000 / n;
		double t0 = cpu_us(), t1;

		for (int f = 0; f < frames; f++)
			len[f] = opus_encode_float(enc, pcm + f * n * ch, n, packet[f], PACKET_MAX);
		t1 = cpu_us();
		for (int f = 0; f < frames; f++)
			if (opus_decode_float(dec, packet[f], len[f], out, SMP_MAX, 0) != n)
				return 69;
		best_enc = fmin(best_enc, (t1 - t0) / frames);
		best_dec = fmin(best_dec, (cpu_us() - t1) / frames);
	}
	printf("%.2f %.2f\n", best_dec, best_enc);
	opus_encoder_destroy(enc);
	opus_decoder_destroy(dec);
	return 0;
}
