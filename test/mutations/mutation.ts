// One defence against a defect of upstream's, how it is taken away, and the test that notices. wire.md 11.

export interface Edit {
  /** Compiled file below `dist`, without its suffix. */
  file: string;
  /** Text of that file that occurs in it once. */
  find: string;
  put: string;
}

export interface Mutation {
  /** Row of wire.md 11, or the rule of 13. */
  row: string;
  /** What is taken away. */
  without: string;
  edits: Edit[];
  /** Source of the test that fails then, and its name without those of its groups. */
  test: string;
  name: string;
}

/** @param names the test's file, without folder `test` and suffix, and its name */
export function mutation(
  row: string,
  without: string,
  names: readonly [test: string, name: string],
  ...edits: [file: string, find: string, put: string][]
): Mutation {
  const [test, name] = names;
  return { row, without, test: `test/${test}.test.ts`, name, edits: edits.map(([file, find, put]) => ({ file, find, put })) };
}
