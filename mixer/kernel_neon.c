/*
 * kernel_neon.c - four samples at once on 64-bit ARM, where NEON keeps denormals and rounds as IEEE 754 says. The NEON of
 * 32-bit ARM does not; there the reference is used.
 */
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <asm/hwcap.h>

#define VL 4
#define DL 4
#include "kernel_lanes.h"

static bool usable(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ASIMD;
}

static inline VF v_min(VF a, VF b)        /* a < b ? a : b, as the reference says it; FMIN would give NaN for NaN */
{
	return (VF)vbslq_f32(vcltq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
}

static inline VF v_max(VF a, VF b)
{
	return (VF)vbslq_f32(vcgtq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
}

static inline VF v_if_number(VF y, VF x)  /* x == x ? y : 0 */
{
	return (VF)vandq_u32((uint32x4_t)y, vceqq_f32((float32x4_t)x, (float32x4_t)x));
}

static inline bool v_all_below(VF a, VF b)
{
	return vminvq_u32(vcltq_f32((float32x4_t)a, (float32x4_t)b)) != 0;
}

static inline VF v_pairs(VF a, VF b)      /* a[0] + a[1], a[2] + a[3], ... and so on with b */
{
	return (VF)vpaddq_f32((float32x4_t)a, (float32x4_t)b);
}

static inline VI v_round(VF x)
{
	return (VI)vcvtnq_s32_f32((float32x4_t)x);
}

static inline VI v_load_s16(const int16_t *p)
{
	return (VI)vmovl_s16(vld1_s16(p));
}

static inline void v_store_s16(int16_t *p, VI v)
{
	vst1_s16(p, vmovn_s32((int32x4_t)v));
}

static inline VI v_load_u8(const uint8_t *p)
{
	uint32_t four;

	__builtin_memcpy(&four, p, sizeof(four));
	return (VI)vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four))));
}

static inline void v_store_u8(uint8_t *p, VI v)
{
	const uint16x4_t w = vmovn_u32((uint32x4_t)v);
	const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(w, w))), 0);

	__builtin_memcpy(p, &four, sizeof(four));
}

static inline DF d_fma(DF a, DF b, DF c)
{
	return (DF)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

static inline void d_sum4(float *out, DF a, DF b, DF c, DF d)
{
	vst1q_f32(out, vpaddq_f32(vpaddq_f32((float32x4_t)a, (float32x4_t)b),
		vpaddq_f32((float32x4_t)c, (float32x4_t)d)));
}

#include "kernel_body.h"

const struct kernel kernel_neon = KERNEL("neon", usable);
