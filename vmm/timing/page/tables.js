// SPDX-License-Identifier: MIT
// What has few lines: the head, tables and figures.
function head() {
	const { host, guest, ending, tvmm } = report;
	const real = host.ground === 'hardware';
	const fact = (name, value, wide) => value && el('div', { class: wide && 'wide' },
		el('dt', {}, name), el('dd', { class: 'text' + (wide ? ' mono' : '') }, clean(String(value))));
	const release = /Linux version (\S+)/.exec(guest.banner || '');
	document.title = (release ? clean(release[1]) + ': ' : '') + time(end) + ' — tvmm boot report';
	body('head').append(
		el('h1', { title: exact(end) }, time(end), el('small', {}, release ? 'Linux ' + clean(release[1]) :
			clean((guest.kernel || 'a guest').split('/').pop()))),
		el('p', { class: 'said text' }, clean(ending.sentence || ending.kind), ' ',
			el('span', { class: 'soft' }, '(status ' + ending.status + ')'), ' ',
			el('span', { class: 'badge' + (real ? ' real' : '') }, real ? '✓ ' : '⚠ ',
				'ground: ' + clean(host.ground || 'not known'))),
		real ? '' : el('p', { class: 'soft' }, 'These times are those of this ground; on hardware they differ.'),
		el('div', { class: 'stages' }, stages.map(s => el('span', { title: s.words }, swatch(s),
			s.name, ' ', el('b', {}, time(s.to - s.from)), el('span', { class: 'soft' }, share(s.to - s.from, end))))),
		el('dl', { class: 'facts' },
			fact('kernel', guest.kernel), fact('initrd', guest.initrd), fact('entered', guest.entered),
			fact('symbols', guest.symbols), fact('build id', guest.build_id),
			fact('machine', count(guest.cpus, 'CPU') + ', ' + bytes(guest.ram_bytes)),
			fact('host CPU', host.cpu && host.cpu + ' × ' + host.cpus), fact('host kernel', host.kernel),
			fact('backend', host.backend), fact('governor', host.governor),
			fact('huge pages', host.huge_pages), fact('clock', host.clock),
			fact('TSC', host.tsc_khz > 0 && (host.tsc_khz / 1e6).toFixed(3) + ' GHz'),
			fact('mitigations', host.mitigations, true),
			fact('cmdline', guest.cmdline, true), fact('of it -fast-append', guest.fast_append, true), fact('banner', guest.banner, true),
			fact('command', (tvmm.command || []).join(' '), true)));
	$('foot').append('Written by tvmm ' + clean(tvmm.version || '') + '; schema ' + report.schema + ' version ' +
		report.version + '. All times are of one clock, CLOCK_MONOTONIC_RAW, since process start.');
}

function table(columns, rows, empty) {
	return rows.length === 0 && empty ? why(empty) : el('div', { class: 'scroll' }, el('table', {},
		el('thead', {}, el('tr', {}, columns.map(c => el('th', { scope: 'col', class: c.class }, c.name)))),
		el('tbody', {}, rows)));
}
const cell = (text, title) => el('td', { class: 'n', title }, text);
const bar = (part, of, paint, words) => el('div', { class: 'bar' },
	el('i', { class: 'paint ' + (paint.pattern || ''), '--c': paint.color, style: `width:${of > 0 ? part / of * 100 : 0}%` }),
	el('span', {}, words));
const num = name => ({ name, class: 'n' });

function phases() {
	const longest = Math.max(...steps.map(step => step.duration_ns));
	const stageOf = at => stages.find(s => at >= s.from && at < s.to) || stages[stages.length - 1];
	const measured = steps.some(step => step.overhead_ns > 0), exits = steps.some(step => step.exits > 0);
	const rows = steps.map((step, i) => {
		const mark = marks[i], paint = stageOf(mark.at_ns);
		return el('tr', {}, el('td', {}, el('button', { type: 'button', class: 'name text', title: 'zoom to it',
			onclick: () => around(mark.at_ns, marks[i + 1].at_ns) }, SHAPES[mark.by] + ' ' + clean(step.from)),
		el('small', { class: 'text' }, clean(mark.taken || ''))),
		el('td', { class: 'wide-only' }, paint.name), cell(time(mark.at_ns), exact(mark.at_ns)),
		cell(time(step.duration_ns), exact(step.duration_ns)),
		el('td', { class: 'share' }, bar(step.duration_ns, longest, paint, share(step.duration_ns, end))),
		exits && cell(step.exits ? count(step.exits) : '', time(step.exits_ns) + ' to serve them'),
		exits && cell(step.console_ns ? time(step.console_ns) : '', count(step.console_bytes, 'byte')),
		measured && cell(step.overhead_ns ? '− ' + time(step.overhead_ns) : '', 'already subtracted'));
	});
	const last = marks[marks.length - 1];
	rows.push(el('tr', {}, el('td', {}, SHAPES[last.by] + ' ' + clean(last.name),
		el('small', { class: 'text' }, clean(last.taken || ''))), el('td', { class: 'wide-only' }), cell(time(last.at_ns), exact(last.at_ns))));
	body('phases').append(
		el('p', { class: 'lead' }, 'Each phase begins at the mark that it is called by and lasts until the next.' +
			(measured ? ' What the breakpoints cost is taken out of “took”, and shown beside it.' : '')),
		table([{ name: 'begins at' }, { name: '', class: 'wide-only' }, num('at'), num('took'), { name: 'share of the total' },
			exits && num('exits'), exits && num('console'), measured && num('measuring')].filter(c => c), rows));
	if (report.phases.why_not) body('phases').append(why(clean(report.phases.why_not)));
}

