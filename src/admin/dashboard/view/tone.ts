// How serious something is; the page says it in words and colours it besides. Pure.

/** `quiet`: neither good nor bad, nothing is going on. */
export type Tone = 'good' | 'fair' | 'bad' | 'quiet';
