// The page's style: by day and by night as the reader's system has it. Colours of the plots are read from here by their script.
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ink: #1c1f24; --dim: #5c6470; --paper: #fdfdfc; --line: #d9dce1; --ours: #eef4ff;
  --c0: #1f6feb; --c1: #d1480f; --c2: #1a7f37; --c3: #8250df; --c4: #9a6700; --c5: #bf3989; --c6: #57606a; --c7: #0f8a8a; --c8: #a40e26; --c9: #6e5494; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --dim: #9aa4b1; --paper: #14171b; --line: #30363d; --ours: #182539;
    --c0: #6cb0ff; --c1: #ff9a57; --c2: #56d364; --c3: #c297ff; --c4: #e3b341; --c5: #ff8ac4; --c6: #a8b1bb; --c7: #4fd1d1; --c8: #ff7b72; --c9: #b9a2e0; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); } h3 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
nav a { margin-right: .8rem; } a { color: var(--c0); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td, thead th { text-align: right; } th[scope=row] { text-align: left; font-weight: normal; }
tr.ours { background: var(--ours); } tr.ours th { font-weight: 600; }
.from { color: var(--dim); font-size: .8rem; margin: .3rem 0 0; }
figure { margin: 1.2rem 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
.u-legend { color: var(--ink); font-size: .8rem; } .u-legend th { font-weight: normal; }
`;
