// Ends the run with one plain line, `N passed, N failed`, for readers that know no test runner's own format.
export default class PlainSummary {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state in count) count[state] += 1;
      }
      // A file that fails to load has no tests to count, but it is a failure all the same.
      if (module.errors().length > 0) count.failed += 1;
    }
    count.failed += unhandledErrors.length;
    const line = `${count.passed} passed, ${count.failed} failed` + (count.skipped > 0 ? `, ${count.skipped} skipped` : '');
    // After vitest's own summary, which the default reporter prints in this same hook.
    process.once('exit', () => process.stdout.write(`\n${line}\n`));
  }
}
