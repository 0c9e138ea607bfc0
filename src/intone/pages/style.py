"""How a report looks: light and dark, on a phone and on paper."""

CSS = """
:root { color-scheme: light dark; --ink: #1c1f26; --soft: #5b6270; --paper: #ffffff; --card: #f5f6f8; --line: #d9dce2;
  --one: #332288; --two: #b3475a; --good: #117733; --heat: #332288; --heat-ink: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #a0a7b4; --paper: #14161a; --card: #1e2127;
  --line: #363b45; --one: #a79cf5; --two: #ee8f9c; --good: #6cc98a; --heat: #7466d9; --heat-ink: #ffffff; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 44rem; overflow-wrap: anywhere; }
.lead { font-size: 1.1rem; } .lead strong { color: var(--one); }
.note, figcaption, caption { color: var(--soft); font-size: .88rem; }
.warning { border-left: 4px solid var(--two); background: var(--card); padding: .5rem .8rem; margin: .5rem 0;
  max-width: 44rem; font-size: .92rem; }
nav { font-size: .9rem; display: flex; flex-wrap: wrap; gap: .2rem 1rem; } a { color: var(--one); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.wide { position: relative; overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } thead th { color: var(--soft); font-weight: 500; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
tbody th[scope=row] { min-width: 5.6rem; }
td { overflow-wrap: anywhere; } .pairs th { min-width: 6.5rem; overflow-wrap: anywhere; }
.unseen { color: var(--one); font-weight: 600; }
.charts { display: flex; flex-wrap: wrap; gap: 1.2rem 2rem; align-items: flex-start; }
figure { margin: 0; flex: 1 1 18rem; min-width: 0; max-width: 29rem; }
svg { display: block; width: 100%; height: auto; overflow: hidden; }
svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); } svg .soft { fill: var(--soft); }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .one { stroke: var(--one); } svg .two { stroke: var(--two); }
svg .ideal { stroke: var(--soft); stroke-dasharray: 4 4; }
svg .fill-one { fill: var(--one); } svg .fill-two { fill: var(--two); }
svg .band { opacity: .18; stroke: none; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
.matrix { border-collapse: separate; border-spacing: 1px; font-size: .75rem; width: 100%; table-layout: fixed; }
.matrix th, .matrix td { border: 0; padding: 0; text-align: center; vertical-align: middle; height: 1.9rem; }
.matrix thead th { height: 5.4rem; vertical-align: bottom; padding-bottom: .3rem; }
.matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block;
  max-height: 9rem; overflow: hidden; }
.matrix th.row { text-align: right; padding-right: .4rem; width: 5.4rem; font-weight: 500; overflow-wrap: anywhere; }
.matrix td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.matrix .hot { color: var(--heat-ink); }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; }
.mistakes figure { max-width: none; } .mistakes img { width: 100%; height: 6rem; display: block; border-radius: 4px; }
.mistakes .none { height: 6rem; border-radius: 4px; background: var(--card); display: grid; place-items: center; }
.mistakes figcaption { overflow-wrap: anywhere; font-size: .8rem; } .mistakes b { color: var(--ink); }
pre { background: var(--card); padding: .8rem; overflow-x: auto; font-size: .82rem; border-radius: 4px; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; overflow-wrap: anywhere; }
@media (max-width: 30rem) { table { font-size: .82rem; } th, td { padding-right: .5rem; }
  .wide th[scope=row] { min-width: 7rem; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --card: #f2f2f2; --line: #ccc;
  --one: #332288; --two: #b3475a; --heat: #332288; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; } h2 { break-after: avoid; }
  figure, tr, .warning { break-inside: avoid; } pre { white-space: pre-wrap; } .wide { overflow: visible; }
  svg *, .matrix * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