function consoleTax(into) {
	const c = report.console, figure = (value, words) => el('div', {}, el('b', {}, value), el('span', {}, words));
	if (!c.exits) into.append(why(`${bytes(c.bytes)} came out of the console. What that cost is not known: ` +
		'its exits were not recorded.'));
	else into.append(
		el('p', { class: 'sentence' }, 'Without the console this boot would take about ', el('b', {},
			time(Math.max(0, end - c.tax_ns))), ` instead of ${time(end)}: ${share(c.tax_ns, end)} of it went into the UART.`),
		el('div', { class: 'tax' }, figure(bytes(c.bytes), 'sent by the guest'), figure(count(c.exits), 'exits at the UART'),
			figure(time(c.served_ns), 'to serve them'), figure(c.round_trip_ns ? time(c.round_trip_ns) : 'not known',
				'to leave and enter the guest, each time' + (c.round_trip_ns && c.round_trip_by ? ': ' + clean(c.round_trip_by) : '')),
			figure(time(c.tax_ns), 'the console’s tax: both together')));
	const k = report.control;
	if (k) into.append(el('p', { class: 'sentence' }, 'The control, a second run with the console quiet, came to “' +
		clean(k.mark || 'the same mark') + '” after ', el('b', {}, time(k.quiet_ns)), ' instead of ' + time(k.noisy_ns) + '.'));
}

const SPLIT = [['guest_ns', 'guest code', 'var(--blue)', ''], ['kvm_ns', 'KVM’s own work for it', 'var(--blue)', 'striped'],
	['tvmm_ns', 'tvmm, serving exits', 'var(--red)', ''], ['idle_ns', 'idle: halted', 'var(--grey)', 'dotted'],
	['stolen_ns', 'stolen: another had the CPU', 'var(--pink)', 'lined']]
	.map(([key, name, color, pattern]) => ({ key, name, color, pattern }));
const splitPart = (split, key) => Math.max(0, key === 'guest_ns' ? split.guest_ns - (split.kvm_ns || 0) : split[key] || 0);
const splitBar = split => {
	const whole = sum(SPLIT, part => splitPart(split, part.key));
	return el('div', { class: 'stack' }, SPLIT.map(part => el('i', { class: 'paint ' + part.pattern, '--c': part.color,
		style: `width:${whole ? splitPart(split, part.key) / whole * 100 : 0}%`, hidden: !splitPart(split, part.key),
		title: part.name + ': ' + time(splitPart(split, part.key)) })));
};

function timeSplit() {
	const split = report.time;
	if (!split) {
		body('time').append(why('Not known: the host did not tell how the vCPUs’ threads spent their time.'));
		return;
	}
	const whole = sum(SPLIT, part => splitPart(split, part.key));
	body('time').append(el('p', { class: 'lead' }, `From the first guest instruction to the end, ${time(split.wall_ns)} on ` +
		count(report.guest.cpus, 'CPU') + (split.kvm_exits ? `; KVM counted ${count(split.kvm_exits, 'exit')}, those that it ` +
		'served itself included' : '') + '.'), splitBar(split),
	el('div', { class: 'legend' }, SPLIT.map(part => el('span', {}, swatch(part), part.name + ' ',
		el('b', {}, time(splitPart(split, part.key))), el('span', { class: 'soft' }, ' ' +
			share(splitPart(split, part.key), whole))))));
	const known = steps.filter(step => step.split);
	if (known.length) body('time').append(el('details', {}, el('summary', {}, 'by phase'), table([{ name: 'phase' },
		num('took'), { name: 'spent on' }], known.map(step => el('tr', {}, el('td', { class: 'text' }, clean(step.from)),
		cell(time(step.duration_ns)), el('td', { class: 'share' }, splitBar(step.split)))))));
}

