// The fixed numbers of an HLNK frame and the offsets of its header. wire.md §3.1, §3.2. Any thread.
//
//    0        4   5        7        9            13                21        21+p      21+p+e
//    ├────────┼───┼────────┼────────┼────────────┼─────────────────┼─────────┼─────────┼──────────────┤
//    │ "HLNK" │ 1 │ path p │ etag e │ payload n  │ seq             │ path    │ etag    │ payload      │
//    │ 4      │ 1 │ 2      │ 2      │ 4          │ 8               │ p       │ e       │ n            │
//    └────────┴───┴────────┴────────┴────────────┴─────────────────┴─────────┴─────────┴──────────────┘
//    all integers unsigned, big-endian; p, e, n are byte counts

/** Bytes in front of the path. */
export const HEADER_BYTES = 21;

/** `HLNK` in ASCII, one constant per byte so that the codec compares without a table. */
export const MAGIC_0 = 0x48;
export const MAGIC_1 = 0x4c;
export const MAGIC_2 = 0x4e;
export const MAGIC_3 = 0x4b;
export const MAGIC_BYTES = 4;

export const HLNK_VERSION = 1;

export const VERSION_AT = 4;
export const PATH_BYTES_AT = 5;
export const ETAG_BYTES_AT = 7;
export const PAYLOAD_BYTES_AT = 9;
export const SEQ_AT = 13;

// Upstream's writers know no limits; its strictest reader has these and takes anything above for noise. We hold ourselves to the same ones.
/** Longest path of a frame, bytes of UTF-8. */
export const MAX_PATH_BYTES = 4096;
/** Longest etag of a frame, bytes. */
export const MAX_ETAG_BYTES = 128;
/** Longest payload of a frame, bytes: 16 MiB. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** Sequence numbers are safe integers, so the upper word of a uint64 may use 21 bits. */
export const MAX_SEQ_HIGH_WORD = 0x1f_ffff;
