// SPDX-License-Identifier: MIT
// A flame graph's zoom and search. data-x and data-w of a frame are in samples, data-d is its depth.
(() => {
	'use strict';
	const svg = document.currentScript.closest('svg');
	const said = svg.querySelector('.said');
	const frames = [...svg.querySelectorAll('g')].map(g => ({
		g, rect: g.querySelector('rect'), text: g.querySelector('text'),
		name: g.dataset.name, at: +g.dataset.x, samples: +g.dataset.w, depth: +g.dataset.d,
	}));
	const all = frames[0], left = +all.rect.getAttribute('x'), width = +all.rect.getAttribute('width');
	const LETTER = 7.3; // pixels
	const holds = (a, b) => a.at <= b.at && a.at + a.samples >= b.at + b.samples && a.depth < b.depth;

	function zoom(to) {
		for (const f of frames) {
			const from = Math.max(f.at, to.at);
			const until = Math.min(f.at + f.samples, to.at + to.samples);
			const wide = (until - from) / to.samples * width;
			const shown = until > from && (f.depth >= to.depth || holds(f, to));
			f.g.style.display = shown ? '' : 'none';
			f.g.classList.toggle('around', f.depth < to.depth);
			if (!shown) continue;
			const x = left + (from - to.at) / to.samples * width, letters = Math.floor((wide - 6) / LETTER);
			f.rect.setAttribute('x', x);
			f.rect.setAttribute('width', wide);
			f.text.setAttribute('x', x + 3);
			f.text.textContent = f.name.length <= letters ? f.name :
				letters < 3 ? '' : f.name.slice(0, letters - 1) + '…';
		}
	}

	// A frame inside a frame that was found is not counted again.
	function search(words) {
		let found = 0, until = 0;
		for (const f of frames) { // parents come before what they call
			const hit = words !== '' && f !== all && f.name.toLowerCase().includes(words.toLowerCase());
			f.g.classList.toggle('hit', hit);
			if (hit && f.at >= until) {
				found += f.samples;
				until = f.at + f.samples;
			}
		}
		said.textContent = words === '' ? '' : (found / all.samples * 100).toFixed(1) + ' % of the samples';
	}

	function walk(from, key) {
		const shown = frames.filter(f => f.g.style.display !== 'none');
		if (key === 'ArrowUp') return shown.find(f => f.depth === from.depth + 1 && holds(from, f));
		if (key === 'ArrowDown') return shown.find(f => f.depth === from.depth - 1 && holds(f, from));
		const row = shown.filter(f => f.depth === from.depth), at = row.indexOf(from);
		return key === 'ArrowRight' ? row[at + 1] : key === 'ArrowLeft' ? row[at - 1] : undefined;
	}

	for (const f of frames) {
		f.g.addEventListener('click', () => zoom(f));
		f.g.addEventListener('keydown', event => {
			const next = walk(f, event.key);
			if (event.key === 'Enter') zoom(f);
			else if (event.key === 'Escape') zoom(all);
			else if (!next) return;
			if (next) next.g.focus();
			event.preventDefault();
		});
	}
	svg.querySelector('input').addEventListener('input', event => search(event.target.value.trim()));
	zoom(all);
})();
