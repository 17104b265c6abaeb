// The dashboard's style: one column on a phone, two plots side by side where there is room, light and dark as the system asks. Colours of
// text have a contrast of at least 4.5 : 1 on their ground, and none of them says something that no word says.

export const style = `
:root {
  --ground: #f4f6f8; --surface: #ffffff; --text: #1b2128; --muted: #56606b; --line: #dde2e8; --focus: #0b5fcc;
  --good: #116329; --good-ground: #dcf5e3; --fair: #764a00; --fair-ground: #fff0c7; --bad: #a40e26; --bad-ground: #ffe4e2;
  --quiet: #4c5661; --quiet-ground: #e9edf1;
  --out: #0b5fcc; --in: #b04a00; --trip: #7a3fb8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1217; --surface: #171c23; --text: #e7edf3; --muted: #9ba6b2; --line: #2b323b; --focus: #7ab8ff;
    --good: #5bd675; --good-ground: #13291a; --fair: #ecbb4c; --fair-ground: #2e2410; --bad: #ff8a82; --bad-ground: #3a1719;
    --quiet: #aab4bf; --quiet-ground: #262d36;
    --out: #6cb6ff; --in: #ffa257; --trip: #c9a2ff;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 16px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 20px; padding-top: 16px; }
main { display: grid; gap: 14px; padding-top: 10px; grid-template-columns: minmax(0, 1fr); }
footer { padding-top: 12px; padding-bottom: 28px; color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; }
h1 span { font-weight: 400; color: var(--muted); }
h2 { font-size: 16px; margin: 0 0 8px; }
h3 { font-size: 15px; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; }
.relay { overflow-wrap: anywhere; color: var(--muted); }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.quiet, .since, .place, .peer, .reason, .detail { color: var(--muted); }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 12px; top: 8px; background: var(--surface); padding: 6px 10px; z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
a { color: var(--focus); }
.banner { background: var(--bad-ground); color: var(--bad); border-radius: 10px; padding: 10px 16px; font-weight: 600; overflow-wrap: anywhere; }
.stale section { opacity: 0.55; }
.pill { display: inline-block; border-radius: 999px; padding: 1px 10px; font-weight: 600; font-size: 13px; white-space: nowrap; background: var(--quiet-ground); color: var(--quiet); }
[data-tone="good"].pill { background: var(--good-ground); color: var(--good); }
[data-tone="fair"].pill { background: var(--fair-ground); color: var(--fair); }
[data-tone="bad"].pill { background: var(--bad-ground); color: var(--bad); }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 10px 16px; margin: 0 0 12px; }
.tiles dt { color: var(--muted); font-size: 13px; }
.tiles dd { margin: 0; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; }
#channel-count { font-size: 15px; line-height: 27px; }

.troubles { list-style: none; margin: 0; padding: 0; display: grid; gap: 6px; }
.troubles li { border-left: 4px solid var(--fair); background: var(--fair-ground); border-radius: 4px; padding: 5px 10px; overflow-wrap: anywhere; }
.troubles li[data-tone="bad"] { border-color: var(--bad); background: var(--bad-ground); }
.troubles b { margin-right: 4px; }

#channels { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); }
.channel { padding: 0 16px; }
.channel[open] { padding-bottom: 12px; }
.channel > summary { cursor: pointer; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 2px 16px; padding: 10px 0 10px 20px; position: relative; list-style: none; }
.channel > summary::-webkit-details-marker { display: none; }
.channel > summary::before { content: ""; position: absolute; left: 1px; top: 17px; border: 5px solid transparent; border-left: 7px solid var(--muted); }
.channel[open] > summary::before { top: 18px; left: 0; border: 5px solid transparent; border-top: 7px solid var(--muted); }
.channel .peer { font-weight: 400; }
.carries { justify-self: end; white-space: nowrap; }
.since { font-size: 13px; margin-left: 8px; }
.since:empty { display: none; }
.speed { font-variant-numeric: tabular-nums; }
.place { justify-self: end; font-size: 13px; text-align: right; }
.why { margin-bottom: 8px; color: var(--fair); overflow-wrap: anywhere; }
.ladder { list-style: none; margin: 0 0 12px; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 8px; }
.ladder li { border: 1px solid var(--line); border-left: 4px solid var(--quiet); border-radius: 6px; padding: 6px 10px; display: grid; align-content: start; }
.ladder li[data-tone="good"] { border-left-color: var(--good); background: var(--good-ground); }
.ladder li[data-tone="fair"] { border-left-color: var(--fair); background: var(--fair-ground); }
.ladder li[data-tone="bad"] { border-left-color: var(--bad); }
.lane-head { display: flex; justify-content: space-between; gap: 8px; }
.ladder .state { font-size: 13px; }
.ladder .reason { font-size: 13px; overflow-wrap: anywhere; }

.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 8px 24px; margin-bottom: 8px; }
figure { margin: 0; min-width: 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 13px; color: var(--muted); font-variant-numeric: tabular-nums; }
.plot-title { color: var(--text); font-weight: 600; }
.reading b { color: var(--text); }
.plot { height: 132px; overflow: hidden; }
.swatch { display: inline-block; width: 16px; height: 0; border-top: 3px solid; vertical-align: middle; margin-right: 5px; }
.swatch.dashed { border-top-style: dashed; }
.swatch.out { border-color: var(--out); } .swatch.in { border-color: var(--in); } .swatch.trip { border-color: var(--trip); }
.u-cursor-x { border-right: 1px dashed var(--muted) !important; }

.facts { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 6px 16px; margin: 8px 0; }
.facts dt { color: var(--muted); font-size: 12px; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
.sessions > summary { cursor: pointer; color: var(--muted); font-size: 13px; padding: 4px 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 14px 4px 0; white-space: nowrap; font-weight: 400; }
tbody tr { border-top: 1px solid var(--line); }
thead th { color: var(--muted); font-size: 13px; }
tbody th { font-weight: 600; }
.id { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 12px; }
[data-tone="bad"].endpoint { color: var(--bad); }
.busy { min-width: 150px; }
.bar { display: inline-block; width: 84px; height: 8px; border-radius: 4px; background: var(--quiet-ground); overflow: hidden; margin-right: 8px; vertical-align: middle; }
.bar i { display: block; height: 100%; background: var(--out); border-radius: 4px; }

.row { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 4px 16px; margin-bottom: 6px; }
label { font-size: 13px; color: var(--muted); }
input { font: inherit; color: var(--text); background: var(--ground); border: 1px solid var(--muted); border-radius: 6px; padding: 3px 8px; width: 220px; max-width: 100%; }
.happenings { list-style: none; margin: 0; padding: 0; max-height: 380px; overflow-y: auto; font-size: 13px; }
.happenings li { display: grid; grid-template-columns: 64px minmax(120px, 170px) minmax(0, 1fr); gap: 0 10px; padding: 3px 0; border-top: 1px solid var(--line); }
.happenings time { color: var(--muted); font-variant-numeric: tabular-nums; }
.happenings b { font-weight: 600; }
.happenings li[data-tone="fair"] b { color: var(--fair); }
.detail { overflow-wrap: anywhere; }
@media (max-width: 640px) {
  header, main, footer { padding-left: 10px; padding-right: 10px; }
  .card { padding-left: 12px; padding-right: 12px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .channel > summary { grid-template-columns: minmax(0, 1fr); }
  .carries, .place { justify-self: start; text-align: left; }
  .facts { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .happenings li { grid-template-columns: 60px minmax(0, 1fr); }
  .happenings .detail { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: no-preference) { .bar i { transition: width 0.4s; } }
`;
