// SPDX-License-Identifier: MIT
// Draws all of it.
head();
timeline();
phases();
initcalls();
consoleLines();
timeSplit();
exits();
if (!report.profile) body('profile').replaceChildren(why('The vCPU was not sampled; --profile HZ asks for it.'));
logLines();
honest();
metrics();

$('reset').addEventListener('click', () => show(0, end));
if (asked.has('from') && asked.has('to')) show(+asked.get('from'), +asked.get('to'));
let opened = [];
addEventListener('beforeprint', () => {
	opened = [...document.querySelectorAll('details:not([open])')];
	opened.forEach(details => { details.open = true; });
});
addEventListener('afterprint', () => opened.forEach(details => { details.open = false; }));
document.documentElement.dataset.ready = '1';
