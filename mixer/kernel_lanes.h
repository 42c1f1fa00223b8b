/*
 * kernel_lanes.h - the order of lanes for kernel_body.h: each sample twice, every other sample.
 */
#if VL == 4
#define TWICE_LOW  0, 0, 1, 1
#define TWICE_HIGH 2, 2, 3, 3
#define EVEN       0, 2, 4, 6
#define ODD        1, 3, 5, 7
#elif VL == 8
#define TWICE_LOW  0, 0, 1, 1, 2, 2, 3, 3
#define TWICE_HIGH 4, 4, 5, 5, 6, 6, 7, 7
#define EVEN       0, 2, 4, 6, 8, 10, 12, 14
#define ODD        1, 3, 5, 7, 9, 11, 13, 15
#elif VL == 16
#define TWICE_LOW  0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7
#define TWICE_HIGH 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15
#define EVEN       0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD        1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#endif

typedef float   VF __attribute__((vector_size(4 * VL)));
typedef int32_t VI __attribute__((vector_size(4 * VL)));
typedef float   DF __attribute__((vector_size(4 * DL)));
