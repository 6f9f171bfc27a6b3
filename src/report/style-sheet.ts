/**
 * The report's look, inlined. Colours are variables with a light and a dark value, so that pictures follow the reader's scheme too.
 * The three class colours keep apart under the common colour-vision deficiencies (vermilion, blue, green of different lightness); shape and dash say the same again.
 */
export const STYLE_SHEET = `
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1c1f24;--quiet:#565c66;--faint:#dcdad3;--grid:#e9e7e1;--accent:#3f4a8a;
--unsafe:#b5400c;--safe:#1c5fa5;--task:#0d7358;--gap:#6a3d8f;
--good:#1c6b3f;--good-bg:#e6f1e9;--warn:#7a5200;--warn-bg:#faf0d7;--bad:#9c2a22;--bad-bg:#fae7e4;--plain-bg:#eeedf5;
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"URW Palladio L",P052,"Source Serif 4",Georgia,"Noto Serif","DejaVu Serif",serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans","DejaVu Sans",sans-serif;
--mono:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#14161a;--card:#1b1e23;--ink:#e7e5df;--quiet:#a4a9b2;--faint:#353a42;--grid:#2a2e35;--accent:#aab4f5;
--unsafe:#f08b57;--safe:#7db5ee;--task:#5cc4a2;--gap:#c79df0;
--good:#8ad3a6;--good-bg:#1a2c22;--warn:#e6c069;--warn-bg:#2e2717;--bad:#f1978e;--bad-bg:#351f1d;--plain-bg:#22253a}}
*,*::before,*::after{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:400 16px/1.6 var(--sans);overflow-wrap:break-word}
a{color:var(--accent);text-underline-offset:.15em;text-decoration-thickness:1px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:2px}
h1,h2,h3{font-family:var(--serif);font-weight:600;line-height:1.2;text-wrap:balance;margin:0}
h2{font-size:1.55rem;margin:0 0 .4rem}h3{font-size:1.12rem;margin:2rem 0 .4rem}
p{margin:.6rem 0;max-width:68ch}ul,ol{padding-left:1.2rem;max-width:68ch}li{margin:.3rem 0}
code,pre,.key{font-family:var(--mono);font-size:.86em}
pre{background:var(--plain-bg);padding:.9rem 1rem;border-radius:8px;overflow-x:auto;line-height:1.5;margin:.8rem 0}
.skip{position:absolute;left:-999px}.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:2}
.page{max-width:1220px;margin:0 auto;padding:0 1rem}
.role{background:var(--plain-bg);color:var(--ink)}.synthetic,.exploratory{background:var(--warn-bg);color:var(--ink)}
.banner{margin:1rem 0 0;padding:.7rem 1rem;border-radius:8px;font-size:.94rem}.banner strong{margin-right:.35em}
.banner p{margin:0;max-width:none}
header{padding:2rem 0 .5rem}
.mark-line{font:600 .8rem/1 var(--sans);letter-spacing:.08em;color:var(--quiet);display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:baseline}
.mark-line b{font-family:var(--serif);font-size:1.05rem;letter-spacing:0;color:var(--ink)}
.verdict{margin:1.4rem 0 0}
.word{display:inline-block;font:650 .82rem/1 var(--sans);letter-spacing:.05em;padding:.5rem .75rem;border-radius:999px;background:var(--plain-bg);color:var(--accent)}
.word.good{background:var(--good-bg);color:var(--good)}.word.warn{background:var(--warn-bg);color:var(--warn)}.word.bad{background:var(--bad-bg);color:var(--bad)}
.word-row{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center}.word-row small{color:var(--quiet)}
h1{font-size:clamp(1.45rem,1.15rem + 1.5vw,2.15rem);line-height:1.22;margin:1rem 0 0;max-width:32em;letter-spacing:-.01em}h1 small{display:block;font:400 1rem/1.5 var(--sans);letter-spacing:0;color:var(--quiet);margin-top:.5rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:1px;background:var(--faint);border:1px solid var(--faint);border-radius:10px;overflow:hidden;margin:1.6rem 0 0;padding:0}
.facts div{background:var(--card);padding:.8rem .95rem}.facts dt{font-size:.78rem;line-height:1.35;color:var(--quiet)}
.facts dd{margin:.15rem 0 0;font:600 1.22rem/1.25 var(--serif);font-variant-numeric:tabular-nums}.facts dd small{display:block;font:400 .78rem/1.4 var(--sans);color:var(--quiet)}
.says{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:.4rem 3rem;margin:1.6rem 0 0}
.says h2{font:650 .95rem/1.3 var(--sans);margin:.8rem 0 .3rem}.says ul{margin:.2rem 0;padding-left:1.1rem;font-size:.95rem}
.layout{display:block}
nav.contents{margin:2rem 0 0;padding:.9rem 0;border-top:1px solid var(--faint);border-bottom:1px solid var(--faint);font-size:.9rem}
nav.contents ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;max-width:none}nav.contents li{margin:0}
nav.contents a{color:var(--quiet);text-decoration:none;display:inline-block;padding:.18rem 0}nav.contents a:hover{color:var(--ink);text-decoration:underline}
main section{padding:2.6rem 0 0;min-width:0}
main section>.lead{color:var(--quiet);margin-top:.1rem}
@media (min-width:1180px){.layout{display:grid;grid-template-columns:180px minmax(0,1fr);gap:3rem;margin-top:1rem}
nav.contents{position:sticky;top:1.5rem;align-self:start;border:0;margin:2.7rem 0 0;padding:0}nav.contents ol{display:block}nav.contents li{margin:.1rem 0}}
figure{margin:1.2rem 0 0}
figcaption{font-size:.92rem;color:var(--quiet);margin:.7rem 0 0;max-width:72ch}figcaption b{color:var(--ink)}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:1rem}
.panels.three{grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr))}
.panel-box{background:var(--card);border:1px solid var(--faint);border-radius:10px;padding:.8rem .8rem .5rem;min-width:0}
.panel-title{font:600 .9rem/1.35 var(--sans);margin:0 0 .4rem}.panel-title small{font-weight:400;color:var(--quiet)}.after{margin-top:1rem}
.panels.three svg.panel{max-width:400px}.wide{overflow-x:auto}.wide svg.panel{max-width:none;min-width:620px}
svg.panel{display:block;width:100%;height:auto;max-width:560px;overflow:visible;font-family:var(--sans)}
svg text{fill:var(--ink);font-size:12.5px}svg .tick-label,svg .axis-title,svg .note{fill:var(--quiet);font-size:12px}
svg .grid{stroke:var(--grid)}svg .zero,svg .axis,svg .tick{stroke:var(--quiet);stroke-width:1}
svg .line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}svg .band{fill:currentColor;opacity:.14;stroke:none}
svg .series-fit.series-label{font-weight:400}svg .mark{fill:currentColor;stroke:var(--card);stroke-width:1.2}svg .mark.hollow{fill:var(--card);stroke:currentColor;stroke-width:1.8}
svg .dot{fill:currentColor;opacity:.45}svg .whisker{stroke:currentColor;stroke-width:1.6;fill:none}
svg .limit{stroke:var(--quiet);stroke-dasharray:5 4}svg .equivalence{fill:var(--quiet);opacity:.11}svg .review-start{stroke:var(--quiet);stroke-dasharray:2 3}
svg .fit{fill:none;stroke:var(--quiet);stroke-width:1.4}
svg text.series-label{font-weight:600;fill:currentColor}
.series-unsafe{color:var(--unsafe)}.series-safe{color:var(--safe)}.series-task{color:var(--task)}.series-gap{color:var(--gap)}.series-fit{color:var(--quiet)}
svg .series-safe .line{stroke-dasharray:7 3}svg .series-task .line{stroke-dasharray:2 4}svg .solid .line{stroke-dasharray:none}
.scroll{overflow-x:auto;border:1px solid var(--faint);border-radius:10px;background:var(--card);margin:.9rem 0 0;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.87rem;line-height:1.45;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.75rem .8rem .2rem;color:var(--quiet);font-size:.87rem}caption span{display:inline-block;position:sticky;left:.8rem;max-width:min(100%,calc(100vw - 4.2rem))}
th,td{text-align:left;padding:.42rem .7rem;border-top:1px solid var(--grid);vertical-align:top}thead th{border-top:0;font-weight:600;color:var(--quiet);white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:600;white-space:nowrap}td.num,th.num{text-align:right;white-space:nowrap}td.plain{white-space:nowrap}td.text{min-width:14rem}.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}tbody tr.first>*{border-top:1px solid var(--faint)}
.tag{display:inline-block;font:600 .78rem/1.2 var(--sans);padding:.18rem .5rem;border-radius:999px;background:var(--plain-bg);color:var(--ink);white-space:nowrap}
.tag.good{background:var(--good-bg);color:var(--good)}.tag.warn{background:var(--warn-bg);color:var(--warn)}.tag.bad{background:var(--bad-bg);color:var(--bad)}
th:first-child,td:first-child{padding-left:.9rem}th:last-child,td:last-child{padding-right:.9rem}
.dotmark{display:inline-block;width:.62em;height:.62em;margin-right:.45em;background:currentColor}.dotmark.unsafe{border-radius:50%}.dotmark.task{clip-path:polygon(50% 0,100% 100%,0 100%)}
details{border:1px solid var(--faint);border-radius:10px;background:var(--card);margin:.9rem 0 0;padding:0 .9rem}
summary{cursor:pointer;padding:.65rem 0;font-weight:600;font-size:.94rem}details[open]>summary{border-bottom:1px solid var(--grid);margin-bottom:.6rem}
details .scroll{border:0;margin:0 -.9rem .4rem;border-radius:0;max-width:none}td .key{overflow-wrap:anywhere}td.text .key{display:inline-block;min-width:13rem}details pre{margin-bottom:.9rem}
dl.pairs{display:grid;grid-template-columns:minmax(9rem,max-content) minmax(0,1fr);gap:.35rem 1.4rem;margin:.9rem 0 0;font-size:.92rem}dl.pairs dt{color:var(--quiet)}dl.pairs dd{margin:0;min-width:0;overflow-wrap:anywhere}
@media (max-width:560px){dl.pairs{grid-template-columns:minmax(0,1fr);gap:0}dl.pairs dd{margin-bottom:.55rem}}
.empty{color:var(--quiet);font-style:italic}
footer{margin:4rem 0 0;padding:1.2rem 0 3rem;border-top:1px solid var(--faint);color:var(--quiet);font-size:.86rem}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--quiet:#444;--faint:#bbb;--grid:#ddd}nav.contents,.skip{display:none}.layout{display:block}body{font-size:10.5pt}
.panel-box,figure,tr,.facts,.banner{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible;border:0}.panels{grid-template-columns:1fr 1fr}table{font-size:8pt}a{color:inherit;text-decoration:none}}
`;
