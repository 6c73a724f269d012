// SPDX-License-Identifier: MIT
// What the page's other scripts stand on: the report, elements, numbers, the window of time. All of them are
// one module, in the order of vmm/timing/page.S. Guests' text only ever becomes text nodes, and attributes
// without meaning. Times are ns since process start.
addEventListener('error', event => {
	document.documentElement.dataset.error = event.message;
	document.getElementById('head').append(
		Object.assign(document.createElement('p'), { className: 'failed', textContent:
			'This page’s script failed (' + event.message + '); the report itself is the JSON in its source.' }));
});

const $ = id => document.getElementById(id);
const body = id => $(id).querySelector('.body');
const report = JSON.parse($('report').textContent);
const { marks, steps } = report;
const end = Math.max(1, ...marks.map(mark => mark.at_ns));
const view = { lo: 0, hi: end };
const onView = [], onCursor = [];

// --- elements ---

function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
		else if (name.startsWith('--')) node.style.setProperty(name, value);
		else if (name === 'style') node.style.cssText += value;
		else if (value !== undefined && value !== false) node.setAttribute(name, value);
	}
	node.append(...children.flat(Infinity).filter(child => child || child === 0));
	return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
	fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
const why = text => el('p', { class: 'why' }, text);
const swatch = paint => el('span', { class: 'swatch paint ' + (paint.pattern || ''), '--c': paint.color });

// What a terminal would not show: colours are dropped, other control characters become pictures.
const clean = text => text.replace(/\x1b\[[0-9;]*m/g, '').replace(/[\x00-\x08\x0a-\x1f]/g,
	c => String.fromCharCode(0x2400 + c.charCodeAt(0))).replace(/[\x7f-\x9f]/g, '\ufffd');

// --- numbers ---

function time(ns) {
	const size = Math.abs(ns);
	if (size < 1e3) return ns.toFixed(0) + ' ns';
	if (size < 1e6) return (ns / 1e3).toFixed(size < 1e4 ? 2 : 1) + ' µs';
	if (size < 1e9) return (ns / 1e6).toFixed(3) + ' ms';
	return (ns / 1e9).toFixed(3) + ' s';
}
const share = (part, of) => of > 0 ? (part / of * 100).toFixed(1) + ' %' : '–';
const count = (n, one, many) => n.toLocaleString('en') + (one ? ' ' + (n === 1 ? one : many || one + 's') : '');
const bytes = n => n < 1024 ? n + ' B' : n < 1 << 20 ? (n / 1024).toFixed(1) + ' KiB' :
	(n / (1 << 20)).toFixed(n % (1 << 20) ? 1 : 0) + ' MiB';
const exact = ns => ns.toLocaleString('en') + ' ns';
const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);

// --- the window ---

function show(lo, hi) {
	const least = Math.min(end, 100);
	const wide = Math.min(end, Math.max(least, hi - lo));
	view.lo = Math.max(0, Math.min(lo, end - wide));
	view.hi = view.lo + wide;
	$('reset').disabled = view.lo === 0 && view.hi === end;
	onView.forEach(draw => draw());
}
const zoomed = () => view.lo > 0 || view.hi < end;
const around = (from, to) => show(from - (to - from) * .08, to + (to - from) * .08);
const point = (at, words) => onCursor.forEach(tell => tell(at, words));

// Dragging over the parts of node chooses a window; at(x) is the time at a pixel of the page.
function draggable(node, parts, at, selection, click) {
	let from = null;
	node.addEventListener('pointerdown', event => {
		if (event.button === 0 && event.target.closest(parts)) from = event.clientX;
	});
	node.addEventListener('pointermove', event => {
		if (from === null) return;
		if (!node.hasPointerCapture(event.pointerId)) node.setPointerCapture(event.pointerId);
		selection(Math.min(from, event.clientX), Math.max(from, event.clientX));
	});
	node.addEventListener('pointercancel', () => { from = null; selection(0, 0); });
	node.addEventListener('pointerup', event => {
		if (from === null) return;
		const [a, b] = [from, event.clientX].sort((x, y) => x - y);
		from = null;
		selection(0, 0);
		if (b - a > 4) show(at(a), at(b));
		else if (click) click(at(a));
	});
	node.addEventListener('dblclick', () => show(0, end));
}

function ticks(lo, hi, most) {
	const rough = (hi - lo) / most, power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].find(n => n * power >= rough) * power;
	const [unit, name] = hi < 5e3 ? [1, 'ns'] : hi < 2e6 ? [1e3, 'µs'] : hi < 5e9 ? [1e6, 'ms'] : [1e9, 's'];
	const all = [], from = Math.ceil(lo / step);
	for (let i = from; i * step <= hi && i <= from + 2 * most; i++)
		all.push([i * step, +(i * step / unit).toFixed(6) + ' ' + name]);
	return all;
}

// --- host, kernel, user ---

// The numbers "kernel" and "user" know where they begin.
const beginOf = metric => marks.find(mark => (report.metrics || []).some(m => m.name === metric && m.from === mark.name));
const first = beginOf('kernel') || marks.find(mark => mark.name === 'first guest instruction');
const init = beginOf('user') || marks.find(mark => mark.name === 'first user-mode instruction') ||
	marks.find(mark => /^Run /.test(mark.name));
const stages = [];
function stage(name, from, to, color, pattern, words) {
	if (to > from) stages.push({ name, from, to, color, pattern, words });
}
stage('host', 0, first ? first.at_ns : end, 'var(--host)', 'dotted', 'tvmm, before the first guest instruction');
if (first && init) {
	stage('kernel', first.at_ns, init.at_ns, 'var(--kernel)', '', 'from there to “' + clean(init.name) + '”');
	stage('user', init.at_ns, end, 'var(--user)', 'striped', 'from there to the end');
} else if (first) {
	stage('guest', first.at_ns, end, 'var(--kernel)', '', 'from there to the end; user space was not seen');
}

// --- words and colours of what the report has ---

const SHAPES = { tvmm: '■', console: '▲', breakpoint: '◆', guest: '●' };
const BY = { tvmm: 'by tvmm itself', console: 'at a console line’s first byte', breakpoint: 'by a breakpoint',
	guest: 'by the guest' };
const LEVELS = ['early', 'pure', 'core', 'postcore', 'arch', 'subsys', 'fs', 'rootfs', 'device', 'late', 'module', ''];
const PAINTS = LEVELS.map((level, i) => ({ color: 'var(--' + ['blue', 'orange', 'green', 'pink', 'sky', 'red'][i % 6] +
	')', pattern: i < 6 ? '' : 'striped' }));
const paintOf = level => PAINTS[Math.max(0, LEVELS.indexOf(level))];
const calls = report.initcalls.list || [];
const lines = report.console.lines || [];