function exits() {
	const x = report.exits, classes = x.classes || [];
	if (!x.taken || classes.length === 0) {
		body('exits').append(why(clean(x.why_not || 'There was none.')));
		return;
	}
	const where = c => c.kind === 'pio' || c.kind === 'mmio' ? ' 0x' + c.address.toString(16) :
		c.kind === 'other' ? ' reason ' + c.address : '';
	const name = c => c.kind + where(c) + (c.direction ? ' ' + c.direction : '');
	const most = Math.max(...classes.map(c => c.served_ns)), paint = { color: 'var(--red)' };
	const rows = classes.map(c => el('tr', {}, el('td', { class: 'mono' }, clean(name(c))),
		el('td', { class: 'text' }, clean(c.owner || '')), cell(count(c.exits)), cell(count(c.accesses)),
		cell(time(c.served_ns), exact(c.served_ns)), el('td', { class: 'share' },
			bar(c.served_ns, most, paint, share(c.served_ns, end)))));
	body('exits').append(el('p', { class: 'lead' }, `${count(x.count, 'exit')}, ` + time(sum(classes, c => c.served_ns)) +
		' to serve them, the most expensive first; to leave the guest and to enter it again is not in this.' +
		(x.lost ? ` ${count(x.lost)} more did not fit into the record.` : '')),
	table([{ name: 'exit' }, { name: 'who answers' }, num('exits'), num('accesses'), num('served in'),
		{ name: 'share of the total' }], rows));
	matrix(classes, name);
}

function matrix(classes, name) {
	const columns = classes.slice(0, 7).map(c => ({ name: name(c), by: c.by_step || [] })), rest = classes.slice(7);
	if (rest.length) columns.push({ name: 'others', by: steps.map((_, i) => sum(rest, c => (c.by_step || [])[i] || 0)) });
	const most = Math.max(1, ...columns.map(c => Math.max(0, ...c.by)));
	const rows = steps.map((step, i) => [step, i]).filter(([, i]) => columns.some(c => c.by[i])).map(([step, i]) =>
		el('tr', {}, el('td', { class: 'text' }, clean(step.from)), columns.map(c => el('td', { class: 'heat',
			'--h': c.by[i] ? Math.log1p(c.by[i]) / Math.log1p(most) : 0 }, c.by[i] ? count(c.by[i]) : ''))));
	if (rows.length) body('exits').append(el('h3', {}, 'How many, in which phase'),
		table([{ name: 'phase' }, ...columns.map(c => ({ name: clean(c.name), class: 'n mono' }))], rows));
}

function honest() {
	const p = report.phases, b = report.breakpoints || {}, items = [], add = (...parts) => items.push(el('li', {}, ...parts));
	const names = list => list.map(clean).join(', ');
	if (p.why_not) add('Phases by breakpoint: ', clean(p.why_not));
	if (p.left_out && p.left_out.length) add('Phases that this kernel has no symbol for: ', names(p.left_out));
	if (p.not_reached && p.not_reached.length) add('Phases whose breakpoint never fired: ', names(p.not_reached));
	if (b.exits) add(`Breakpoints cost ${count(b.exits, 'exit')} of ${time(b.round_trip_ns)} each, measured in this run: ` +
		`${time(b.total_ns)}, subtracted from the durations above, but not from the moments (“at”).`);
	if (report.initcalls.why_not) add('Initcalls: ', clean(report.initcalls.why_not));
	if (report.exits.why_not) add('Exits: ', clean(report.exits.why_not));
	if (report.console.exits && !report.console.round_trip_ns)
		add('The console’s tax counts serving the exits only: what it takes to leave and enter the guest is not known here.');
	if (!report.time) add('Who had the CPU: the host did not tell.');
	if (!report.profile) add('Profile: no samples were asked for.');
	else if (report.profile.lost) add(`Profile: ${count(report.profile.lost, 'sample')} did not fit into the record.`);
	if (!report.log || report.log.why_not) add('Kernel log: ', clean(report.log && report.log.why_not || 'not read from guest memory'));
	if (!report.control) add('Console’s tax: an estimate; no control run with a quiet console was made.');
	if (report.host.ground !== 'hardware') add(`Hardware: this ran on “${clean(report.host.ground || 'not known')}”.`);
	body('honest').append(el('ul', {}, items));
}

function metrics() {
	const list = report.metrics || [];
	const value = m => m.unit === 'ns' ? time(m.value) : m.unit === 'bytes' ? bytes(m.value) : count(m.value);
	if (list.length === 0) body('metrics').append(why('There are none.'));
	else body('metrics').append(el('details', {}, el('summary', {}, count(list.length, 'number') +
		', as budgets and comparisons call them'), table([{ name: 'name' }, num('value'), { name: 'from' }, { name: 'to' }],
		list.map(m => el('tr', {}, el('td', { class: 'mono text' }, clean(m.name)), cell(value(m), String(m.value)),
			el('td', { class: 'text' }, clean(m.from || '')), el('td', { class: 'text' }, clean(m.to || '')))))));
}
