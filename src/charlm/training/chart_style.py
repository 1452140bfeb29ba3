"""The style of a chart, in a report and in a notebook."""

STYLE = """
.chart {
  display: grid; grid-template: "units units units" auto "left plot right" 15rem ". steps ." 1.75rem ". across ." auto
    / 3rem minmax(0, 1fr) 3rem;
  color: var(--quiet, currentColor); font-size: .8rem; line-height: 1.2; font-variant-numeric: tabular-nums;
}
.chart .units { grid-area: units; display: flex; justify-content: space-between; gap: 1rem; padding-bottom: 1rem; }
.chart .plot { grid-area: plot; position: relative; border-bottom: 1px solid var(--line, rgb(128 128 128/.3)); }
.chart .left { grid-area: left; position: relative; }
.chart .right { grid-area: right; position: relative; }
.chart .steps { grid-area: steps; position: relative; }
.chart .across { grid-area: across; text-align: center; }
.chart span { white-space: nowrap; }
.chart .left span, .chart .right span { position: absolute; transform: translateY(-50%); }
.chart .left span { right: .5rem; }
.chart .right span { left: .5rem; }
.chart .steps span { position: absolute; top: .6rem; transform: translateX(-50%); }
.chart svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.chart svg * { vector-effect: non-scaling-stroke; fill: none; }
.chart .grid { stroke: var(--line, rgb(128 128 128/.3)); stroke-width: 1; }
.cursor { position: absolute; top: 0; bottom: 0; width: 0; border-left: 1px solid var(--ink, currentColor); }
.curve polyline { stroke: var(--curve); stroke-width: 2; stroke-linejoin: round; }
.curve path { stroke: var(--curve); stroke-width: 6; stroke-linecap: round; }
.curve.dashed polyline, .curve.diagonal polyline { stroke-dasharray: 6 4; }
.curve.diagonal path { stroke: none; }
.training { --curve: var(--training); }
.validation { --curve: var(--validation); }
.diagonal { --curve: var(--quiet, currentColor); }
.color-0 { --curve: var(--color-0); }
.color-1 { --curve: var(--color-1); }
.color-2 { --curve: var(--color-2); }
.color-3 { --curve: var(--color-3); }
.color-4 { --curve: var(--color-4); }
.color-5 { --curve: var(--color-5); }
.color-6 { --curve: var(--color-6); }
.color-7 { --curve: var(--color-7); }
.key { display: inline-block; margin-left: 1rem; }
.key:first-child { margin-left: 0; }
.key::before {
  content: ""; display: inline-block; width: 1.5rem; height: 0; margin-right: .4rem; vertical-align: middle;
  border-top: .2rem solid var(--curve);
}
.key.dot::before { width: .5rem; height: .5rem; border: 0; border-radius: 50%; background: var(--curve); }
.key.dashed::before, .key.diagonal::before { border-top-style: dashed; }
"""
"""A style sheet: labels are text beside a drawing that stretches, so that they keep their size in a narrow page.

It takes the colors of the page where that has ``--quiet``, ``--ink`` and ``--line``, and needs ``--training`` and
``--validation``; further curves need ``--color-0`` to ``--color-7``.
"""
